// The tree: workspace → experiments → runs → phases, logs, outputs, metrics; and the images. Everything in it is
// drawn from what the sidecar answered last; which actions a run offers is the sidecar's word.

import * as path from "node:path";
import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import { LOGS, type LogName } from "./output";
import type { ExperimentSummary, ImageSnapshot, InvokeAnswer, OutputsAnswer, PhaseSnapshot, RunSnapshot, StepSnapshot } from "./protocol";
import { itemOf } from "./rows";

/** Runs that are asked for at once. */
const PAGE = 50;

/** While a build writes its lines, the tree is drawn at most this often, in milliseconds. */
const CALM = 100;

/** Within this time a tree that was told to draw has asked for what it shows, in milliseconds; later it wants news. */
const ASKED_FOR_WITHIN = 1000;

/** Within this time VS Code has drawn what it was told to, in milliseconds. */
const SETTLED = 300;

const GROUPS = ["steps", "answers", "phases", "logs", "outputs", "metrics"] as const;
export type Group = (typeof GROUPS)[number];

export type Node =
  | { kind: "workspace"; live: number }
  | { kind: "experiment"; experiment: ExperimentSummary }
  | { kind: "more"; experiment: string }
  | { kind: "run"; run: RunSnapshot }
  | { kind: "group"; run: RunSnapshot; group: Group }
  | { kind: "step"; run: string; step: StepSnapshot }
  | { kind: "phase"; run: string; phase: PhaseSnapshot }
  | { kind: "log"; run: string; log: LogName }
  | { kind: "output"; run: string; file: string; name: string; bytes: number }
  | { kind: "metric"; run: string; name: string; value: number }
  | { kind: "deployments"; deployments: RunSnapshot[] }
  | { kind: "answer"; run: string; answer: InvokeAnswer }
  | { kind: "images"; images: ImageSnapshot[] }
  | { kind: "image"; image: ImageSnapshot }
  | { kind: "nothing"; text: string };

