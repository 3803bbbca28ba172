// Commands on a run.

import * as vscode from "vscode";
import { chooseOutput, chooseRun } from "../choose";
import { asNode, type Command, type Parts } from "../commands";
import { attachConfiguration, debugpyConfiguration, JOINING, rerunConfiguration } from "../debug";
import type { LogName } from "../output";
import type { RunSnapshot } from "../protocol";
import { runName } from "../rows";
import { askAndStart } from "./spec";

/** The play icon: joins a run that is under way, starts one that is over again under the debugger. */
export const startDebugger: Command = async (parts, target) => {
  const run = await theRun(parts, target, "attach", "takeOver");
  if (run) {
    // One that is under way is joined even where its actions do not say so: it may be about to be taken over.
    await (run.endedAt === null
      ? vscode.debug.startDebugging(folderOf(run), attachConfiguration(run), JOINING)
      : vscode.debug.startDebugging(folderOf(run), rerunConfiguration(run)));
  }
};

/** For whoever has it, and wants the debugger that all other Python code gets. */
export const startDebugpy: Command = async (parts, target) => {
  const run = await theRun(parts, target, "attach");
  if (run) {
    await vscode.debug.startDebugging(folderOf(run), debugpyConfiguration(run), JOINING);
  }
};

export const cancel: Command = async (parts, target) => {
  const run = await theRun(parts, target, "cancel");
  if (run) {
    await parts.sidecar.request("aml/cancelRun", { run: run.run });
  }
};

export const rerun: Command = async (parts, target) => {
  const run = await theRun(parts, target, "rerun");
  if (run) {
    await vscode.debug.startDebugging(folderOf(run), rerunConfiguration(run), { noDebug: !run.debug });
  }
};

/** The specification as it is now, where a rerun is the plan as it was then. */
export const submitAgain: Command = async (parts, target) => {
  const run = await theRun(parts, target);
  if (run) {
    await askAndStart(vscode.Uri.file(run.spec), { experiment: run.experiment });
  }
};

/** A window in the container needs the Dev Containers extension; a shell in it needs none. */
export const attachContainer: Command = async (parts, target) => {
  const run = await theRun(parts, target, "cancel");
  if (!run?.container) {
    if (run) {
      void vscode.window.showInformationMessage(vscode.l10n.t("The run {0} has no container now.", run.run));
    }
    return;
  }
  const [window, shell] = [vscode.l10n.t("Open Window in Container"), vscode.l10n.t("Open Shell in Container")];
  const isThere = vscode.extensions.getExtension(DEV_CONTAINERS) !== undefined;
  const install = vscode.l10n.t("Get Dev Containers");
  const question = vscode.l10n.t("The container of {0}", runName(run));
  const choice = await vscode.window.showInformationMessage(question, isThere ? window : install, shell);
  if (choice === window) {
    const name = Buffer.from(JSON.stringify({ containerName: run.container })).toString("hex");
    const folder = run.mapping?.remoteRoot ?? "/";
    const uri = vscode.Uri.from({ scheme: "vscode-remote", authority: `attached-container+${name}`, path: folder });
    await vscode.commands.executeCommand("vscode.openFolder", uri, { forceNewWindow: true });
  } else if (choice === install) {
    await vscode.commands.executeCommand("workbench.extensions.search", `@id:${DEV_CONTAINERS}`);
  } else if (choice === shell) {
    const options = { name: runName(run), shellPath: "docker", shellArgs: ["exec", "--interactive", "--tty", run.container, "sh"] };
    vscode.window.createTerminal(options).show();
  }
};

const DEV_CONTAINERS = "ms-vscode-remote.remote-containers";

/** The run's page: phases, metrics, outputs, environment. */
export const showRun: Command = async (parts, target) => {
  const run = await theRun(parts, target);
  if (run) {
    await parts.runPages.show(run);
  }
};

export const openLog: Command = async (parts, target) => {
  const node = asNode(target);
  if (node?.kind === "log") {
    await parts.logs.show(node.run, node.log);
    return;
  }
  const run = await theRun(parts, target);
  if (run) {
    // Before the container there is only the one log.
    const log: LogName = run.phases.some(({ name }) => name === "start") ? "driver" : "control";
    await parts.logs.show(run.run, log);
  }
};

export const openOutput: Command = async (parts, target) => {
  const node = asNode(target);
  const file = node?.kind === "output" ? node.file : await outputOf(parts, target);
  if (file) {
    await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(file));
  }
};

export const openSpec: Command = async (parts, target) => {
  const run = await theRun(parts, target);
  if (run) {
    await vscode.window.showTextDocument(vscode.Uri.file(run.spec));
  }
};

export const copyId: Command = async (parts, target) => {
  const run = await theRun(parts, target);
  if (run) {
    await vscode.env.clipboard.writeText(run.run);
    vscode.window.setStatusBarMessage(vscode.l10n.t("Copied: {0}", run.run), 3000);
  }
};

export const saveConfiguration: Command = async (parts, target) => {
  const run = await theRun(parts, target);
  if (!run) {
    return;
  }
  const file = vscode.workspace.textDocuments.find(({ fileName, isDirty }) => isDirty && /[\\/]\.vscode[\\/](launch|tasks)\.json$/.test(fileName));
  await file?.save();
  const answer = await parts.sidecar.request("aml/attach", { run: run.run });
  const text = answer.changed ? vscode.l10n.t("The entry \"{0}\" was written.", answer.name) : vscode.l10n.t("The entry \"{0}\" was there already.", answer.name);
  const open = vscode.l10n.t("Open launch.json");
  if ((await vscode.window.showInformationMessage(text, open)) === open) {
    await vscode.window.showTextDocument(vscode.Uri.file(answer.launchJson));
  }
};

export const remove: Command = async (parts, target) => {
  const run = await theRun(parts, target, "remove");
  if (!run) {
    return;
  }
  const yes = vscode.l10n.t("Remove");
  const question = vscode.l10n.t("Remove the run {0} with its logs and outputs?", run.run);
  const detail = vscode.l10n.t("Its files are deleted. This cannot be undone.");
  if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) === yes) {
    await parts.sidecar.request("aml/removeRun", { run: run.run });
    parts.logs.forget(run.run);
    parts.runs.refresh();
  }
};

export const refresh: Command = async ({ runs }) => runs.refresh();

export const loadMore: Command = async ({ runs }, target) => {
  if (typeof target === "string") {
    runs.loadMore(target);
  }
};

/** The run that a command was called on, by row or by name; from the palette, the one that the user picks. */
async function theRun({ sidecar, runs }: Parts, target: unknown, ...wanted: string[]): Promise<RunSnapshot | undefined> {
  const node = asNode(target);
  if (node?.kind === "run" || node?.kind === "group") {
    return sidecar.request("aml/showRun", { run: node.run.run });
  }
  const name = typeof target === "string" ? target : node && "run" in node ? node.run : undefined;
  if (name) {
    return sidecar.request("aml/showRun", { run: name });
  }
  const selected = runs.tree.visible ? runs.tree.selection[0] : undefined;
  if (selected?.kind === "run" && (wanted.length === 0 || selected.run.actions.some((action) => wanted.includes(action)))) {
    return sidecar.request("aml/showRun", { run: selected.run.run });
  }
  return chooseRun(sidecar, ...wanted);
}

async function outputOf(parts: Parts, target: unknown): Promise<string | undefined> {
  const run = await theRun(parts, target);
  return run && chooseOutput(parts.sidecar, run.run);
}

function folderOf(run: RunSnapshot): vscode.WorkspaceFolder | undefined {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(run.spec));
}
