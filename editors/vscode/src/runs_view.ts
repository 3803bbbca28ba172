// The tree: workspace → experiments → runs → phases, logs, outputs, metrics. Everything in it is drawn from
// what the sidecar answered last; which actions a run offers is the sidecar's word.

import * as path from "node:path";
import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import { LOGS, type LogName } from "./output";
import type { ExperimentSummary, OutputsAnswer, PhaseSnapshot, RunSnapshot } from "./protocol";
import { duration, moment, phaseWord, say, sayFailure, size, stateWord } from "./words";

/** Runs that are asked for at once. */
const PAGE = 50;

/** While a build writes its lines, the tree is drawn at most this often, in milliseconds. */
const CALM = 100;

const GROUPS = ["phases", "logs", "outputs", "metrics"] as const;

export type Node =
  | { kind: "workspace"; live: number }
  | { kind: "experiment"; experiment: ExperimentSummary }
  | { kind: "more"; experiment: string; loaded: number }
  | { kind: "run"; run: RunSnapshot }
  | { kind: "group"; run: RunSnapshot; group: (typeof GROUPS)[number] }
  | { kind: "phase"; run: string; phase: PhaseSnapshot }
  | { kind: "log"; run: string; log: LogName }
  | { kind: "output"; run: string; file: string; name: string; bytes: number }
  | { kind: "metric"; run: string; name: string; value: number }
  | { kind: "nothing"; text: string };

export class RunsView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly tree: vscode.TreeView<Node>;
  private readonly pages = new Map<string, number>();
  private readonly subscriptions: vscode.Disposable[];
  private redraw: NodeJS.Timeout | undefined;
  private liveRuns = 0;
  private readonly liveChanged = new vscode.EventEmitter<number>();

  /** Fires with the number of runs that are under way. */
  readonly onLiveRuns = this.liveChanged.event;

  constructor(private readonly sidecar: Sidecar) {
    this.tree = vscode.window.createTreeView("amlDebug.runs", { treeDataProvider: this, showCollapseAll: true });
    this.subscriptions = [
      this.tree,
      sidecar.on("aml/runChanged", () => this.refreshSoon()),
      sidecar.onHealth(() => this.refreshSoon()),
    ];
  }

  get live(): number {
    return this.liveRuns;
  }

  refresh(): void {
    this.changed.fire();
    // A view that is not visible asks for nothing, and the status bar counts all the same.
    if (!this.tree.visible) {
      void this.experiments();
    }
  }

  loadMore(experiment: string): void {
    this.pages.set(experiment, (this.pages.get(experiment) ?? 1) + 1);
    this.refresh();
  }

  /** Brings a run to the front without taking the focus. */
  async reveal(run: RunSnapshot): Promise<void> {
    if (this.tree.visible) {
      await this.tree.reveal({ kind: "run", run }, { select: true, focus: false, expand: 1 });
    }
  }

  dispose(): void {
    clearTimeout(this.redraw);
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (this.sidecar.health.is !== "ready") {
      return [];
    }
    if (!node) {
      const experiments = await this.experiments();
      return experiments.length > 0 ? [{ kind: "workspace", live: this.liveRuns }] : [];
    }
    switch (node.kind) {
      case "workspace":
        return (await this.experiments()).map((experiment) => ({ kind: "experiment", experiment }));
      case "experiment":
        return this.runs(node.experiment);
      case "run":
        return GROUPS.map((group) => ({ kind: "group", run: node.run, group }));
      case "group":
        return this.members(node.run, node.group);
      default:
        return [];
    }
  }

  getParent(node: Node): Node | undefined {
    switch (node.kind) {
      case "experiment":
        return { kind: "workspace", live: this.liveRuns };
      case "run": {
        const experiment = { name: node.run.experiment, runs: 0, live: 0, newestAt: 0 };
        return { kind: "experiment", experiment };
      }
      case "group":
        return { kind: "run", run: node.run };
      default:
        return undefined;
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    switch (node.kind) {
      case "workspace":
        return workspaceItem(node.live);
      case "experiment":
        return experimentItem(node.experiment);
      case "more":
        return moreItem(node.experiment);
      case "run":
        return runItem(node.run);
      case "group":
        return groupItem(node.run, node.group);
      case "phase":
        return phaseItem(node.run, node.phase);
      case "log":
        return logItem(node);
      case "output":
        return outputItem(node);
      case "metric":
        return metricItem(node);
      case "nothing":
        return new vscode.TreeItem(node.text);
    }
  }

  private refreshSoon(): void {
    this.redraw ??= setTimeout(() => {
      this.redraw = undefined;
      this.refresh();
    }, CALM);
  }

  private async experiments(): Promise<ExperimentSummary[]> {
    if (this.sidecar.health.is !== "ready") {
      return [];
    }
    const { experiments, live } = await this.sidecar.request("aml/listExperiments", {});
    if (live !== this.liveRuns) {
      this.liveRuns = live;
      this.liveChanged.fire(live);
    }
    return experiments;
  }

  private async runs(experiment: ExperimentSummary): Promise<Node[]> {
    const limit = PAGE * (this.pages.get(experiment.name) ?? 1);
    const { runs } = await this.sidecar.request("aml/listRuns", { experiment: experiment.name, limit });
    const nodes: Node[] = runs.map((run) => ({ kind: "run", run }));
    if (experiment.runs > runs.length) {
      nodes.push({ kind: "more", experiment: experiment.name, loaded: runs.length });
    }
    return nodes;
  }

  private async members(run: RunSnapshot, group: (typeof GROUPS)[number]): Promise<Node[]> {
    switch (group) {
      case "phases":
        return run.phases.map((phase) => ({ kind: "phase", run: run.run, phase }));
      case "logs":
        return (Object.keys(LOGS) as LogName[]).map((log) => ({ kind: "log", run: run.run, log }));
      case "outputs":
        return orNothing(outputs(run.run, await this.outputs(run.run)), vscode.l10n.t("no files yet"));
      case "metrics":
        return orNothing(metrics(run.run, await this.outputs(run.run)), vscode.l10n.t("no metrics yet"));
    }
  }

  private outputs(run: string): Promise<OutputsAnswer> {
    return this.sidecar.request("aml/listOutputs", { run });
  }
}

