// The sample that the walkthrough starts from.

import * as vscode from "vscode";
import type { Command } from "../commands";

export const createSample: Command = async ({ extension }) => {
  const [chosen] = (await vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    openLabel: vscode.l10n.t("Create the Sample Here"),
    title: vscode.l10n.t("The folder to put the sample into"),
  })) ?? [];
  if (!chosen) {
    return;
  }
  const folder = vscode.Uri.joinPath(chosen, "azure-ml-first-steps");
  await vscode.workspace.fs.copy(vscode.Uri.joinPath(extension, "sample"), folder, { overwrite: false });
  await vscode.commands.executeCommand("vscode.openFolder", folder);
};
