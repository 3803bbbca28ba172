// How each row of the tree looks: words first, since an icon alone says nothing to a screen reader.

import * as path from "node:path";
import * as vscode from "vscode";
import { deploymentName, serviceWord } from "./deployments";
import { LOGS } from "./output";
import type { ExperimentSummary, ImageSnapshot, PhaseSnapshot, RunSnapshot, StepSnapshot } from "./protocol";
import type { Group, Node } from "./runs_view";
import { ago, duration, moment, outcomeWord, phaseWord, say, sayFailure, size, stateWord } from "./words";

/** Names a row through every drawing. */
export function keyOf(node: Node | undefined): string {
  switch (node?.kind) {
    case "experiment":
      return `experiment ${node.experiment.name}`;
    case "run":
      return `run ${node.run.run}`;
    case "group":
      return `${node.group} ${node.run.run}`;
    case "step":
      return `step ${node.step.name} ${node.run}`;
    case "phase":
      return `phase ${node.at} ${node.run}`;
    case "log":
      return `log ${node.log} ${node.run}`;
    case "output":
    case "metric":
      return `${node.kind} ${node.name} ${node.run}`;
    case "answer":
      return `answer ${node.answer.at} ${node.run}`;
    case "image":
      return `image ${node.image.image}`;
    case "more":
      return `more ${node.experiment}`;
    case "nothing":
      return `nothing ${node.of}`;
    default:
      return node?.kind ?? "";
  }
}

export function itemOf(node: Node): vscode.TreeItem {
  const item = draw(node);
  item.id = keyOf(node);
  return item;
}

function draw(node: Node): vscode.TreeItem {
  switch (node.kind) {
    case "workspace":
      return workspaceItem();
    case "experiment":
      return experimentItem(node.experiment);
    case "more":
      return moreItem(node.experiment);
    case "run":
      return node.run.kind === "deployment" ? deploymentItem(node.run) : runItem(node.run);
    case "group":
      return groupItem(node.group);
    case "step":
      return stepItem(node.step);
    case "phase":
      return phaseItem(node.phase);
    case "log":
      return logItem(node);
    case "output":
      return outputItem(node);
    case "metric":
      return metricItem(node);
    case "deployments":
      return deploymentsItem(node.deployments);
    case "answer":
      return answerItem(node);
    case "images":
      return imagesItem(node.images);
    case "image":
      return imageItem(node.image);
    case "nothing":
      return new vscode.TreeItem(node.text);
  }
}

/** Says nothing that changes: all that is below it would be drawn anew. The status bar counts. */
function workspaceItem(): vscode.TreeItem {
  const item = new vscode.TreeItem("local", vscode.TreeItemCollapsibleState.Expanded);
  item.description = vscode.l10n.t("this machine");
  item.iconPath = new vscode.ThemeIcon("vm");
  item.contextValue = "workspace";
  item.tooltip = vscode.l10n.t("The workspace of this machine: it needs no account.");
  item.accessibilityInformation = { label: vscode.l10n.t("Workspace local") };
  return item;
}

function experimentItem(experiment: ExperimentSummary): vscode.TreeItem {
  const item = new vscode.TreeItem(experiment.name, vscode.TreeItemCollapsibleState.Expanded);
  const runs = countOfRuns(experiment.runs);
  item.description = runs;
  item.iconPath = new vscode.ThemeIcon("beaker");
  item.contextValue = experiment.runs === 0 ? "experiment empty" : "experiment";
  item.accessibilityInformation = {
    label: vscode.l10n.t("Experiment {0}, {1}", experiment.name, runs),
  };
  return item;
}

function moreItem(experiment: string): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t("Load more…"));
  item.command = { command: "amlDebug.loadMore", title: vscode.l10n.t("Load more…"), arguments: [experiment] };
  item.iconPath = new vscode.ThemeIcon("ellipsis");
  return item;
}

