// The wizard of the published page: environment, script, data set, debugpy; the new file opens, and from there it is
// submitted. What is written is the sidecar's doing.

import * as path from "node:path";
import * as vscode from "vscode";
import { asNode, type Command } from "../commands";
import type { DraftSpecParams } from "../protocol";
import { shown, type Specs } from "../specs";

/** An environment as the sidecar wants to be told. */
type Environment = Pick<DraftSpecParams, "environmentKind" | "environment">;

/** Files that are offered of one kind. */
const MOST_FILES = 200;

const FOREIGN = "**/{node_modules,.git,.venv,site-packages}/**";

export const newConfiguration: Command = async ({ sidecar, specs }, target) => {
  const node = asNode(target);
  const folder = await chooseFolder();
  const environment = folder && (await chooseEnvironment(specs, folder));
  const script = environment && (await chooseScript(folder));
  const dataset = script && (await chooseDataset());
  const debugpy = dataset && (await chooseDebugpy(environment));
  const file = debugpy && (await chooseName(folder, script, environment));
  if (!file) {
    return;
  }
  const answer = await sidecar.request("aml/draftSpec", {
    file,
    experiment: node?.kind === "experiment" ? node.experiment.name : null,
    ...environment,
    script,
    dataset: dataset.path,
    debugpy: debugpy.add,
  });
  await vscode.window.showTextDocument(vscode.Uri.file(answer.file), { preview: false });
  const submit = vscode.l10n.t("Submit Experiment");
  const said = vscode.l10n.t("{0} is ready.", shown(answer.file));
  if ((await vscode.window.showInformationMessage(said, submit)) === submit) {
    await vscode.commands.executeCommand("amlDebug.submitExperiment", vscode.Uri.file(answer.file));
  }
};

const title = () => vscode.l10n.t("New run configuration");

async function chooseFolder(): Promise<vscode.Uri | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 0) {
    throw new Error(vscode.l10n.t("Open the folder of your project first."));
  }
  const [only, ...others] = folders;
  return (others.length === 0 ? only : await vscode.window.showWorkspaceFolderPick())?.uri;
}

async function chooseEnvironment(specs: Specs, folder: vscode.Uri): Promise<Environment | undefined> {
  const pattern = (glob: string) => new vscode.RelativePattern(folder, glob);
  const [files, condas, dockerfiles] = await Promise.all([
    specs.all().then((all) => all.filter(({ kind, file }) => kind === "environment" && file.startsWith(folder.fsPath))),
    specs.ofKind("conda", pattern("**/*.{yml,yaml}")),
    vscode.workspace.findFiles(pattern("**/*Dockerfile*"), FOREIGN, MOST_FILES),
  ]);
  const item = (icon: string, form: string, file: string, description: string) => ({ label: `$(${icon}) ${shown(file)}`, description, form, value: file });
  const items = [
    ...files.map(({ file }) => item("package", "file", file, vscode.l10n.t("environment"))),
    ...condas.map(({ file }) => item("list-unordered", "conda", file, vscode.l10n.t("conda file"))),
    ...dockerfiles.map(({ fsPath }) => item("file-code", "dockerfile", fsPath, "Dockerfile")),
    { label: `$(cloud) ${vscode.l10n.t("A curated environment…")}`, form: "named", value: undefined },
    { label: `$(package) ${vscode.l10n.t("An image…")}`, form: "image", value: undefined },
  ];
  const choice = await vscode.window.showQuickPick(items, { title: title(), placeHolder: vscode.l10n.t("The environment that the code runs in") });
  if (!choice) {
    return undefined;
  }
  const prompt = choice.form === "named" ? vscode.l10n.t("The name of a curated or registered environment") : vscode.l10n.t("The name of a container image with Python");
  const value = choice.value ?? (await vscode.window.showInputBox({ title: title(), prompt }));
  return value ? { environmentKind: choice.form, environment: value } : undefined;
}

async function chooseScript(folder: vscode.Uri): Promise<string | undefined> {
  const files = await vscode.workspace.findFiles(new vscode.RelativePattern(folder, "**/*.py"), FOREIGN, MOST_FILES);
  const active = vscode.window.activeTextEditor?.document.uri.fsPath;
  const names = files.map(({ fsPath }) => path.relative(folder.fsPath, fsPath)).toSorted((one, other) => one.localeCompare(other));
  const first = names.filter((name) => path.join(folder.fsPath, name) === active);
  const items = [...new Set([...first, ...names])];
  return vscode.window.showQuickPick(items, { title: title(), placeHolder: vscode.l10n.t("The script, relative to {0}", path.basename(folder.fsPath)) });
}

async function chooseDataset(): Promise<{ path: string | null } | undefined> {
  const items = [
    { label: vscode.l10n.t("No data set"), detail: vscode.l10n.t("The script finds its data by itself"), has: false },
    { label: vscode.l10n.t("A data set…"), detail: vscode.l10n.t("Handed to the script as --data"), has: true },
  ];
  const choice = await vscode.window.showQuickPick(items, { title: title(), placeHolder: vscode.l10n.t("Does the script read a data set?") });
  if (!choice?.has) {
    return choice && { path: null };
  }
  const prompt = vscode.l10n.t("A file or folder, or a reference such as azureml:name:1");
  const value = await vscode.window.showInputBox({ title: title(), prompt });
  return value ? { path: value } : undefined;
}

async function chooseDebugpy({ environmentKind }: Environment): Promise<{ add: boolean } | undefined> {
  const items = [
    { label: vscode.l10n.t("Skip"), detail: vscode.l10n.t("The environment stays as it is: the debugger brings its own debugpy"), add: false },
    ...(environmentKind === "conda"
      ? [{ label: vscode.l10n.t("Add debugpy"), detail: vscode.l10n.t("To a copy of the conda file, for environments that are debugged elsewhere too"), add: true }]
      : []),
  ];
  return vscode.window.showQuickPick(items, { title: title(), placeHolder: vscode.l10n.t("Add debugpy to the environment?") });
}

/** What cannot be written is said while the name is asked, since all answers would be lost after it. */
async function chooseName(folder: vscode.Uri, script: string, { environmentKind }: Environment): Promise<string | undefined> {
  const fileOf = (name: string) => path.join(folder.fsPath, isV1(name) && !name.includes("/") ? path.join(".azureml", name) : name);
  const name = await vscode.window.showInputBox({
    title: title(),
    prompt: vscode.l10n.t("The file to write; the ending .runconfig makes a run configuration of SDK v1"),
    value: `${path.basename(script, ".py")}.job.yml`,
    validateInput: async (name) => {
      if (isV1(name) && environmentKind === "file") {
        return vscode.l10n.t("A run configuration of SDK v1 cannot name the file of an environment; a job can.");
      }
      const isThere = name !== "" && (await Promise.resolve(vscode.workspace.fs.stat(vscode.Uri.file(fileOf(name)))).then(() => true, () => false));
      return isThere ? vscode.l10n.t("{0} is there already. Take another name.", name) : undefined;
    },
  });
  return name && fileOf(name);
}

const isV1 = (name: string) => name.endsWith(".runconfig");
