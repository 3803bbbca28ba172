// Commands on a deployment, its spec, its entry script and its requests.

import * as path from "node:path";
import * as vscode from "vscode";
import { asNode, type Command, type Parts } from "../commands";
import { attachConfiguration, JOINING } from "../debug";
import { deploymentName, serviceWord } from "../deployments";
import type { RunSnapshot, StartDeploymentParams } from "../protocol";
import { shown } from "../specs";
import { moment } from "../words";

export const deploy: Command = async (parts, target) => start(parts, target, false);

export const debugDeployment: Command = async (parts, target) => start(parts, target, true);

/** The way of SDK v1: an image that has all in it, perhaps with the script that is being worked on over its own. */
export const deployImage: Command = async (parts) => {
  const title = vscode.l10n.t("Deploy image");
  const image = await vscode.window.showInputBox({ title, prompt: vscode.l10n.t("The name of an image that has all in it, as Model.package() makes it") });
  if (!image) {
    return;
  }
  const scripts = await vscode.workspace.findFiles("**/*.py", "**/{node_modules,.git,.venv,site-packages}/**", 200);
  const own = { label: vscode.l10n.t("The script of the image"), file: undefined as string | undefined };
  const items = [own, ...scripts.map(({ fsPath }) => ({ label: `$(file-code) ${shown(fsPath)}`, file: fsPath as string | undefined }))];
  const script = await vscode.window.showQuickPick(items, { title, placeHolder: vscode.l10n.t("The entry script; one of yours is mounted over the image's own") });
  if (!script) {
    return;
  }
  const run = await begin(parts, image, { image, spec: script.file ?? null });
  if (run) {
    const { name, launchJson } = await parts.sidecar.request("aml/attach", { run: run.run });
    const open = vscode.l10n.t("Open launch.json");
    const said = vscode.l10n.t("The entry \"{0}\" attaches to it: F5.", name);
    if ((await vscode.window.showInformationMessage(said, open)) === open) {
      await vscode.window.showTextDocument(vscode.Uri.file(launchJson));
    }
  }
};

/** The button in the status bar: deploys the script in front, or offers what its deployment allows. */
export const deploymentOfScript: Command = async (parts, target) => {
  const script = target instanceof vscode.Uri ? target : vscode.window.activeTextEditor?.document.uri;
  const found = script && (await parts.deployments.ofScript(script.fsPath));
  if (!found?.run) {
    await start(parts, found && vscode.Uri.file(found.spec), true);
    return;
  }
  const { run } = found;
  const item = (icon: string, label: string, command: string) => ({ label: `$(${icon}) ${label}`, command });
  const items = [
    item("send", vscode.l10n.t("Send request…"), "amlDebug.sendRequest"),
    ...(run.actions.includes("attach") || run.actions.includes("takeOver") ? [item("debug-alt", vscode.l10n.t("Start Debugger"), "amlDebug.startDebugger")] : []),
    item("debug-restart", vscode.l10n.t("Restart deployment"), "amlDebug.restartDeployment"),
    item("output", vscode.l10n.t("Open Log"), "amlDebug.openLog"),
    item("debug-stop", vscode.l10n.t("Stop deployment"), "amlDebug.stopDeployment"),
  ];
  const title = `${deploymentName(run)} · ${serviceWord(run)}`;
  const choice = await vscode.window.showQuickPick(items, { title });
  if (choice) {
    await vscode.commands.executeCommand(choice.command, run.run);
  }
};

