// Specs as a language come from the sidecar over LSP; here its words become those of the editor's language.

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import type { Text } from "./protocol";
import { say } from "./words";

/** Files that may be specs; what they are is the sidecar's word. */
export const SPECS = "**/*.{yml,yaml,runconfig}";

/** The kind of the sidecar's code actions that put remote debugging into a script and take it out again. */
export const REMOTE_DEBUGGING = "refactor.rewrite.amlDebug";

/** The sidecar sends the message of a sentence beside its English text. */
export function inTheEditorsLanguage(): Middleware {
  return {
    handleDiagnostics(uri, diagnostics, next) {
      for (const diagnostic of diagnostics) {
        diagnostic.message = translated(diagnostic) ?? diagnostic.message;
      }
      next(uri, diagnostics);
    },
    async provideCodeActions(document, range, context, token, next) {
      const actions = await next(document, range, context, token);
      for (const action of actions ?? []) {
        action.title = translated(action) ?? action.title;
        if ("edit" in action && action.edit && action.kind?.value === REMOTE_DEBUGGING) {
          // VS Code's own preview of edits leaves out whatever is not ticked; ours is a diff.
          action.command = { command: "amlDebug.instrument", title: action.title, arguments: [document.uri, action.edit.get(document.uri)] };
          delete action.edit;
        }
      }
      return actions;
    },
    async provideCodeLenses(document, token, next) {
      const lenses = await next(document, token);
      for (const { command } of lenses ?? []) {
        const words = command && lensWords(command.command);
        Object.assign(command ?? {}, words);
      }
      return lenses;
    },
  };
}

function translated(item: object): string | undefined {
  const text = "data" in item ? (item.data as Text | undefined) : undefined;
  return text?.id === undefined ? undefined : say(text);
}

function lensWords(command: string): { title: string; tooltip: string } | undefined {
  switch (command) {
    case "amlDebug.run":
      return { title: vscode.l10n.t("Run"), tooltip: vscode.l10n.t("Run in its container on this machine") };
    case "amlDebug.debug":
      return { title: vscode.l10n.t("Debug"), tooltip: vscode.l10n.t("Run in its container and stop at breakpoints") };
    case "amlDebug.check":
      return { title: vscode.l10n.t("Check"), tooltip: vscode.l10n.t("Look for mistakes") };
    case "amlDebug.submitExperiment":
      return { title: vscode.l10n.t("Submit experiment"), tooltip: vscode.l10n.t("Choose where it runs, and whether under the debugger") };
    case "amlDebug.deploy":
      return { title: vscode.l10n.t("Deploy"), tooltip: vscode.l10n.t("Start its server in a container on this machine") };
    case "amlDebug.debugDeployment":
      return { title: vscode.l10n.t("Debug"), tooltip: vscode.l10n.t("Start its server in a container and stop in init() and run()") };
    case "amlDebug.debugStep":
      return { title: vscode.l10n.t("Debug step"), tooltip: vscode.l10n.t("Run the pipeline and stop in this step") };
    default:
      return undefined;
  }
}
