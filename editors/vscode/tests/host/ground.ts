// What the tests in the extension host share: the project, and waiting for something to be so.

import * as vscode from "vscode";

/** A file of the project that is open. */
export function file(name: string): vscode.Uri {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  if (!folder) {
    throw new Error("no folder is open");
  }
  return vscode.Uri.joinPath(folder.uri, name);
}

/** Asks until there is an answer. */
export async function until<T>(what: string, ask: () => T | undefined | false | Thenable<T | undefined | false>): Promise<T> {
  const end = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) {
      return answer;
    }
    if (Date.now() > end) {
      throw new Error(`it did not come about: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
