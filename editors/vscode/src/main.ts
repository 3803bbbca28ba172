// The extension's life: what is registered, and that the sidecar starts beside it.

import * as vscode from "vscode";
import { COMMANDS, type Command, type Parts } from "./commands";
import { onChange } from "./config";
import { Sidecar } from "./ctx";
import { DebugType, offerDebugpy } from "./debug";
import { Deployments } from "./deployments";
import { RunLogs } from "./output";
import { Pages } from "./pages";
import { RemoteSteps } from "./remote";
import { RunPages } from "./run_page";
import { NamedExperiments, RunsView } from "./runs_view";
import { Specs } from "./specs";
import { showError, Starter } from "./started";
import { createStatus } from "./status";
import { load } from "./words";

let sidecar: Sidecar | undefined;

export function activate(extension: vscode.ExtensionContext): void {
  load(extension.extensionUri);
  const log = vscode.window.createOutputChannel("Azure ML Debug", { log: true });
  sidecar = new Sidecar(extension, log);
  const logs = new RunLogs(sidecar);
  const starter = new Starter(sidecar, logs, log);
  const specs = new Specs(sidecar, log);
  const named = new NamedExperiments(extension.globalState);
  const runs = new RunsView(sidecar, named);
  const pages = new Pages();
  const runPages = new RunPages(sidecar);
  const deployments = new Deployments(sidecar, specs, log);
  const remote = new RemoteSteps(sidecar);
  const parts: Parts = { sidecar, specs, runs, named, pages, runPages, logs, starter, deployments, remote, log, extension: extension.extensionUri };
  extension.subscriptions.push(
    log,
    sidecar,
    logs,
    starter,
    specs,
    runs,
    pages,
    runPages,
    deployments,
    remote,
    createStatus(sidecar, runs),
    new DebugType(sidecar, specs, starter, log, extension.workspaceState).register(),
    offerDebugpy(),
    onChange(() => void settingsChanged(parts)),
    ...Object.entries(COMMANDS).map(([id, command]) => register(id, command, parts)),
  );
  // Not waited for: an editor must not wait for us.
  void sidecar.restart();
}

export async function deactivate(): Promise<void> {
  await sidecar?.stop();
}

function register(id: string, command: Command, parts: Parts): vscode.Disposable {
  return vscode.commands.registerCommand(id, (target?: unknown, more?: unknown) =>
    command(parts, target, more).catch((error: unknown) => showError(error, parts.log)),
  );
}

/** Settings reach the sidecar at its start; one that looks after runs is not taken from them unasked. */
async function settingsChanged({ sidecar, runs }: Parts): Promise<void> {
  if (runs.live > 0) {
    const restart = vscode.l10n.t("Restart Now");
    const choice = await vscode.window.showInformationMessage(
      vscode.l10n.t("The settings take effect when the debug sidecar is restarted. Debug sessions end, runs go on."),
      restart,
    );
    if (choice !== restart) {
      return;
    }
  }
  await sidecar.restart();
}
