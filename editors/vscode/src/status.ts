// The status-bar item: health, runs under way, and one click that debugs what is in the active editor.

import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import type { RunsView } from "./runs_view";

export function createStatus(sidecar: Sidecar, runs: RunsView): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("amlDebug.status", vscode.StatusBarAlignment.Left, 10);
  item.name = vscode.l10n.t("Azure ML Debug");
  const draw = () => {
    const health = sidecar.health;
    const count = runs.live > 0 ? ` $(sync~spin) ${runs.live}` : "";
    const broken = health.is === "missing" || health.is === "down";
    item.text = health.is === "starting" ? "$(loading~spin) Azure ML" : broken ? "$(error) Azure ML" : `$(debug-alt) Azure ML${count}`;
    item.backgroundColor = broken ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
    item.command = broken ? "amlDebug.restart" : "amlDebug.debug";
    item.tooltip = tooltip(sidecar, runs.live);
    item.accessibilityInformation = {
      label: broken
        ? vscode.l10n.t("Azure ML debugger: not working. Click to start it again.")
        : vscode.l10n.t("Azure ML debugger: {0} runs under way. Click to debug the file in the editor.", runs.live),
    };
  };
  draw();
  item.show();
  return vscode.Disposable.from(item, sidecar.onHealth(draw), runs.onLiveRuns(draw));
}

function tooltip(sidecar: Sidecar, live: number): vscode.MarkdownString {
  const text = new vscode.MarkdownString("", true);
  text.isTrusted = { enabledCommands: ["amlDebug.doctor", "amlDebug.restart", "amlDebug.showLog", "amlDebug.runs.focus"] };
  const health = sidecar.health;
  if (health.is === "ready") {
    text.appendMarkdown(`${vscode.l10n.t("Click: debug the specification or script in the active editor")}\n\n`);
    text.appendMarkdown(`${vscode.l10n.t("{0} runs under way", live)} · aml-debug ${health.version}\n\n`);
  } else if (health.is !== "starting") {
    text.appendText(health.what).appendMarkdown("\n\n");
  }
  const link = (title: string, command: string) => `[${title}](command:${command})`;
  text.appendMarkdown(
    [
      link(vscode.l10n.t("Show runs"), "amlDebug.runs.focus"),
      link(vscode.l10n.t("Check this machine"), "amlDebug.doctor"),
      link(vscode.l10n.t("Restart"), "amlDebug.restart"),
      link(vscode.l10n.t("Log"), "amlDebug.showLog"),
    ].join(" · "),
  );
  return text;
}