/** Offers what there is to send: sample requests, an empty one, any file, and what every server answers. */
export const sendRequest: Command = async (parts, target) => {
  const run = await theDeployment(parts, target, true);
  if (!run) {
    return;
  }
  const { samples } = await parts.sidecar.request("aml/showDeployment", { deployment: run.run });
  const name = deploymentName(run);
  const items = [
    ...samples.map((file) => ({ label: `$(json) ${shown(file)}`, description: vscode.l10n.t("sample request"), file, way: "open" })),
    { label: `$(new-file) ${vscode.l10n.t("A new request")}`, file: undefined, way: "new" },
    { label: `$(file-binary) ${vscode.l10n.t("A file as it is…")}`, description: vscode.l10n.t("a picture, say"), file: undefined, way: "file" },
    { label: `$(pulse) GET ${pathOf(run.service?.healthUri)}`, description: vscode.l10n.t("is it healthy?"), file: pathOf(run.service?.healthUri), way: "get" },
    { label: "$(book) GET /swagger.json", description: vscode.l10n.t("what it takes and gives"), file: "/swagger.json", way: "get" },
  ];
  const choice = await vscode.window.showQuickPick(items, { title: vscode.l10n.t("Send a request to {0}", name) });
  if (choice?.way === "open" && choice.file !== undefined) {
    const uri = vscode.Uri.file(choice.file);
    parts.deployments.address(uri, name);
    await vscode.window.showTextDocument(uri, { viewColumn: vscode.ViewColumn.One, preview: false });
  } else if (choice?.way === "new") {
    const document = await vscode.workspace.openTextDocument({ language: "json", content: "{\n  \n}\n" });
    parts.deployments.address(document.uri, name);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, preview: false });
  } else if (choice?.way === "file") {
    const [file] = (await vscode.window.showOpenDialog({ title: vscode.l10n.t("The file to send"), openLabel: vscode.l10n.t("Send") })) ?? [];
    if (file) {
      await parts.deployments.send(name, { file: file.fsPath });
    }
  } else if (choice?.way === "get" && choice.file !== undefined) {
    await parts.deployments.send(name, { method: "GET", path: choice.file });
  }
};

/** Sends the text in front, as it stands in the editor. */
export const sendDocument: Command = async (parts, target) => {
  const uri = target instanceof vscode.Uri ? target : vscode.window.activeTextEditor?.document.uri;
  const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === uri?.toString());
  if (!document) {
    await sendRequest(parts);
    return;
  }
  let name = parts.deployments.targetOf(document.uri);
  if (name === undefined) {
    const run = await theDeployment(parts, undefined, true);
    if (!run) {
      return;
    }
    name = deploymentName(run);
    parts.deployments.address(document.uri, name);
  }
  const isFile = document.uri.scheme === "file" && !document.isDirty;
  await parts.deployments.send(name, isFile ? { file: document.uri.fsPath } : { body: document.getText() });
};

export const showAnswers: Command = async (parts, target) => {
  const known = target instanceof vscode.Uri ? parts.deployments.targetOf(target) : undefined;
  const run = known === undefined ? await theDeployment(parts, target) : undefined;
  const name = known ?? (run && deploymentName(run));
  if (name !== undefined) {
    await parts.deployments.showAnswers(name);
  }
};

export const copyScoringUri: Command = async (parts, target) => {
  const run = await theDeployment(parts, target, true);
  if (run?.service) {
    await vscode.env.clipboard.writeText(run.service.scoringUri);
    vscode.window.setStatusBarMessage(vscode.l10n.t("Copied: {0}", run.service.scoringUri), 3000);
  }
};

export const restartDeployment: Command = async (parts, target) => {
  const run = await theDeployment(parts, target);
  if (run) {
    await parts.sidecar.request("aml/restartDeployment", { deployment: run.run });
  }
};

export const stopDeployment: Command = async (parts, target) => {
  const run = await theDeployment(parts, target, true);
  if (run) {
    const options = { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t("Stopping {0}", deploymentName(run)) };
    await vscode.window.withProgress(options, () => parts.sidecar.request("aml/stopDeployment", { deployment: run.run }));
  }
};

export const removeDeployment: Command = async (parts, target) => {
  const run = await theDeployment(parts, target);
  if (!run) {
    return;
  }
  const yes = vscode.l10n.t("Remove");
  const question = vscode.l10n.t("Remove the deployment {0} with its logs and answers?", deploymentName(run));
  const detail = vscode.l10n.t("Its files are deleted. This cannot be undone.");
  if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) === yes) {
    await parts.sidecar.request("aml/removeDeployment", { deployment: run.run });
    parts.logs.forget(run.run);
    parts.runs.refresh();
  }
};