function runItem(run: RunSnapshot): vscode.TreeItem {
  const name = runName(run);
  const item = new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.Collapsed);
  const state = stateWord(run.state);
  const started = moment(run.startedAt);
  const time = run.endedAt === null ? started : `${started} · ${duration(run.endedAt - run.startedAt)}`;
  item.description = `${state} · ${time}`;
  item.iconPath = stateIcon(run.state);
  item.contextValue = ["run", ...(run.parent === null ? [] : ["step"]), ...run.actions, ...(run.container ? ["container"] : []), ...(run.image ? ["image"] : [])].join(" ");
  item.tooltip = runTooltip(run);
  item.accessibilityInformation = { label: vscode.l10n.t("Run {0}, {1}, {2}", name, state, time) };
  return item;
}

function deploymentsItem(deployments: RunSnapshot[]): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t("Deployments"), vscode.TreeItemCollapsibleState.Expanded);
  const live = deployments.filter(({ endedAt }) => endedAt === null).length;
  item.description = live > 0 ? vscode.l10n.t("{0} under way", live) : String(deployments.length);
  item.iconPath = new vscode.ThemeIcon("server-process");
  item.contextValue = "deployments";
  item.tooltip = vscode.l10n.t("Scoring scripts behind their inference server, on this machine.");
  item.accessibilityInformation = { label: vscode.l10n.t("Deployments, {0}", item.description) };
  return item;
}

/** A deployment is a run; what may be asked of it has words of its own, since its end is no result. */
function deploymentItem(run: RunSnapshot): vscode.TreeItem {
  const item = runItem(run);
  const name = deploymentName(run);
  item.label = name;
  const isLive = run.endedAt === null;
  const port = isLive && run.service ? `:${new URL(run.service.scoringUri).port}` : undefined;
  const refused = isLive && run.service?.refused ? vscode.l10n.t("edit not taken") : undefined;
  const parts = [serviceWord(run), ...(refused ? [refused] : []), ...(port ? [port] : []), ago(run.startedAt)];
  item.description = parts.join(" · ");
  const attach = run.actions.filter((action) => action === "attach" || action === "takeOver");
  item.contextValue = ["run deployment", ...attach, isLive ? "live" : "over", ...(run.container ? ["container"] : []), ...(run.image ? ["image"] : [])].join(" ");
  const isHealthy = run.state === "running" && run.service?.healthyAt != null;
  if (refused) {
    item.iconPath = new vscode.ThemeIcon("warning", new vscode.ThemeColor("charts.yellow"));
  } else if (isHealthy) {
    item.iconPath = new vscode.ThemeIcon("server-process", new vscode.ThemeColor("testing.iconPassed"));
  }
  if (run.service && item.tooltip instanceof vscode.MarkdownString) {
    const line = (title: string, value: string) => (item.tooltip as vscode.MarkdownString).appendMarkdown(`**${title}** `).appendText(value).appendMarkdown("\n\n");
    line(vscode.l10n.t("Scoring URI"), run.service.scoringUri);
    line(vscode.l10n.t("Health"), run.service.healthUri);
    if (run.service.restarts > 0) {
      line(vscode.l10n.t("Loaded again"), String(run.service.restarts));
    }
    if (run.service.refused) {
      line(vscode.l10n.t("The last edit"), sayFailure(run.service.refused));
    }
  }
  item.accessibilityInformation = { label: vscode.l10n.t("Deployment {0}, {1}", name, parts.join(", ")) };
  return item;
}

function answerItem({ run, answer }: Extract<Node, { kind: "answer" }>): vscode.TreeItem {
  const item = new vscode.TreeItem(answer.request);
  item.description = `${answer.status} · ${duration(answer.ms)} · ${moment(answer.at)}`;
  const isWell = answer.status < 400 && answer.failure === null;
  item.iconPath = isWell ? new vscode.ThemeIcon("pass", new vscode.ThemeColor("testing.iconPassed")) : new vscode.ThemeIcon("error", new vscode.ThemeColor("testing.iconFailed"));
  item.contextValue = "answer";
  item.tooltip = answer.failure ? sayFailure(answer.failure) : (answer.file ?? answer.request);
  item.command = { command: "amlDebug.showAnswers", title: vscode.l10n.t("Answers"), arguments: [run] };
  item.accessibilityInformation = { label: `${answer.request}, ${item.description}` };
  return item;
}

