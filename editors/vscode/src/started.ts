// Runs that this window has started: progress until they run, the debugger as soon as it can attach, and a
// word at their end.

import * as vscode from "vscode";
import { SidecarFailure, type Sidecar } from "./ctx";
import type { RunLogs } from "./output";
import type { DebugReady, RerunParams, RunSnapshot, StartDeploymentParams, StartRunParams } from "./protocol";
import { Remedied, type Remedy } from "./remedy";
import { runName } from "./rows";
import { phaseWord, sayFailure, stateWord } from "./words";

/** How long whoever is attached may take to leave, and a sidecar to take over what another one left, in milliseconds. */
const SETTLED_WITHIN = 5000;

/** What to start: a spec, an earlier run's plan, or a deployment. */
export type Wish = (
  | { start: Partial<StartRunParams> }
  | { again: Pick<RerunParams, "run"> & Partial<RerunParams> }
  | { deploy: Partial<StartDeploymentParams> }
) & { debug: boolean };

/** How a start came out; `undefined` of [`Starter.start`] is a start that the user has cancelled. */
export interface Begun {
  run: string;
  /** Where the debugger attaches, if one was asked for. */
  ready?: DebugReady;
}

/** The run ended before it did what was asked; its end has been told already. */
export class EndedEarly extends Error {}

