// Commands on the steps of pipelines, here and on the nodes where they run.

import * as path from "node:path";
import * as vscode from "vscode";
import { choosePipelineRun } from "../choose";
import { asNode, type Command, type Parts } from "../commands";
import { stepConfiguration, stepsConfiguration } from "../debug";
import type { FileReport, RunSnapshot, VariantParams } from "../protocol";
import { shown } from "../specs";
import { say, sentence, stateWord } from "../words";

/** A step of a run is repeated alone with the inputs that it had; one of a specification is stopped in when its turn comes. */
export const debugStep: Command = async (parts, target, more) => {
  if (typeof target === "string" && typeof more === "string" && target.includes(":")) {
    await debugSteps(parts, vscode.Uri.parse(target), [more]);
    return;
  }
  const chosen = await theStep(parts, target, more);
  if (chosen) {
    await vscode.debug.startDebugging(folderOf(chosen.run.spec), stepConfiguration(chosen.run, chosen.step));
  }
};

/** Which steps of which pipeline to stop in is asked before it starts. */
export const debugPipeline: Command = async (parts, target) => {
  const report = await thePipeline(parts, target);
  const steps = report && (await pickSteps(report.steps, vscode.l10n.t("Debug steps of {0}", shown(report.file)), vscode.l10n.t("The steps to stop in")));
  if (steps) {
    await debugSteps(parts, vscode.Uri.file(report.file), steps);
  }
};

/** A copy of the pipeline in which chosen steps await a debugger wherever they run, shown beside the original. */
export const prepareVariant: Command = async (parts, target) => {
  const report = await thePipeline(parts, target);
  const title = report && vscode.l10n.t("Debug variant of {0}", shown(report.file));
  const steps = report && (await pickSteps(report.steps, title ?? "", vscode.l10n.t("The steps that await a debugger on their nodes")));
  if (!steps) {
    return;
  }
  const seconds = await vscode.window.showInputBox({
    ...(title === undefined ? {} : { title }),
    prompt: vscode.l10n.t("Seconds that each of them waits"),
    value: "300",
    validateInput: (value) => (/^[1-9]\d*$/.test(value) ? undefined : vscode.l10n.t("A whole number of seconds")),
  });
  if (seconds === undefined) {
    return;
  }
  await makeVariant(parts, { file: report.file, steps, wait: Number(seconds) });
};

/** All ranks of distributed steps wait; that only some of them do is offered once it is known how many there are. */
async function makeVariant(parts: Parts, wish: Partial<VariantParams>): Promise<void> {
  const answer = await parts.sidecar.request("aml/variant", wish);
  for (const { from, to } of answer.files) {
    const name = `${path.basename(from)} ↔ ${path.basename(to)}`;
    await vscode.commands.executeCommand("vscode.diff", vscode.Uri.file(from), vscode.Uri.file(to), name, { preview: false });
  }
  const [attach, some] = [vscode.l10n.t("Attach to a Step…"), vscode.l10n.t("Choose Ranks…")];
  const said = answer.remarks.map((remark) => sentence(say(remark))).join(" ");
  const choice = await vscode.window.showInformationMessage(said, attach, ...((answer.ranks ?? 0) > 1 ? [some] : []));
  if (choice === attach) {
    await vscode.commands.executeCommand("amlDebug.attachRemote");
  } else if (choice === some) {
    const all = Array.from({ length: answer.ranks ?? 0 }, (_, rank) => String(rank));
    const ranks = await pickSteps(all, vscode.l10n.t("Choose Ranks…"), vscode.l10n.t("The ranks that await a debugger"));
    if (ranks) {
      await makeVariant(parts, { ...wish, ranks: ranks.map(Number) });
    }
  }
}

async function debugSteps(_parts: Parts, spec: vscode.Uri, steps: string[]): Promise<void> {
  await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(spec), stepsConfiguration(spec.fsPath, steps));
}

async function pickSteps(steps: string[], title: string, placeHolder: string): Promise<string[] | undefined> {
  const items = steps.map((label) => ({ label }));
  const chosen = await vscode.window.showQuickPick(items, { title, placeHolder, canPickMany: true });
  return chosen && chosen.length > 0 ? chosen.map(({ label }) => label) : undefined;
}

/** The pipeline that a command was called on, the one in front, or one that the user picks. */
async function thePipeline({ specs }: Parts, target: unknown): Promise<FileReport | undefined> {
  const named = target instanceof vscode.Uri ? target : vscode.window.activeTextEditor?.document.uri;
  const report = named?.scheme === "file" ? await specs.reportOf(named).catch(() => undefined) : undefined;
  if (report && report.steps.length > 0) {
    return report;
  }
  const found = (await specs.all()).filter(({ steps }) => steps.length > 0);
  if (found.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There is no pipeline in the open folders."));
    return undefined;
  }
  const items = found.map((report) => ({ label: `$(type-hierarchy) ${shown(report.file)}`, report }));
  return (await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t("The pipeline") }))?.report;
}

/** The step of a run: of a row, of a run and a name, or picked by the user. */
async function theStep({ sidecar }: Parts, target: unknown, more: unknown): Promise<{ run: RunSnapshot; step: string } | undefined> {
  const node = asNode(target);
  if (node?.kind === "step") {
    return { run: await sidecar.request("aml/showRun", { run: node.run }), step: node.step.name };
  }
  if (node?.kind === "run" && node.run.parent !== null && node.run.step !== null) {
    return { run: await sidecar.request("aml/showRun", { run: node.run.parent }), step: node.run.step };
  }
  if (typeof target === "string" && typeof more === "string") {
    return { run: await sidecar.request("aml/showRun", { run: target }), step: more };
  }
  const run = node?.kind === "run" && node.run.graph ? node.run : await choosePipelineRun(sidecar);
  const ran = (run?.graph?.steps ?? []).filter((step) => step.run !== null);
  const items = ran.map((step) => ({ label: step.name, description: stateWord(step.state) }));
  const choice = run && (await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t("The step to debug with the inputs that it had") }));
  return run && choice && { run, step: choice.label };
}

function folderOf(spec: string): vscode.WorkspaceFolder | undefined {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(spec));
}
