// The tree: workspace → experiments → runs → phases, logs, outputs, metrics; and the images. Everything in it is
// drawn from what the sidecar answered last; which actions a run offers is the sidecar's word.
//
// VS Code knows a row by its object, and from the moment in which it is told to draw a row anew until it has asked for its
// members it knows none of them: a click on one reaches its command without the row. So a row stays one object, members
// are fetched before VS Code asks for them, and only what looks different is drawn.

import * as path from "node:path";
import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import { LOGS, type LogName } from "./output";
import type { ExperimentSummary, ImageSnapshot, InvokeAnswer, OutputsAnswer, PhaseSnapshot, RunSnapshot, StepSnapshot } from "./protocol";
import { itemOf, keyOf } from "./rows";

/** Runs that are asked for at once. */
const PAGE = 50;

/** While a build writes its lines, the tree is looked over at most this often, in milliseconds. */
const CALM = 100;

const GROUPS = ["steps", "answers", "phases", "logs", "outputs", "metrics"] as const;
export type Group = (typeof GROUPS)[number];

export type Node =
  | { kind: "workspace" }
  | { kind: "experiment"; experiment: ExperimentSummary }
  | { kind: "more"; experiment: string }
  | { kind: "run"; run: RunSnapshot }
  | { kind: "group"; run: RunSnapshot; group: Group }
  | { kind: "step"; run: string; step: StepSnapshot }
  | { kind: "phase"; run: string; phase: PhaseSnapshot; at: number }
  | { kind: "log"; run: string; log: LogName }
  | { kind: "output"; run: string; file: string; name: string; bytes: number }
  | { kind: "metric"; run: string; name: string; value: number }
  | { kind: "deployments"; deployments: RunSnapshot[] }
  | { kind: "answer"; run: string; answer: InvokeAnswer }
  | { kind: "images"; images: ImageSnapshot[] }
  | { kind: "image"; image: ImageSnapshot }
  | { kind: "nothing"; of: string; text: string };