/** The files that a run wrote on purpose; its logs stand in a group of their own. */
export function outputs(run: string, answer: OutputsAnswer): Extract<Node, { kind: "output" }>[] {
  return answer.files
    .filter(({ path: name }) => !name.startsWith("logs/"))
    .map(({ path: name, bytes }) => ({ kind: "output", run, file: path.join(answer.folder, name), name, bytes }));
}

function metrics(run: string, answer: OutputsAnswer): Node[] {
  return Object.entries(answer.metrics).map(([name, value]) => ({ kind: "metric", run, name, value: value ?? 0 }));
}

function orNothing(nodes: Node[], text: string): Node[] {
  return nodes.length > 0 ? nodes : [{ kind: "nothing", text }];
}

function workspaceItem(live: number): vscode.TreeItem {
  const item = new vscode.TreeItem("local", vscode.TreeItemCollapsibleState.Expanded);
  item.id = "workspace local";
  item.description = live > 0 ? vscode.l10n.t("{0} under way", live) : vscode.l10n.t("this machine");
  item.iconPath = new vscode.ThemeIcon("vm");
  item.contextValue = "workspace";
  item.tooltip = vscode.l10n.t("The workspace of this machine: it needs no account.");
  item.accessibilityInformation = { label: vscode.l10n.t("Workspace local, {0} under way", live) };
  return item;
}

function experimentItem(experiment: ExperimentSummary): vscode.TreeItem {
  const item = new vscode.TreeItem(experiment.name, vscode.TreeItemCollapsibleState.Expanded);
  item.id = `experiment ${experiment.name}`;
  const runs = experiment.runs === 1 ? vscode.l10n.t("1 run") : vscode.l10n.t("{0} runs", experiment.runs);
  item.description = runs;
  item.iconPath = new vscode.ThemeIcon("beaker");
  item.contextValue = "experiment";
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
  item.id = `run ${run.run}`;
  const state = stateWord(run.state);
  const started = moment(run.startedAt);
  const time = run.endedAt === null ? started : `${started} · ${duration(run.endedAt - run.startedAt)}`;
  item.description = `${state} · ${time}`;
  item.iconPath = stateIcon(run.state);
  item.contextValue = `run ${run.actions.join(" ")}`;
  item.tooltip = runTooltip(run);
  item.accessibilityInformation = { label: vscode.l10n.t("Run {0}, {1}, {2}", name, state, time) };
  return item;
}

/** What the spec calls it, or the spec itself; its id is for machines. */
export function runName(run: RunSnapshot): string {
  return run.displayName ?? path.basename(run.spec);
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
      return new vscode.ThemeIcon("circle-slash");
    default:
      return new vscode.ThemeIcon("question");
  }
}

function groupItem(run: RunSnapshot, group: (typeof GROUPS)[number]): vscode.TreeItem {
  const names = {
    phases: { label: vscode.l10n.t("Phases"), icon: "list-ordered" },
    logs: { label: vscode.l10n.t("Logs"), icon: "output" },
    outputs: { label: vscode.l10n.t("Outputs"), icon: "folder" },
    metrics: { label: vscode.l10n.t("Metrics"), icon: "graph" },
  };
  const { label, icon } = names[group];
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Collapsed);
  item.id = `${group} ${run.run}`;
  item.iconPath = new vscode.ThemeIcon(icon);
  item.contextValue = group;
  return item;
}

function phaseItem(run: string, phase: PhaseSnapshot): vscode.TreeItem {
  const item = new vscode.TreeItem(phaseWord(phase.name));
  item.id = `phase ${phase.name} ${run}`;
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
  item.accessibilityInformation = { label: `${item.label?.toString()}, ${phase.outcome}, ${item.description}` };
  return item;
}

function logItem(node: Extract<Node, { kind: "log" }>): vscode.TreeItem {
  const item = new vscode.TreeItem(LOGS[node.log]);
  item.id = `log ${node.log} ${node.run}`;
  item.description = node.log === "control" ? vscode.l10n.t("image and container") : vscode.l10n.t("what the code printed");
  item.iconPath = new vscode.ThemeIcon("output");
  item.contextValue = "log";
  item.command = { command: "amlDebug.openLog", title: vscode.l10n.t("Open log"), arguments: [node] };
  return item;
}

function outputItem(node: Extract<Node, { kind: "output" }>): vscode.TreeItem {
  const item = new vscode.TreeItem(node.name);
  item.id = `output ${node.name} ${node.run}`;
  item.description = size(node.bytes);
  item.resourceUri = vscode.Uri.file(node.file);
  item.iconPath = vscode.ThemeIcon.File;
  item.contextValue = "output";
  item.tooltip = node.file;
  item.command = { command: "amlDebug.openOutput", title: vscode.l10n.t("Open output"), arguments: [node] };
  return item;
}

function metricItem(node: Extract<Node, { kind: "metric" }>): vscode.TreeItem {
  const item = new vscode.TreeItem(node.name);
  item.id = `metric ${node.name} ${node.run}`;
  item.description = String(node.value);
  item.iconPath = new vscode.ThemeIcon("symbol-number");
  item.contextValue = "metric";
  return item;
}