function stepItem(step: StepSnapshot): vscode.TreeItem {
  const item = new vscode.TreeItem(step.name);
  const state = stateWord(step.state);
  const took = step.startedAt !== null && step.endedAt !== null && !step.reused ? ` · ${duration(step.endedAt - step.startedAt)}` : "";
  item.description = step.reused ? vscode.l10n.t("{0} · result of an earlier run", state) : `${state}${took}`;
  item.iconPath = stateIcon(step.state);
  item.contextValue = step.run === null ? "step" : "step ran";
  item.accessibilityInformation = { label: vscode.l10n.t("Step {0}, {1}", step.name, item.description) };
  return item;
}

/** What the spec calls it, or the spec itself; its id is for machines. */
export function runName(run: RunSnapshot): string {
  return run.step ?? run.displayName ?? path.basename(run.spec);
}

function runTooltip(run: RunSnapshot): vscode.MarkdownString {
  const text = new vscode.MarkdownString("", true);
  const line = (name: string, value: string) => text.appendMarkdown(`**${name}** `).appendText(value).appendMarkdown("\n\n");
  line(vscode.l10n.t("Run"), run.run);
  line(vscode.l10n.t("State"), stateWord(run.state));
  line(vscode.l10n.t("Started"), moment(run.startedAt));
  line(vscode.l10n.t("Specification"), run.spec);
  if (run.image) {
    line(vscode.l10n.t("Image"), run.image);
  }
  if (run.exitCode !== null) {
    line(vscode.l10n.t("Exit code"), String(run.exitCode));
  }
  if (run.failure) {
    line(vscode.l10n.t("Why"), sayFailure(run.failure));
  }
  return text;
}

function stateIcon(state: string): vscode.ThemeIcon {
  const color = (name: string) => new vscode.ThemeColor(name);
  switch (state) {
    case "preparing":
    case "stopping":
      return new vscode.ThemeIcon("loading~spin");
    case "waiting":
      return new vscode.ThemeIcon("debug-alt", color("charts.yellow"));
    case "running":
      return new vscode.ThemeIcon("sync~spin", color("charts.blue"));
    case "paused":
      return new vscode.ThemeIcon("debug-pause", color("charts.yellow"));
    case "completed":
      return new vscode.ThemeIcon("pass", color("testing.iconPassed"));
    case "failed":
      return new vscode.ThemeIcon("error", color("testing.iconFailed"));
    case "cancelled":
    case "skipped":
      return new vscode.ThemeIcon("circle-slash");
    case "pending":
      return new vscode.ThemeIcon("circle-outline");
    default:
      return new vscode.ThemeIcon("question");
  }
}

function groupItem(group: Group): vscode.TreeItem {
  const names = {
    steps: { label: vscode.l10n.t("Steps"), icon: "type-hierarchy" },
    answers: { label: vscode.l10n.t("Answers"), icon: "comment-discussion" },
    phases: { label: vscode.l10n.t("Phases"), icon: "list-ordered" },
    logs: { label: vscode.l10n.t("Logs"), icon: "output" },
    outputs: { label: vscode.l10n.t("Outputs"), icon: "folder" },
    metrics: { label: vscode.l10n.t("Metrics"), icon: "graph" },
  };
  const { label, icon } = names[group];
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Collapsed);
  item.iconPath = new vscode.ThemeIcon(icon);
  item.contextValue = group;
  return item;
}

