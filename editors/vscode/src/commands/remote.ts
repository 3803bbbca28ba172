// Remote debugging: the published convention in a script, and the way to a step on a node.

import * as path from "node:path";
import * as vscode from "vscode";
import type { Command } from "../commands";
import { REMOTE_DEBUGGING } from "../language";
import { shown } from "../specs";

const FOREIGN = "**/{node_modules,.git,.venv,site-packages}/**";

/** Puts the convention into a script, or takes it out again. What the edit makes of the script is shown before it is made. */
export const instrument: Command = async (parts, target, more) => {
  const script = target instanceof vscode.Uri ? target : await chooseScript();
  if (!script) {
    return;
  }
  const document = await vscode.workspace.openTextDocument(script);
  const edits = isEdits(more) ? more : await editsOf(document);
  const name = path.basename(script.fsPath);
  if (!edits) {
    void vscode.window.showInformationMessage(vscode.l10n.t("{0} has nothing to change: it awaits a debugger by itself, or it is no script of Python 3.", name));
    return;
  }
  const adds = edits.some(({ newText }) => newText.includes("# >>> aml-debug"));
  const preview = parts.pages.put(`/${name}`, applied(document, edits));
  const title = adds ? vscode.l10n.t("{0}: with remote debugging", name) : vscode.l10n.t("{0}: without remote debugging", name);
  await vscode.commands.executeCommand("vscode.diff", script, preview, title, { preview: true });
  const apply = vscode.l10n.t("Apply");
  const question = adds ? vscode.l10n.t("Add remote debugging to {0}? Nothing changes for it without its flags.", name) : vscode.l10n.t("Take remote debugging out of {0}?", name);
  const choice = await vscode.window.showInformationMessage(question, apply, vscode.l10n.t("Discard"));
  await closeDiff(preview);
  if (choice === apply) {
    const edit = new vscode.WorkspaceEdit();
    edit.set(script, edits.map(({ range, newText }) => vscode.TextEdit.replace(range, newText)));
    await vscode.workspace.applyEdit(edit);
    await vscode.window.showTextDocument(document, { preview: false });
  }
};

/** What a quick fix brings; from the explorer come the files that are selected there. */
function isEdits(more: unknown): more is vscode.TextEdit[] {
  return Array.isArray(more) && more.every((edit: Partial<vscode.TextEdit>) => typeof edit.newText === "string");
}

/** The edits of the sidecar's one action on the script. */
async function editsOf(document: vscode.TextDocument): Promise<vscode.TextEdit[] | undefined> {
  await vscode.window.showTextDocument(document);
  const whole = new vscode.Range(0, 0, document.lineCount, 0);
  const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>("vscode.executeCodeActionProvider", document.uri, whole, REMOTE_DEBUGGING);
  const action = actions.find(({ kind }) => kind?.value === REMOTE_DEBUGGING);
  return action?.command?.arguments?.[1] as vscode.TextEdit[] | undefined;
}

function applied(document: vscode.TextDocument, edits: vscode.TextEdit[]): string {
  const text = document.getText();
  const ordered = edits.toSorted((one, other) => document.offsetAt(one.range.start) - document.offsetAt(other.range.start));
  let at = 0;
  const parts: string[] = [];
  for (const { range, newText } of ordered) {
    parts.push(text.slice(at, document.offsetAt(range.start)), newText);
    at = document.offsetAt(range.end);
  }
  return [...parts, text.slice(at)].join("");
}

async function closeDiff(preview: vscode.Uri): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs);
  const shown = tabs.filter(({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.toString() === preview.toString());
  await vscode.window.tabGroups.close(shown);
}

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
  const items = folders.map((folder) => ({ label: `$(folder) ${roots.includes(folder) ? path.basename(folder) : shown(folder)}`, folder }));
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
