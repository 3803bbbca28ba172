// Commands about the sidecar and the machine.

import * as vscode from "vscode";
import type { Command } from "../commands";
import type { Finding } from "../protocol";
import { say } from "../words";

export const restart: Command = async ({ sidecar }) => sidecar.restart();

export const showLog: Command = async ({ log }) => log.show();

export const doctor: Command = async ({ sidecar, log }) => {
  const options = { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t("Checking this machine") };
  const { findings } = await vscode.window.withProgress(options, () => sidecar.request("aml/doctor", {}));
  for (const finding of findings) {
    tell(log, finding);
  }
  const errors = findings.filter(({ outcome }) => outcome === "error");
  const warnings = findings.filter(({ outcome }) => outcome === "warning");
  const details = vscode.l10n.t("Show Details");
  const first = errors[0] ?? warnings[0];
  const summary = first
    ? [say(first.what), ...(first.fix ? [say(first.fix)] : [])].join(" — ")
    : vscode.l10n.t("This machine is ready to run and debug Azure ML jobs.");
  const show = errors.length > 0 ? vscode.window.showErrorMessage : warnings.length > 0 ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  if ((await show(summary, details)) === details) {
    log.show();
  }
};

function tell(log: vscode.LogOutputChannel, { subject, outcome, what, fix }: Finding): void {
  const line = `${subject}: ${say(what)}${fix ? ` — ${say(fix)}` : ""}`;
  if (outcome === "error") {
    log.error(line);
  } else if (outcome === "warning") {
    log.warn(line);
  } else {
    log.info(line);
  }
}
