// Commands on an experiment.

import * as vscode from "vscode";
import type { Command } from "../commands";
import { asNode } from "../commands";

export const createExperiment: Command = async ({ runs }) => {
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t("Create experiment"),
    prompt: vscode.l10n.t("The name under which runs are listed"),
  });
  if (name?.trim()) {
    await runs.createExperiment(name.trim());
  }
};

/** Only one without runs is ours to forget: the others are the names of their runs. */
export const removeExperiment: Command = async ({ named, runs }, target) => {
  const node = asNode(target);
  const name = node?.kind === "experiment" ? node.experiment.name : await vscode.window.showQuickPick(named.all(), { placeHolder: vscode.l10n.t("The experiment") });
  if (name) {
    await named.remove(name);
    runs.refresh();
  }
};
