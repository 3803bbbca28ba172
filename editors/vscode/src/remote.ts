// Steps on nodes that this window follows: a progress with a countdown, the debugger as soon as a step is reached, and the
// cause where it is not.

import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import { remoteConfiguration } from "./debug";
import type { AttachRemoteParams, RemoteSnapshot } from "./protocol";
import { sayFailure } from "./words";

/** How often the countdown is drawn, in milliseconds. */
const SECOND = 1000;

export class RemoteSteps implements vscode.Disposable {
  private readonly snapshots = new Map<string, RemoteSnapshot>();
  private readonly changed = new vscode.EventEmitter<RemoteSnapshot>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly sidecar: Sidecar) {
    this.subscriptions = [
      this.changed,
      sidecar.on("aml/remoteChanged", (step) => {
        this.snapshots.set(step.id, step);
        this.changed.fire(step);
      }),
      vscode.debug.onDidTerminateDebugSession(({ configuration }) => {
        const id = (configuration as { remote?: string }).remote;
        if (id !== undefined) {
          void this.leave(id);
        }
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  /** Follows a step and attaches to it; says why where that cannot be. */
  async attach(params: Partial<AttachRemoteParams>): Promise<void> {
    const name = params.step ?? vscode.l10n.t("the step");
    const { id, port } = await this.sidecar.request("aml/attachRemote", params);
    const title = vscode.l10n.t("Attaching to {0}", name);
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    const step = await vscode.window.withProgress(options, (progress, token) => this.untilSettled(id, progress, token));
    if (step?.entry) {
      const open = vscode.l10n.t("Open launch.json");
      const entry = step.entry;
      void vscode.window.showInformationMessage(vscode.l10n.t("Reached {0}. The entry \"{1}\" attaches to it too.", step.address ?? "", entry.name), open).then((choice) => {
        if (choice === open) {
          void vscode.window.showTextDocument(vscode.Uri.file(entry.launchJson));
        }
      });
      const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(params.code ?? ""));
      await vscode.debug.startDebugging(folder, remoteConfiguration(id, port, entry.name));
    } else {
      await this.leave(id);
      if (step?.failure) {
        await this.tellFailure(step, params);
      }
    }
  }

  private async tellFailure(step: RemoteSnapshot, params: Partial<AttachRemoteParams>): Promise<void> {
    const [again, longer] = [vscode.l10n.t("Try Again"), vscode.l10n.t("Prepare Debug Variant…")];
    const why = step.failure ? sayFailure(step.failure) : "";
    const choice = await vscode.window.showErrorMessage(why, ...(step.cause === "gaveUp" ? [longer] : [again]));
    if (choice === again) {
      await this.attach(params);
    } else if (choice === longer) {
      await vscode.commands.executeCommand("amlDebug.prepareVariant");
    }
  }

  private async leave(id: string): Promise<void> {
    this.snapshots.delete(id);
    await this.sidecar.request("aml/leaveRemote", { id }).catch(() => undefined);
  }

  /** Until it is reached or cannot be; `undefined` where the user has enough of waiting. */
  private untilSettled(id: string, progress: vscode.Progress<{ message: string }>, token: vscode.CancellationToken): Promise<RemoteSnapshot | undefined> {
    return new Promise((resolve) => {
      const subscriptions: vscode.Disposable[] = [];
      const settle = (step: RemoteSnapshot | undefined) => {
        clearInterval(clock);
        subscriptions.forEach((subscription) => subscription.dispose());
        resolve(step);
      };
      const look = () => {
        const step = this.snapshots.get(id);
        if (step && ["reached", "over", "failed"].includes(step.state)) {
          settle(step);
        } else {
          progress.report({ message: underWay(step) });
        }
      };
      const clock = setInterval(look, SECOND);
      subscriptions.push(
        this.changed.event((step) => step.id === id && look()),
        token.onCancellationRequested(() => settle(undefined)),
        this.sidecar.onHealth(({ is }) => is !== "ready" && settle(undefined)),
      );
      look();
    });
  }
}

function underWay(step: RemoteSnapshot | undefined): string {
  if (!step || step.address === null) {
    return vscode.l10n.t("reading its log until it says where it awaits its debugger");
  }
  const left = step.waitEndsAt === null ? undefined : Math.max(0, Math.round((step.waitEndsAt - Date.now()) / SECOND));
  const waits = left === undefined ? vscode.l10n.t("it waits at {0}", step.address) : vscode.l10n.t("it waits at {0}, {1} s more", step.address, left);
  return step.listensNot ? `${waits}; ${vscode.l10n.t("the node answers, and the step does not listen yet")}` : waits;
}
