// What only a person knows: which spec, which run, which environment. Every command falls back on these, so
// all of them work from the palette with nothing selected.

import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import { runName } from "./rows";
import { outputs } from "./runs_view";
import type { FileReport, RunSnapshot } from "./protocol";
import { shown, type Specs } from "./specs";
import { ago, moment, size, stateWord } from "./words";

/** Runs that are offered at once. */
const MOST_RUNS = 100;

/** The spec or script in the active editor if it can be run, else one that the user picks. */
export async function chooseSpec(specs: Specs): Promise<vscode.Uri | undefined> {
  const active = vscode.window.activeTextEditor?.document.uri;
  const report = active?.scheme === "file" ? await specs.reportOf(active) : undefined;
  if (report?.runnable || report?.deployable) {
    return active;
  }
  return pickSpec(specs);
}

/** One of the specs of the open folders. */
export async function pickSpec(specs: Specs, target?: unknown): Promise<vscode.Uri | undefined> {
  const found = await specs.runnable();
  const items: { label: string; file?: string }[] = [
    ...found.map(({ file }) => ({ label: `$(file-code) ${shown(file)}`, file })),
    { label: `$(add) ${vscode.l10n.t("New run configuration…")}` },
  ];
  const choice = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Run experiment"),
    placeHolder: vscode.l10n.t("The specification to run"),
  });
  if (choice && choice.file === undefined) {
    await vscode.commands.executeCommand("amlDebug.newConfiguration", target);
    return undefined;
  }
  return choice?.file === undefined ? undefined : vscode.Uri.file(choice.file);
}

/** A run that offers one of the actions, picked by the user; the only one is taken without a question. */
export async function chooseRun(sidecar: Sidecar, ...wanted: string[]): Promise<RunSnapshot | undefined> {
  const { runs } = await sidecar.request("aml/listRuns", { limit: MOST_RUNS });
  const fitting = runs.filter(({ actions }) => wanted.length === 0 || actions.some((action) => wanted.includes(action)));
  return pickRun(fitting, wanted.length > 0);
}

async function pickRun(fitting: RunSnapshot[], takesTheOnly: boolean): Promise<RunSnapshot | undefined> {
  if (fitting.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There is no run for that."));
    return undefined;
  }
  const [only, ...others] = fitting;
  if (takesTheOnly && others.length === 0) {
    return only;
  }
  const items = fitting.map((run) => ({
    label: runName(run),
    description: `${stateWord(run.state)} · ${moment(run.startedAt)}`,
    detail: `${run.run} · ${shown(run.spec)}`,
    run,
  }));
  const placeHolder = vscode.l10n.t("The run");
  return (await vscode.window.showQuickPick(items, { placeHolder, matchOnDescription: true, matchOnDetail: true }))?.run;
}

/** A run of a pipeline, picked by the user; the only one is taken without a question. */
export async function choosePipelineRun(sidecar: Sidecar): Promise<RunSnapshot | undefined> {
  const { runs } = await sidecar.request("aml/listRuns", { limit: MOST_RUNS });
  return pickRun(runs.filter(({ graph }) => graph !== null), true);
}

/** The steps of a pipeline to stop in; none means those with a breakpoint. A spec that is no pipeline asks nothing. */
export async function chooseSteps({ file, steps }: FileReport): Promise<string[] | undefined> {
  if (steps.length === 0) {
    return [];
  }
  const title = vscode.l10n.t("Debug steps of {0}", shown(file));
  const placeHolder = vscode.l10n.t("The steps to stop in; none chosen: those whose code has a breakpoint");
  const items = steps.map((label) => ({ label }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder, canPickMany: true }))?.map(({ label }) => label);
}

/** One of the images that were built here, by name. */
export async function chooseImage(sidecar: Sidecar): Promise<string | undefined> {
  const { images } = await sidecar.request("aml/listImages", {});
  if (images.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("No image was built here yet."));
    return undefined;
  }
  const items = images.map(({ image, bytes, missing, usedAt, specs }) => ({
    label: image,
    description: `${missing ? vscode.l10n.t("removed from the engine") : size(bytes)} · ${vscode.l10n.t("used {0}", ago(usedAt))}`,
    detail: specs.map(shown).join(", "),
  }));
  return (await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t("The image") }))?.label;
}

/** One of the files that a run wrote, as a path. */
export async function chooseOutput(sidecar: Sidecar, run: string): Promise<string | undefined> {
  const answer = await sidecar.request("aml/listOutputs", { run });
  const items = outputs(run, answer).map(({ name, bytes, file }) => ({ label: name, description: size(bytes), file }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("The run {0} has left no files.", run));
    return undefined;
  }
  return (await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t("The file") }))?.file;
}

/** The environment of a script; the last answer for the same script stands first. */
export async function chooseEnvironment(script: string, specs: Specs, memory: vscode.Memento): Promise<string | undefined> {
  const key = `environment of ${script}`;
  const last = memory.get<string>(key);
  const files = (await specs.all()).filter(({ kind }) => kind === "environment").map(({ file }) => file);
  const known = [...new Set([...(last ? [last] : []), ...files])];
  const other = { label: `$(edit) ${vscode.l10n.t("An image…")}`, value: undefined };
  const items = [...known.map((value) => ({ label: shown(value), value })), other];
  const title = vscode.l10n.t("Environment of {0}", shown(script));
  const choice = await vscode.window.showQuickPick(items, { title, placeHolder: vscode.l10n.t("A script names no environment: choose one") });
  if (!choice) {
    return undefined;
  }
  const environment = choice.value ?? (await vscode.window.showInputBox({ title, prompt: vscode.l10n.t("The name of a container image with Python") }));
  if (environment) {
    await memory.update(key, environment);
  }
  return environment || undefined;
}
