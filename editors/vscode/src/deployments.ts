// Deployments of this window: requests and their answers, edits that could not be loaded, and the button for the entry
// script in front. What a deployment is and how it stands is the sidecar's word.

import * as path from "node:path";
import * as vscode from "vscode";
import { AnswerPages } from "./answer_page";
import type { Sidecar } from "./ctx";
import type { FileReport, InvokeDeploymentParams, RunSnapshot } from "./protocol";
import type { Specs } from "./specs";
import { showError } from "./started";
import { say, stateWord } from "./words";

/** How long the specs of the open folders are remembered, in milliseconds: the button asks at every change of editor. */
const REMEMBERED = 5000;

export class Deployments implements vscode.CodeLensProvider, vscode.Disposable {
  /** What a document is sent to, by its address. */
  private readonly targets = new Map<string, string>();
  /** Deployments that are live, by their run. */
  private readonly live = new Map<string, RunSnapshot>();
  private readonly refused = vscode.languages.createDiagnosticCollection("amlDebug.deployments");
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.lensesChanged.event;
  private readonly item = vscode.window.createStatusBarItem("amlDebug.deployment", vscode.StatusBarAlignment.Left, 9);
  private readonly answers: AnswerPages;
  private readonly subscriptions: vscode.Disposable[];
  private known: { at: number; specs: Promise<FileReport[]> } | undefined;