export class RunsView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly tree: vscode.TreeView<Node>;
  private readonly pages = new Map<string, number>();
  /** The rows whose members were asked for since the tree was drawn last: those that are open. */
  private open = new Set<string>();
  /** Members of rows, fetched before the tree is told to draw: from that moment until it has them VS Code knows no row,
   * and a click on an action of one would reach its command without the row. */
  private fetched = new Map<string, Node[]>();
  /** The rows of runs as VS Code has them. */
  private readonly rows = new Map<string, Extract<Node, { kind: "run" }>>();
  private drawnAt = 0;
  private drawing = false;
  private drawAgain = false;
  private readonly subscriptions: vscode.Disposable[];
  private redraw: NodeJS.Timeout | undefined;
  private liveRuns = 0;
  private readonly liveChanged = new vscode.EventEmitter<number>();

  /** Fires with the number of runs that are under way. */
  readonly onLiveRuns = this.liveChanged.event;

  constructor(
    private readonly sidecar: Sidecar,
    private readonly named: NamedExperiments,
  ) {
    this.tree = vscode.window.createTreeView("amlDebug.runs", { treeDataProvider: this, showCollapseAll: true });
    this.subscriptions = [
      this.tree,
      sidecar.on("aml/runChanged", (run) => this.runChanged(run)),
      sidecar.onHealth(() => this.refreshSoon()),
    ];
  }

  get live(): number {
    return this.liveRuns;
  }

  refresh(): void {
    if (this.drawing) {
      this.drawAgain = true;
      return;
    }
    this.drawing = true;
    void this.draw().finally(() => {
      this.drawing = false;
      if (this.drawAgain) {
        this.drawAgain = false;
        this.refresh();
      }
    });
  }

  private async draw(): Promise<void> {
    const fetched = new Map<string, Node[]>();
    if (this.tree.visible) {
      // What cannot be fetched now is asked for once more by the tree, which then shows the reason.
      await this.fetchOpen(undefined, fetched).catch(() => fetched.clear());
    } else {
      // A view that is not visible asks for nothing, and the status bar counts all the same.
      await this.experiments().catch(() => []);
    }
    this.fetched = fetched;
    this.open = new Set();
    this.drawnAt = Date.now();
    this.changed.fire(undefined);
    setTimeout(() => fetched.clear(), ASKED_FOR_WITHIN);
  }

  /** Fetches the members of a row, and of those among them that are open. */
  private async fetchOpen(node: Node | undefined, fetched: Map<string, Node[]>): Promise<void> {
    const members = await this.members(node);
    fetched.set(keyOf(node), members);
    await Promise.all(members.filter((member) => this.open.has(keyOf(member))).map((member) => this.fetchOpen(member, fetched)));
  }

  loadMore(experiment: string): void {
    this.pages.set(experiment, (this.pages.get(experiment) ?? 1) + 1);
    this.refresh();
  }

  /** Lists an experiment that has no run yet, and selects it. The focus stays where it is: somebody may type elsewhere by
   * then, and a question goes away with its focus. */
  async createExperiment(name: string): Promise<void> {
    await this.named.add(name);
    await this.draw();
    const experiment = (await this.experiments()).find((known) => known.name === name);
    if (experiment) {
      await this.tree.reveal({ kind: "experiment", experiment }, { select: true, focus: false });
    }
  }

  dispose(): void {
    clearTimeout(this.redraw);
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  async getChildren(node?: Node): Promise<Node[]> {
    const key = keyOf(node);
    this.open.add(key);
    const members = this.fetched.get(key) ?? (await this.members(node));
    this.fetched.delete(key);
    for (const member of members) {
      if (member.kind === "run") {
        this.rows.set(member.run.run, member);
      }
    }
    return members;
  }

  private async members(node: Node | undefined): Promise<Node[]> {
    if (this.sidecar.health.is !== "ready") {
      return [];
    }
    if (!node) {
      return this.roots();
    }
    switch (node.kind) {
      case "workspace":
        return (await this.experiments()).map((experiment) => ({ kind: "experiment", experiment }));
      case "experiment":
        return this.runs(node.experiment);
      case "run":
        return groupsOf(node.run).map((group) => ({ kind: "group", run: node.run, group }));
      case "group":
        return this.membersOf(node.run, node.group);
      case "deployments":
        return node.deployments.map((run) => ({ kind: "run", run }));
      case "images":
        return node.images.map((image) => ({ kind: "image", image }));
      default:
        return [];
    }
  }

  getParent(node: Node): Node | undefined {
    switch (node.kind) {
      case "experiment":
        return { kind: "workspace", live: this.liveRuns };
      case "run":
        return node.run.parent || node.run.kind === "deployment" ? undefined : { kind: "experiment", experiment: withoutRuns(node.run.experiment) };
      case "group":
        return { kind: "run", run: node.run };
      default:
        return undefined;
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return itemOf(node);
  }

  /** A run that stays under way changes no row but its own: that one is drawn anew, and stays what can be clicked on. While
   * everything is drawn, with answers from before, that is done once more instead; and so it is where nothing is to be seen,
   * since VS Code draws a row of a hidden tree beside all of it later, and loses rows over that. */
  private runChanged(run: RunSnapshot): void {
    const row = this.rows.get(run.run);
    const isCalm = this.tree.visible && !this.drawing && !this.redraw && Date.now() - this.drawnAt > SETTLED;
    if (row && isCalm && row.run.endedAt === null && run.endedAt === null) {
      row.run = run;
      this.changed.fire(row);
    } else {
      this.refreshSoon();
    }
  }

  private refreshSoon(): void {
    this.redraw ??= setTimeout(() => {
      this.redraw = undefined;
      this.refresh();
    }, CALM);
  }

  /** Where there is nothing at all, the view says what to do instead. */
  private async roots(): Promise<Node[]> {
    const [experiments, { deployments }, { images }] = await Promise.all([
      this.experiments(),
      this.sidecar.request("aml/listDeployments", {}),
      this.sidecar.request("aml/listImages", {}),
    ]);
    return [
      ...(experiments.length > 0 ? [{ kind: "workspace", live: this.liveRuns } as const] : []),
      ...(deployments.length > 0 ? [{ kind: "deployments", deployments } as const] : []),
      ...(images.length > 0 ? [{ kind: "images", images } as const] : []),
    ];
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
    const known = new Set(experiments.map(({ name }) => name));
    return [...this.named.all().filter((name) => !known.has(name)).map(withoutRuns), ...experiments];
  }

  private async runs(experiment: ExperimentSummary): Promise<Node[]> {
    if (experiment.runs === 0) {
      return [{ kind: "nothing", text: vscode.l10n.t("no runs yet") }];
    }
    const limit = PAGE * (this.pages.get(experiment.name) ?? 1);
    const { runs } = await this.sidecar.request("aml/listRuns", { experiment: experiment.name, limit });
    const nodes: Node[] = runs.map((run) => ({ kind: "run", run }));
    if (experiment.runs > runs.length) {
      nodes.push({ kind: "more", experiment: experiment.name });
    }
    return nodes;
  }

  private async membersOf(run: RunSnapshot, group: Group): Promise<Node[]> {
    switch (group) {
      case "steps":
        return this.steps(run);
      case "answers":
        return orNothing(await this.answers(run.run), vscode.l10n.t("nothing was asked yet"));
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

  /** A step is a run like any other; one that has none, or another's result, is a row that says so. */
  private async steps(run: RunSnapshot): Promise<Node[]> {
    const { runs } = await this.sidecar.request("aml/listRuns", { parent: run.run });
    const known = new Map(runs.map((step) => [step.run, step]));
    return (run.graph?.steps ?? []).map((step) => {
      const own = step.run === null ? undefined : known.get(step.run);
      return own ? { kind: "run", run: own } : { kind: "step", run: run.run, step };
    });
  }

  private async answers(run: string): Promise<Node[]> {
    const { answers } = await this.sidecar.request("aml/showDeployment", { deployment: run });
    return answers.map((answer) => ({ kind: "answer", run, answer }));
  }

  private outputs(run: string): Promise<OutputsAnswer> {
    return this.sidecar.request("aml/listOutputs", { run });
  }
}

/** A pipeline has steps; a deployment has answers, and leaves no files. */
function groupsOf(run: RunSnapshot): Group[] {
  const isDeployment = run.kind === "deployment";
  return GROUPS.filter((group) => {
    switch (group) {
      case "steps":
        return run.graph !== null;
      case "answers":
        return isDeployment;
      case "outputs":
      case "metrics":
        return !isDeployment;
      default:
        return true;
    }
  });
}

/** Experiments that somebody has created and nothing was run in yet: an experiment is the name of its runs, so until
 * there is one the name is nobody's but this editor's. */
export class NamedExperiments {
  constructor(private readonly memory: vscode.Memento) {}

  all(): string[] {
    return this.memory.get<string[]>("experiments", []);
  }

  async add(name: string): Promise<void> {
    await this.memory.update("experiments", [name, ...this.all().filter((known) => known !== name)]);
  }

  async remove(name: string): Promise<void> {
    await this.memory.update("experiments", this.all().filter((known) => known !== name));
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

/** Names a row that may have members, through every drawing. */
function keyOf(node: Node | undefined): string {
  switch (node?.kind) {
    case "experiment":
      return `experiment ${node.experiment.name}`;
    case "run":
      return `run ${node.run.run}`;
    case "group":
      return `group ${node.run.run} ${node.group}`;
    default:
      return node?.kind ?? "";
  }
}

function withoutRuns(name: string): ExperimentSummary {
  return { name, runs: 0, live: 0, newestAt: 0 };
}