async function start(parts: Parts, target: unknown, debug: boolean): Promise<void> {
  const spec = asUri(target) ?? (await chooseDeployable(parts));
  if (!spec) {
    return;
  }
  await vscode.workspace.textDocuments.find(({ uri, isDirty }) => isDirty && uri.fsPath === spec.fsPath)?.save();
  const run = await begin(parts, shown(spec.fsPath), { spec: spec.fsPath, debug });
  if (!run) {
    return;
  }
  if (debug) {
    await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(spec), attachConfiguration(run), JOINING);
    return;
  }
  const [send, log] = [vscode.l10n.t("Send Request"), vscode.l10n.t("Open Log")];
  const said = vscode.l10n.t("{0} answers at {1}.", deploymentName(run), run.service?.scoringUri ?? "");
  const choice = await vscode.window.showInformationMessage(said, send, log);
  if (choice !== undefined) {
    await vscode.commands.executeCommand(choice === send ? "amlDebug.sendRequest" : "amlDebug.openLog", run.run);
  }
}

/** Starts it with its progress; it answers, or a debugger can attach. */
async function begin(parts: Parts, name: string, wish: Partial<StartDeploymentParams>): Promise<RunSnapshot | undefined> {
  if (!vscode.workspace.isTrusted) {
    throw new Error(vscode.l10n.t("Running a specification executes its code, and this workspace is not trusted."));
  }
  const begun = await parts.starter.start(name, { deploy: wish, debug: wish.debug ?? false });
  return begun && parts.sidecar.request("aml/showRun", { run: begun.run });
}

async function chooseDeployable({ specs }: Parts): Promise<vscode.Uri | undefined> {
  const active = vscode.window.activeTextEditor?.document.uri;
  if (active?.scheme === "file" && (await specs.reportOf(active))?.deployable) {
    return active;
  }
  const found = (await specs.all()).filter(({ deployable }) => deployable);
  if (found.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There is no specification of an online deployment in the open folders."));
    return undefined;
  }
  const items = found.map(({ file }) => ({ label: `$(file-code) ${shown(file)}`, file }));
  const choice = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t("The deployment") });
  return choice && vscode.Uri.file(choice.file);
}

/** The deployment that a command was called on; from the palette, the one that the user picks, or the only one. */
async function theDeployment({ sidecar, runs }: Parts, target: unknown, live = false): Promise<RunSnapshot | undefined> {
  const node = asNode(target);
  const named = typeof target === "string" ? target : node?.kind === "run" ? node.run.run : node?.kind === "answer" ? node.run : undefined;
  if (named !== undefined) {
    return sidecar.request("aml/showRun", { run: named });
  }
  const { deployments } = await sidecar.request("aml/listDeployments", {});
  const fitting = deployments.filter(({ endedAt }) => !live || endedAt === null);
  const selected = runs.tree.visible ? runs.tree.selection[0] : undefined;
  const chosen = selected?.kind === "run" ? fitting.find(({ run }) => run === selected.run.run) : undefined;
  const [only, ...others] = fitting;
  if (chosen || !only) {
    if (!only) {
      void vscode.window.showInformationMessage(vscode.l10n.t("There is no deployment for that."));
    }
    return chosen;
  }
  if (others.length === 0) {
    return only;
  }
  const items = fitting.map((run) => ({ label: deploymentName(run), description: `${serviceWord(run)} · ${moment(run.startedAt)}`, detail: shown(run.spec), run }));
  return (await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t("The deployment") }))?.run;
}

function pathOf(uri: string | undefined): string {
  return uri === undefined ? "/" : new URL(uri).pathname;
}

function asUri(target: unknown): vscode.Uri | undefined {
  // A code lens names its text as the protocol does.
  return typeof target === "string" && path.isAbsolute(vscode.Uri.parse(target).fsPath) ? vscode.Uri.parse(target) : target instanceof vscode.Uri ? target : undefined;
}
