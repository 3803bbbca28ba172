// Specs as a language come from the sidecar over LSP, in the editor's language; here its lenses get their tooltips.

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

/** Files that may be specs; what they are is the sidecar's word. */
export const SPECS = "**/*.{yml,yaml,runconfig}";

/** The protocol has no place for what a lens says when the mouse is over it. */
export function withTooltips(): Middleware {
  return {
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
    default:
      return undefined;
  }
}