export class Starter implements vscode.Disposable {
  private readonly snapshots = new Map<string, RunSnapshot>();
  private readonly ready = new Map<string, DebugReady>();
  private readonly ours = new Set<string>();
  private readonly moved = new vscode.EventEmitter<string>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly sidecar: Sidecar,
    private readonly logs: RunLogs,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.subscriptions = [
      sidecar.on("aml/runChanged", (run) => this.changed(run)),
      sidecar.on("aml/debugReady", (ready) => this.debugReady(ready)),
    ];
  }

  /** Starts a run, shows its log and its progress, and resolves when it runs or a debugger can attach. */
  async start(name: string, wish: Wish): Promise<Begun | undefined> {
    const title = wish.debug ? vscode.l10n.t("Debugging {0}", name) : vscode.l10n.t("Running {0}", name);
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    return vscode.window.withProgress(options, async (progress, token) => {
      const { run } = await this.ask(wish);
      this.ours.add(run);
      this.logs.lead(run, wish.debug);
      const cancelled = token.onCancellationRequested(() => void this.cancel(run));
      try {
        const early = "deploy" in wish && wish.deploy.image != null;
        const ready = await this.untilThere(run, wish.debug, early, progress);
        return { run, ...(ready ? { ready } : {}) };
      } catch (error) {
        if (token.isCancellationRequested) {
          return undefined;
        }
        throw error;
      } finally {
        cancelled.dispose();
      }
    });
  }

  /** Sends away whoever debugs a run; resolves when it has left. */
  async released(run: string): Promise<RunSnapshot> {
    await this.sidecar.request("aml/releaseDebugger", { run });
    return this.settled(run, ({ actions }) => !actions.includes("takeOver"));
  }

  /** A run of a sidecar that is gone is taken over by the next one, and can be debugged when it is. */
  async takenOver(run: string): Promise<RunSnapshot> {
    return this.settled(run, ({ gatewayPort, endedAt }) => gatewayPort !== null || endedAt !== null);
  }

  private async settled(run: string, is: (snapshot: RunSnapshot) => boolean): Promise<RunSnapshot> {
    const end = Date.now() + SETTLED_WITHIN;
    for (;;) {
      const snapshot = await this.sidecar.request("aml/showRun", { run });
      if (is(snapshot) || Date.now() > end) {
        return snapshot;
      }
      // Its owner may be another process, which tells nobody but its own editor.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  private ask(wish: Wish): Promise<{ run: string }> {
    if ("deploy" in wish) {
      return this.sidecar.request("aml/startDeployment", { ...wish.deploy, debug: wish.debug });
    }
    return "start" in wish
      ? this.sidecar.request("aml/startRun", { ...wish.start, debug: wish.debug })
      : this.sidecar.request("aml/rerun", { ...wish.again, debug: wish.debug });
  }

  private async cancel(run: string): Promise<void> {
    await this.sidecar.request("aml/cancelRun", { run }).catch(() => undefined);
  }

  /** Waits on notifications; the state may have been told before the name of the run was. */
  private async untilThere(
    run: string,
    debug: boolean,
    early: boolean,
    progress: vscode.Progress<{ message: string }>,
  ): Promise<DebugReady | undefined> {
    return new Promise((resolve, reject) => {
      const subscriptions: vscode.Disposable[] = [];
      const settle = (finish: () => void) => {
        subscriptions.forEach((subscription) => subscription.dispose());
        finish();
      };
      const look = () => {
        const ready = this.ready.get(run);
        const snapshot = this.snapshots.get(run);
        if (debug && ready) {
          settle(() => resolve(ready));
        } else if (snapshot?.endedAt != null) {
          settle(() => (debug ? reject(new EndedEarly(run)) : resolve(undefined)));
        } else if (early && snapshot?.container != null) {
          // The script of an image may wait for its debugger before the server answers.
          settle(() => resolve(undefined));
        } else if (snapshot && (!debug || snapshot.kind === "pipeline") && !["preparing", "stopping"].includes(snapshot.state)) {
          // Of a pipeline the steps are debugged, each in a session of its own as its turn comes.
          settle(() => resolve(undefined));
        } else if (snapshot) {
          progress.report({ message: underWay(snapshot) });
        }
      };
      subscriptions.push(
        this.moved.event((moved) => moved === run && look()),
        this.sidecar.onHealth(({ is }) => {
          if (is !== "ready") {
            settle(() => reject(new Error(vscode.l10n.t("aml-debug ended while the run was being prepared."))));
          }
        }),
        this.sidecar.on("aml/progress", (said) => {
          if (said.run === run) {
            progress.report({ message: said.status });
          }
        }),
      );
      look();
    });
  }

  private changed(run: RunSnapshot): void {
    this.snapshots.set(run.run, run);
    this.moved.fire(run.run);
    if (run.endedAt !== null) {
      this.snapshots.delete(run.run);
      this.ready.delete(run.run);
      if (this.ours.delete(run.run)) {
        void this.tellEnd(run);
      }
    }
  }

  private debugReady(ready: DebugReady): void {
    this.ready.set(ready.run, ready);
    this.moved.fire(ready.run);
    if (!this.ours.has(ready.run)) {
      void this.othersReady(ready).catch((error: unknown) => this.log.error(String(error)));
    }
  }

  /** A step of a pipeline that was started here is what was asked for. Anything else is somebody else's, or was taken
   * over: found paused, for instance, after a reload of the window. */
  private async othersReady(ready: DebugReady): Promise<void> {
    const run = this.snapshots.get(ready.run) ?? (await this.sidecar.request("aml/showRun", { run: ready.run }));
    if (run.parent !== null && this.ours.has(run.parent)) {
      await vscode.commands.executeCommand("amlDebug.startDebugger", ready.run);
    } else {
      await this.offerDebugger(run);
    }
  }

  private async offerDebugger(run: RunSnapshot): Promise<void> {
    const start = vscode.l10n.t("Start Debugger");
    const choice = await vscode.window.showInformationMessage(
      vscode.l10n.t("A debugger can attach to the run {0}.", runName(run)),
      start,
    );
    if (choice === start) {
      await vscode.commands.executeCommand("amlDebug.startDebugger", run.run);
    }
  }

  private async tellEnd(run: RunSnapshot): Promise<void> {
    const [log, output, rerun, doctor] = [
      vscode.l10n.t("Open Log"),
      vscode.l10n.t("Open Output"),
      vscode.l10n.t("Rerun"),
      vscode.l10n.t("Check This Machine"),
    ];
    const name = runName(run);
    let choice: string | undefined;
    if (run.state === "completed") {
      choice = await vscode.window.showInformationMessage(vscode.l10n.t("The run {0} is completed.", name), output, log, rerun);
    } else if (run.state !== "cancelled") {
      const why = run.failure ? sayFailure(run.failure) : stateWord(run.state);
      const buttons = run.failure?.blame === "environment" ? [log, doctor, rerun] : [log, rerun];
      choice = await vscode.window.showErrorMessage(vscode.l10n.t("The run {0} failed. {1}", name, why), ...buttons);
    }
    const commands: Record<string, string> = {
      [log]: "amlDebug.openLog",
      [output]: "amlDebug.openOutput",
      [rerun]: "amlDebug.rerun",
      [doctor]: "amlDebug.doctor",
    };
    const command = choice && commands[choice];
    if (command) {
      await vscode.commands.executeCommand(command, run.run);
    }
  }
}

function underWay(run: RunSnapshot): string {
  const phase = run.phases.findLast(({ outcome }) => outcome === "running");
  return phase ? phaseWord(phase.name) : stateWord(run.state);
}

/** Shows what went wrong, with the way out and the log at hand; the user's own cancelling is silent. */
export async function showError(error: unknown, log: vscode.LogOutputChannel): Promise<void> {
  if (error instanceof EndedEarly) {
    return;
  }
  log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const message = error instanceof Error ? error.message : String(error);
  const buttons: Remedy[] = [
    ...(error instanceof Remedied ? [error.remedy] : []),
    ...(error instanceof SidecarFailure && error.failure.blame === "environment"
      ? [{ title: vscode.l10n.t("Check This Machine"), command: "amlDebug.doctor" }]
      : []),
    { title: vscode.l10n.t("Show Log"), command: "amlDebug.showLog" },
  ];
  const choice = await vscode.window.showErrorMessage(message, ...buttons);
  if (choice) {
    await vscode.commands.executeCommand(choice.command, ...(choice.arguments ?? []));
  }
}