function phaseItem(phase: PhaseSnapshot): vscode.TreeItem {
  const item = new vscode.TreeItem(phaseWord(phase.name));
  const time = phase.ms === null ? vscode.l10n.t("under way") : duration(phase.ms);
  const said = phase.cause ?? phase.note;
  item.description = said ? `${time} · ${say(said)}` : time;
  const icons: Record<string, vscode.ThemeIcon> = {
    running: new vscode.ThemeIcon("loading~spin"),
    ok: new vscode.ThemeIcon("check", new vscode.ThemeColor("testing.iconPassed")),
    failed: new vscode.ThemeIcon("error", new vscode.ThemeColor("testing.iconFailed")),
    cancelled: new vscode.ThemeIcon("circle-slash"),
  };
  item.iconPath = icons[phase.outcome] ?? new vscode.ThemeIcon("circle-outline");
  item.contextValue = "phase";
  item.tooltip = [said, phase.fix].flatMap((text) => (text ? [say(text)] : [])).join("\n") || item.label?.toString();
  item.accessibilityInformation = { label: `${item.label?.toString()}, ${outcomeWord(phase.outcome)}, ${item.description}` };
  return item;
}

function logItem(node: Extract<Node, { kind: "log" }>): vscode.TreeItem {
  const item = new vscode.TreeItem(LOGS[node.log]);
  item.description = node.log === "control" ? vscode.l10n.t("image and container") : vscode.l10n.t("what the code printed");
  item.iconPath = new vscode.ThemeIcon("output");
  item.contextValue = "log";
  item.command = { command: "amlDebug.openLog", title: vscode.l10n.t("Open log"), arguments: [node] };
  return item;
}

function outputItem(node: Extract<Node, { kind: "output" }>): vscode.TreeItem {
  const item = new vscode.TreeItem(node.name);
  item.description = size(node.bytes);
  item.resourceUri = vscode.Uri.file(node.file);
  item.iconPath = vscode.ThemeIcon.File;
  item.contextValue = "output";
  item.tooltip = node.file;
  item.accessibilityInformation = { label: `${node.name}, ${item.description}` };
  item.command = { command: "amlDebug.openOutput", title: vscode.l10n.t("Open output"), arguments: [node] };
  return item;
}

function metricItem(node: Extract<Node, { kind: "metric" }>): vscode.TreeItem {
  const item = new vscode.TreeItem(node.name);
  item.description = String(node.value);
  item.iconPath = new vscode.ThemeIcon("symbol-number");
  item.contextValue = "metric";
  return item;
}

function imagesItem(images: ImageSnapshot[]): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t("Images"), vscode.TreeItemCollapsibleState.Collapsed);
  const bytes = images.reduce((sum, image) => sum + (image.missing ? 0 : image.bytes), 0);
  item.description = `${images.length} · ${size(bytes)}`;
  item.iconPath = new vscode.ThemeIcon("layers");
  item.contextValue = "images";
  item.tooltip = vscode.l10n.t("What environments became on this machine. Layers that images share count for each of them.");
  item.accessibilityInformation = { label: vscode.l10n.t("Images, {0}", item.description) };
  return item;
}

function imageItem(image: ImageSnapshot): vscode.TreeItem {
  const item = new vscode.TreeItem(image.image);
  const there = image.missing ? vscode.l10n.t("removed from the engine") : size(image.bytes);
  item.description = `${there} · ${vscode.l10n.t("used {0}", ago(image.usedAt))} · ${countOfRuns(image.runs)}`;
  item.iconPath = new vscode.ThemeIcon(image.missing ? "circle-slash" : "package");
  item.contextValue = "imageRow";
  const text = new vscode.MarkdownString("", true);
  const line = (name: string, value: string) => text.appendMarkdown(`**${name}** `).appendText(value).appendMarkdown("\n\n");
  line(vscode.l10n.t("Image"), image.image);
  line(vscode.l10n.t("Built on"), image.base);
  line(vscode.l10n.t("Built"), moment(image.builtAt));
  for (const spec of image.specs) {
    line(vscode.l10n.t("Specification"), spec);
  }
  item.tooltip = text;
  item.accessibilityInformation = { label: vscode.l10n.t("Image {0}, {1}", image.image, item.description) };
  return item;
}

function countOfRuns(count: number): string {
  return count === 1 ? vscode.l10n.t("1 run") : vscode.l10n.t("{0} runs", count);
}