export class RunsView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly tree: vscode.TreeView<Node>;
  private readonly pages = new Map<string, number>();
  /** Every row that VS Code was ever given. */
  private readonly rows = new Map<string, Node>();
  /** How each of them was drawn last. */
  private readonly drawn = new Map<string, string>();
  /** The members of the rows that were opened; none while they are asked for. */
  private readonly members = new Map<string, Node[] | undefined>();
  private images: ImageSnapshot[] = [];
  private lookingForImages = false;
  /** The last look at everything, and the one that waits for it. */
  private looking = Promise.resolve();
  private next: Promise<void> | undefined;
  private soon: NodeJS.Timeout | undefined;
  private readonly subscriptions: vscode.Disposable[];
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
      sidecar.on("aml/runChanged", () => this.refreshSoon()),
      sidecar.onHealth(() => this.refreshSoon()),
    ];
  }

  get live(): number {
    return this.liveRuns;
  }

  /** Looks everything over; resolves when what has changed until now is drawn. */
  refresh(): Promise<void> {
    this.next ??= this.looking = this.looking.then(() => {
      this.next = undefined;
      return this.look();
    });
    return this.next;
  }

  private refreshSoon(): void {
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      void this.refresh();
    }, CALM);
  }

  private async look(): Promise<void> {
    if (!this.tree.visible) {
      // VS Code asks for everything when it is to be seen, and the status bar counts all the same.
      this.forget();
      await this.experiments().catch(() => []);
      return;
    }
    try {
      const fetched = new Map<Node | undefined, Node[]>();
      await this.fetchOpen(undefined, fetched);
      const changed = [...fetched].flatMap(([row, members]) => this.keep(row, members));
      const rows = changed.flatMap((row) => row ?? []);
      if (changed.length > 0) {
        this.changed.fire(rows.length < changed.length ? undefined : rows);
      }
    } catch {
      // Asked by the tree itself, it shows the reason.
      this.forget();
    }
  }

  private forget(): void {
    if (this.members.size > 0) {
      this.members.clear();
      this.changed.fire(undefined);
    }
  }

  /** Fetches the members of a row, and of those among them that are open. */
  private async fetchOpen(row: Node | undefined, fetched: Map<Node | undefined, Node[]>): Promise<void> {
    const members = await this.fetch(row);
    fetched.set(row, members);
    await Promise.all(members.filter((member) => this.members.has(keyOf(member))).map((member) => this.fetchOpen(member, fetched)));
  }

  /** Takes over what was fetched; what is to be drawn for it, where nothing is the whole tree. */
  private keep(parent: Node | undefined, fetched: Node[]): (Node | undefined)[] {
    const key = keyOf(parent);
    const before = this.members.get(key);
    const members = fetched.map((node) => Object.assign(this.rows.get(keyOf(node)) ?? node, node));
    members.forEach((node) => this.rows.set(keyOf(node), node));
    this.members.set(key, members);
    const areSame = before?.length === members.length && members.every((node, at) => node === before[at]);
    // Where others are there, the row is drawn with all of its members.
    return areSame ? members.filter((node) => this.drawn.get(keyOf(node)) !== JSON.stringify(itemOf(node))) : [this.rows.get(key)];
  }

  loadMore(experiment: string): void {
    this.pages.set(experiment, (this.pages.get(experiment) ?? 1) + 1);
    void this.refresh();
  }

  /** Lists an experiment that has no run yet, and selects it. The focus stays where it is: somebody may type elsewhere by
   * then, and a question goes away with its focus. */
  async createExperiment(name: string): Promise<void> {
    await this.named.add(name);
    await this.refresh();
    const row: Node = { kind: "experiment", experiment: withoutRuns(name) };
    await this.tree.reveal(this.rows.get(keyOf(row)) ?? row, { select: true, focus: false });
  }

  dispose(): void {
    clearTimeout(this.soon);
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  async getChildren(row?: Node): Promise<Node[]> {
    const key = keyOf(row);
    if (!this.members.get(key)) {
      this.members.set(key, undefined);
      const fetched = await this.fetch(row);
      // Somebody who looked at everything meanwhile has later ones.
      if (!this.members.get(key)) {
        this.keep(row, fetched);
      }
    }
    return this.members.get(key) ?? [];
  }

  getTreeItem(row: Node): vscode.TreeItem {
    const item = itemOf(row);
    this.drawn.set(keyOf(row), JSON.stringify(item));
    return item;
  }

  /** Asked of what is to be revealed, which is an experiment. */
  getParent(row: Node): Node | undefined {
    return row.kind === "experiment" ? (this.rows.get("workspace") ?? { kind: "workspace" }) : undefined;
  }

  private async fetch(node: Node | undefined): Promise<Node[]> {
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

  /** Where there is nothing at all, the view says what to do instead. */
  private async roots(): Promise<Node[]> {
    void this.lookForImages();
    const [experiments, { deployments }] = await Promise.all([this.experiments(), this.sidecar.request("aml/listDeployments", {})]);
    return [
      ...(experiments.length > 0 ? [{ kind: "workspace" } as const] : []),
      ...(deployments.length > 0 ? [{ kind: "deployments", deployments } as const] : []),
      ...(this.images.length > 0 ? [{ kind: "images", images: this.images } as const] : []),
    ];
  }

  /** Which images are there is the engine's word. One that is busy building may take its time, and runs do not wait for it. */
  private async lookForImages(): Promise<void> {
    if (this.lookingForImages) {
      return;
    }
    this.lookingForImages = true;
    const { images } = await this.sidecar.request("aml/listImages", {}).catch(() => ({ images: this.images }));
    this.lookingForImages = false;
    if (JSON.stringify(images) !== JSON.stringify(this.images)) {
      this.images = images;
      this.refreshSoon();
    }
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
      return [{ kind: "nothing", of: experiment.name, text: vscode.l10n.t("no runs yet") }];
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
        return orNothing(run, await this.answers(run.run), vscode.l10n.t("nothing was asked yet"));
      case "phases":
        return run.phases.map((phase, at) => ({ kind: "phase", run: run.run, phase, at }));
      case "logs":
        return this.logs(run);
      case "outputs":
        return orNothing(run, outputs(run.run, await this.outputs(run.run)), vscode.l10n.t("no files yet"));
      case "metrics":
        return orNothing(run, metrics(run.run, await this.outputs(run.run)), vscode.l10n.t("no metrics yet"));
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

  /** Both logs; and of a run of several processes, what each of them wrote. */
  private async logs({ run, kind }: RunSnapshot): Promise<Node[]> {
    const both = (Object.keys(LOGS) as LogName[]).map((log) => ({ kind: "log", run, log }) as const);
    return [...both, ...(kind === "deployment" ? [] : files(run, await this.outputs(run), PROCESS_LOGS))];
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

/** Where the processes of one run write what is theirs. */
const PROCESS_LOGS = /^user_logs\//;

/** The files that a run wrote on purpose; its logs stand in a group of their own. */
export function outputs(run: string, answer: OutputsAnswer): Extract<Node, { kind: "output" }>[] {
  return files(run, answer, /^(?!logs\/|user_logs\/)/);
}

function files(run: string, { folder, files }: OutputsAnswer, wanted: RegExp): Extract<Node, { kind: "output" }>[] {
  return files
    .filter(({ path: name }) => wanted.test(name))
    .map(({ path: file, bytes }) => ({ kind: "output", run, file: path.join(folder, file), name: file.replace(PROCESS_LOGS, ""), bytes }));
}

function metrics(run: string, answer: OutputsAnswer): Node[] {
  return Object.entries(answer.metrics).map(([name, value]) => ({ kind: "metric", run, name, value: value ?? 0 }));
}

function orNothing({ run }: RunSnapshot, nodes: Node[], text: string): Node[] {
  return nodes.length > 0 ? nodes : [{ kind: "nothing", of: `${text} ${run}`, text }];
}

function withoutRuns(name: string): ExperimentSummary {
  return { name, runs: 0, live: 0, newestAt: 0 };
}