  constructor(
    private readonly sidecar: Sidecar,
    private readonly specs: Specs,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.answers = new AnswerPages(sidecar);
    this.item.name = vscode.l10n.t("Azure ML deployment");
    this.subscriptions = [
      this.refused,
      this.item,
      this.answers,
      sidecar.on("aml/runChanged", (run) => this.changed(run)),
      sidecar.onHealth(({ is }) => {
        if (is === "ready") {
          void this.look();
        }
      }),
      vscode.window.onDidChangeActiveTextEditor(() => void this.drawButton()),
      vscode.languages.registerCodeLensProvider([{ scheme: "file" }, { scheme: "untitled" }], this),
      vscode.workspace.onDidCloseTextDocument(({ uri, isUntitled }) => {
        if (isUntitled) {
          this.targets.delete(uri.toString());
        }
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  /** From now on this text is a request to that deployment. */
  address(uri: vscode.Uri, deployment: string): void {
    this.targets.set(uri.toString(), deployment);
    this.addressed();
  }

  /** The deployment that a text is a request to. */
  targetOf(uri: vscode.Uri): string | undefined {
    return this.targets.get(uri.toString());
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const target = this.targetOf(document.uri);
    if (target === undefined) {
      return [];
    }
    const lens = (title: string, command: string) =>
      new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command, arguments: [document.uri] });
    return [
      lens(`$(send) ${vscode.l10n.t("Send to {0}", target)}`, "amlDebug.sendDocument"),
      lens(vscode.l10n.t("Answers"), "amlDebug.showAnswers"),
    ];
  }

  /** Sends a request and shows its answer beside. Somebody may stand in `run()`, so it is not waited for by a clock. */
  async send(deployment: string, request: Partial<InvokeDeploymentParams>): Promise<void> {
    await this.answers.ask(deployment, { deployment, ...request });
  }

  async showAnswers(deployment: string): Promise<void> {
    await this.answers.show(deployment);
  }

  /** The live deployment whose entry script this is, or the spec of one that could be. */
  async ofScript(script: string): Promise<{ spec: string; run: RunSnapshot | undefined } | undefined> {
    const spec = (await this.deployable()).find(({ entryScript }) => entryScript === script)?.file;
    const run = [...this.live.values()].find((live) => live.spec === spec || live.spec === script);
    return run ? { spec: run.spec, run } : spec === undefined ? undefined : { spec, run };
  }

  private deployable(): Promise<FileReport[]> {
    if (!this.known || Date.now() - this.known.at > REMEMBERED) {
      const specs = this.specs.all().then((all) => all.filter(({ deployable }) => deployable));
      this.known = { at: Date.now(), specs };
    }
    return this.known.specs;
  }

  /** Those that were there before this window. */
  private async look(): Promise<void> {
    const { deployments } = await this.sidecar.request("aml/listDeployments", {});
    deployments.forEach((run) => this.changed(run));
    await this.drawButton();
  }

  private changed(run: RunSnapshot): void {
    if (run.kind !== "deployment") {
      return;
    }
    const before = this.live.get(run.run);
    if (run.endedAt === null) {
      this.live.set(run.run, run);
    } else {
      this.live.delete(run.run);
    }
    this.mark(run, before);
    if (!before && run.endedAt === null) {
      void this.offerSamples(run);
    }
    void this.drawButton();
  }

  /** Where the last edit was not taken, it is said at the line, and whether the server goes on without it. */
  private mark(run: RunSnapshot, before: RunSnapshot | undefined): void {
    const [now, then] = [run.endedAt === null ? run.service?.refusedAt : null, before?.service?.refusedAt];
    if (then && then.file !== now?.file) {
      this.refused.delete(vscode.Uri.file(then.file));
    }
    if (now && run.service?.refused) {
      const line = Math.max(0, now.line - 1);
      const kept = run.service.healthyAt === null
        ? vscode.l10n.t("The deployment {0} does not answer until it is mended and saved.", deploymentName(run))
        : vscode.l10n.t("The deployment {0} goes on with the code from before.", deploymentName(run));
      // It begins with the path of the file, which is no word to be written large.
      const text = `${vscode.l10n.t("{0}.", say(run.service.refused.what))} ${kept}`;
      const found = new vscode.Diagnostic(new vscode.Range(line, 0, line, Number.MAX_SAFE_INTEGER), text, vscode.DiagnosticSeverity.Error);
      found.source = "Azure ML";
      this.refused.set(vscode.Uri.file(now.file), [found]);
    } else if (then) {
      this.refused.delete(vscode.Uri.file(then.file));
    }
  }

  /** Sample requests beside the spec can be sent as they stand. */
  private async offerSamples(run: RunSnapshot): Promise<void> {
    const answer = await this.sidecar.request("aml/showDeployment", { deployment: run.run }).catch(() => undefined);
    for (const sample of answer?.samples ?? []) {
      this.targets.set(vscode.Uri.file(sample).toString(), deploymentName(answer?.run ?? run));
    }
    this.addressed();
  }

  private addressed(): void {
    const files = [...this.targets.keys()].map((uri) => vscode.Uri.parse(uri).fsPath);
    void vscode.commands.executeCommand("setContext", "amlDebug.requests", files);
    this.lensesChanged.fire();
  }

  private async drawButton(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    if (document?.languageId !== "python" || this.sidecar.health.is !== "ready") {
      this.item.hide();
      return;
    }
    try {
      const found = await this.ofScript(document.uri.fsPath);
      if (!found) {
        this.item.hide();
        return;
      }
      const name = found.run ? deploymentName(found.run) : path.basename(found.spec);
      const state = found.run ? serviceWord(found.run) : vscode.l10n.t("not deployed");
      this.item.text = `$(server-process) ${name}: ${state}`;
      this.item.command = { title: "", command: "amlDebug.deploymentOfScript", arguments: [document.uri] };
      this.item.tooltip = found.run
        ? vscode.l10n.t("Click: what can be done with the deployment of this script")
        : vscode.l10n.t("Click: deploy this script on this machine, under the debugger");
      this.item.accessibilityInformation = { label: vscode.l10n.t("Deployment {0}: {1}", name, state) };
      this.item.show();
    } catch (error) {
      this.log.debug(`deployments: ${String(error)}`);
    }
  }

  /** Shows what went wrong. */
  failed(error: unknown): void {
    void showError(error, this.log);
  }
}

/** `endpoint/name`, or the spec until that is read. */
export function deploymentName(run: RunSnapshot): string {
  return run.service ? `${run.service.endpoint}/${run.service.name}`.replace(/^\//, "") : path.basename(run.spec);
}

/** How a deployment stands: whether it answers says more than that it runs, and a server that starts again more than that
 * its run is prepared. */
export function serviceWord(run: RunSnapshot): string {
  if (run.service && (run.state === "running" || (run.state === "preparing" && run.container !== null))) {
    return run.service.healthyAt === null ? vscode.l10n.t("starting") : vscode.l10n.t("healthy");
  }
  return stateWord(run.state);
}
