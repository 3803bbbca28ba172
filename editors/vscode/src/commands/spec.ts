// Commands on a spec or a script.

import * as vscode from "vscode";
import { chooseSpec, pickSpec } from "../choose";
import { asNode, type Command, type Parts } from "../commands";
import { launchConfiguration } from "../debug";
import { shown } from "../specs";

/** The published page's command: the spec at hand, under the debugger or not. */
export const submitExperiment: Command = async (parts, target) => {
  const spec = asUri(target) ?? (await chooseSpec(parts.specs));
  if (spec) {
    await askAndStart(spec);
  }
};

/** From the tree: which spec is the first question; on an experiment, it is run in that one. */
export const runExperiment: Command = async ({ specs }, target) => {
  const node = asNode(target);
  const spec = await pickSpec(specs, target);
  if (spec) {
    await askAndStart(spec, node?.kind === "experiment" ? { experiment: node.experiment.name } : {});
  }
};

export const run: Command = async (parts, target) => start(parts, target, false);

export const debug: Command = async (parts, target) => start(parts, target, true);

export const check: Command = async ({ specs }, target) => {
  const spec = asUri(target) ?? vscode.window.activeTextEditor?.document.uri ?? (await pickSpec(specs));
  if (!spec) {
    return;
  }
  await vscode.workspace.textDocuments.find(({ uri }) => uri.fsPath === spec.fsPath)?.save();
  const report = await specs.reportOf(spec);
  if (!report) {
    throw new Error(vscode.l10n.t("{0} could not be read.", shown(spec.fsPath)));
  }
  if (report.diagnostics.length > 0) {
    await vscode.commands.executeCommand("workbench.actions.view.problems");
  } else {
    void vscode.window.showInformationMessage(vscode.l10n.t("{0}: nothing to complain about.", shown(spec.fsPath)));
  }
};

async function start({ specs }: Parts, target: unknown, debug: boolean): Promise<void> {
  const spec = asUri(target) ?? (await chooseSpec(specs));
  if (spec) {
    await startSpec(spec, debug, {});
  }
}

/** Asks where and how, and starts a spec. */
export async function askAndStart(spec: vscode.Uri, more: More = {}): Promise<void> {
  const items = [
    { label: `$(play) ${vscode.l10n.t("Local: run")}`, detail: vscode.l10n.t("In its container on this machine"), debug: false },
    { label: `$(debug-alt) ${vscode.l10n.t("Local: debug")}`, detail: vscode.l10n.t("In its container on this machine, stopping at breakpoints"), debug: true },
  ];
  const title = vscode.l10n.t("Run experiment: {0}", shown(spec.fsPath));
  const choice = await vscode.window.showQuickPick(items, { title, placeHolder: vscode.l10n.t("Where, and under the debugger?") });
  if (choice) {
    await startSpec(spec, choice.debug, more);
  }
}

/** What a spec is run with beside itself. */
interface More {
  experiment?: string;
}

/** One way for both: without a debugger it is what `Run Without Debugging` does. */
async function startSpec(spec: vscode.Uri, debug: boolean, more: More): Promise<void> {
  const folder = vscode.workspace.getWorkspaceFolder(spec);
  await vscode.debug.startDebugging(folder, { ...launchConfiguration(spec.fsPath), ...more }, { noDebug: !debug });
}

function asUri(target: unknown): vscode.Uri | undefined {
  // A code lens names its text as the protocol does.
  return typeof target === "string" ? vscode.Uri.parse(target) : target instanceof vscode.Uri ? target : undefined;
}
