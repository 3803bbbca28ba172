// The `amlDebug` section: read here, understood by the sidecar.

import * as vscode from "vscode";

const SECTION = "amlDebug";

/** The program that the user has named, if any. */
export function programSetting(): string | undefined {
  return vscode.workspace.getConfiguration(SECTION).get<string>("path") || undefined;
}

/** Whether a new debug session steps over library code. */
export function justMyCode(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get<boolean>("justMyCode", true);
}

/** What the user has set, for the sidecar; defaults are its own. */
export function settingsForSidecar(): Record<string, unknown> {
  const section = vscode.workspace.getConfiguration(SECTION);
  const set: Record<string, unknown> = {};
  for (const key of ["home", "bundle", "imageRewrite", "dockerHost", "wait", "keepRunsDays", "keepWarm", "justMyCode", "debugger", "buildCache", "log"]) {
    const found = section.inspect(key);
    const value = found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
    if (value !== undefined) {
      set[key] = value;
    }
  }
  return set;
}

/** Calls back when anything of the section changes. */
export function onChange(changed: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(SECTION)) {
      changed();
    }
  });
}
