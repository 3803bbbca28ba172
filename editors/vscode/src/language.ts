// Specs as a language come from the sidecar over LSP, in the editor's language; here its lenses get their tooltips.

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

/** Files that may be specs; what they are is the sidecar's word. */
export const SPECS = "**/*.{yml,yaml,runconfig}";

/** The kind of the sidecar's code actions that put remote debugging into a script and take it out again. */
export const REMOTE_DEBUGGING = "refactor.rewrite.amlDebug";

/** What VS Code has and the protocol has not: a preview of ours, and tooltips of lenses. */
export function inOurEditor(): Middleware {
  return {
    async provideCodeActions(document, range, context, token, next) {
      const actions = await next(document, range, context, token);
      for (const action of actions ?? []) {
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
        Object.assign(command ?? {}, { tooltip: command && tooltip(command.command) });
      }
      return lenses;
    },
  };
}

function tooltip(command: string): string | undefined {
  switch (command) {
    case "amlDebug.run":
      return vscode.l10n.t("Run in its container on this machine");
    case "amlDebug.debug":
      return vscode.l10n.t("Run in its container and stop at breakpoints");
    case "amlDebug.check":
      return vscode.l10n.t("Look for mistakes");
    case "amlDebug.submitExperiment":
      return vscode.l10n.t("Choose where it runs, and whether under the debugger");
    case "amlDebug.deploy":
      return vscode.l10n.t("Start its server in a container on this machine");
    case "amlDebug.debugDeployment":
      return vscode.l10n.t("Start its server in a container and stop in init() and run()");
    case "amlDebug.debugStep":
      return vscode.l10n.t("Run the pipeline and stop in this step");
    default:
      return undefined;
  }
}
