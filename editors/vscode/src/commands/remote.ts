// Remote debugging: the published convention in a script, and the way to a step on a node.

import * as path from "node:path";
import * as vscode from "vscode";
import type { Command } from "../commands";
import { shown } from "../specs";

/** The kind of the sidecar's code actions on a script. */
const KIND = "refactor.rewrite.amlDebug";

const FOREIGN = "**/{node_modules,.git,.venv,site-packages}/**";

/** Puts the convention into a script, or takes it out again; VS Code shows the edit before it is made. */
export const instrument: Command = async (_parts, target) => {
  const script = target instanceof vscode.Uri ? target : await chooseScript();
  if (!script) {
    return;
  }
  const document = await vscode.workspace.openTextDocument(script);
  await vscode.window.showTextDocument(document);
  const whole = new vscode.Range(0, 0, document.lineCount, 0);
  const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>("vscode.executeCodeActionProvider", script, whole, KIND);
  const edit = actions.find(({ kind }) => kind?.value === KIND)?.edit;
  if (!edit) {
    void vscode.window.showInformationMessage(vscode.l10n.t("{0} has nothing to change: it awaits a debugger by itself, or it is no script of Python 3.", shown(script.fsPath)));
    return;
  }
  await vscode.workspace.applyEdit(edit);
};

/** From the log of a step on a node to a debugger that stands in it. */
export const attachRemote: Command = async (parts) => {
  const title = vscode.l10n.t("Attach to a step on a node");
  const ways = [
    { label: `$(file) ${vscode.l10n.t("A log file…")}`, detail: vscode.l10n.t("70_driver_log.txt or user_logs/std_log.txt, as it grows"), way: "file" },
    { label: `$(link) ${vscode.l10n.t("The URL of a log…")}`, detail: vscode.l10n.t("As the service gives it; whoever has it may read"), way: "url" },
  ];
  const way = await vscode.window.showQuickPick(ways, { title, placeHolder: vscode.l10n.t("The log in which the step says where it awaits its debugger") });
  const log = way && (way.way === "file" ? await chooseLog() : await vscode.window.showInputBox({ title, prompt: vscode.l10n.t("The URL of the log"), password: true }));
  const code = log ? await chooseCode(title) : undefined;
  if (!log || !code) {
    return;
  }
  const step = await vscode.window.showInputBox({ title, prompt: vscode.l10n.t("The name of the step, for an entry of its own in launch.json; empty where there is only one") });
  if (step !== undefined) {
    await parts.remote.attach({ log, code, step: step || null });
  }
};

async function chooseLog(): Promise<string | undefined> {
  const title = vscode.l10n.t("The log of the step");
  return (await vscode.window.showOpenDialog({ title, openLabel: vscode.l10n.t("Follow") }))?.[0]?.fsPath;
}

/** Folders with Python in them, the one of the script in front first. */
async function chooseCode(title: string): Promise<string | undefined> {
  const files = await vscode.workspace.findFiles("**/*.py", FOREIGN, 500);
  const active = vscode.window.activeTextEditor?.document;
  const first = active?.languageId === "python" && active.uri.scheme === "file" ? [path.dirname(active.uri.fsPath)] : [];
  const roots = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const folders = [...new Set([...first, ...files.map(({ fsPath }) => path.dirname(fsPath)).toSorted(), ...roots])];
  const items = folders.map((folder) => ({ label: `$(folder) ${shown(folder)}`, folder }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder: vscode.l10n.t("The code folder of the step on this machine") }))?.folder;
}

async function chooseScript(): Promise<vscode.Uri | undefined> {
  const active = vscode.window.activeTextEditor?.document;
  if (active?.languageId === "python" && active.uri.scheme === "file") {
    return active.uri;
  }
  const files = await vscode.workspace.findFiles("**/*.py", FOREIGN, 500);
  const items = files.map((uri) => ({ label: `$(file-code) ${shown(uri.fsPath)}`, uri }));
  return (await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t("The script") }))?.uri;
}
