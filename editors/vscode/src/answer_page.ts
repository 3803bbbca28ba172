// What a deployment's server answered: status, time, headers, body, and the answers before, beside the request.

import * as crypto from "node:crypto";
import * as vscode from "vscode";
import { answers, type Shown } from "./answer_page/html";
import type { Sidecar } from "./ctx";
import type { InvokeDeploymentParams } from "./protocol";
import { page } from "./run_page/html";

export class AnswerPages implements vscode.Disposable {
  private readonly open = new Map<string, AnswerPage>();

  constructor(private readonly sidecar: Sidecar) {}

  async ask(deployment: string, request: Partial<InvokeDeploymentParams>): Promise<void> {
    await this.pageOf(deployment).ask(request);
  }

  async show(deployment: string): Promise<void> {
    await this.pageOf(deployment).draw();
  }

  dispose(): void {
    for (const { panel } of this.open.values()) {
      panel.dispose();
    }
  }

  private pageOf(deployment: string): AnswerPage {
    const known = this.open.get(deployment);
    if (known) {
      known.panel.reveal(undefined, true);
      return known;
    }
    const made = new AnswerPage(this.sidecar, deployment);
    this.open.set(deployment, made);
    made.panel.onDidDispose(() => this.open.delete(deployment));
    return made;
  }
}

class AnswerPage {
  readonly panel: vscode.WebviewPanel;
  private shown: Shown;
  private last: Partial<InvokeDeploymentParams> | undefined;
  private asked = 0;
  private run: string | undefined;

  constructor(
    private readonly sidecar: Sidecar,
    private readonly deployment: string,
  ) {
    this.shown = { deployment, answers: [], chosen: 0, waiting: false, again: false, failure: undefined };
    const title = vscode.l10n.t("Answers of {0}", deployment);
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    this.panel = vscode.window.createWebviewPanel("amlDebug.answers", title, place, { enableScripts: true });
    const nonce = crypto.randomBytes(16).toString("base64");
    this.panel.webview.html = page("data:", nonce, vscode.env.language, title);
    this.panel.webview.onDidReceiveMessage((message: { command?: string; file?: string }) => void this.pressed(message));
  }

  /** Shows that it is waited, and then the answer. */
  async ask(request: Partial<InvokeDeploymentParams>): Promise<void> {
    this.asked += 1;
    const mine = this.asked;
    this.last = request;
    this.shown = { ...this.shown, waiting: true, again: true, chosen: 0, failure: undefined };
    await this.post();
    try {
      await this.sidecar.request("aml/invokeDeployment", request);
      await this.read();
    } catch (error) {
      this.shown = { ...this.shown, failure: error instanceof Error ? error.message : String(error) };
    }
    if (mine === this.asked) {
      this.shown = { ...this.shown, waiting: false };
    }
    await this.post();
  }

  async draw(): Promise<void> {
    await this.read();
    await this.post();
  }

  private async read(): Promise<void> {
    const { answers, run } = await this.sidecar.request("aml/showDeployment", { deployment: this.deployment });
    this.run = run.run;
    this.shown = { ...this.shown, answers };
  }

  private async post(): Promise<void> {
    await this.panel.webview.postMessage(answers(this.shown));
  }

  private async pressed({ command, file }: { command?: string; file?: string }): Promise<void> {
    const chosen = this.shown.answers[this.shown.chosen];
    if (command === undefined) {
      await this.post();
    } else if (command === "amlDebug.answer" && file !== undefined) {
      this.shown = { ...this.shown, chosen: Number(file) };
      await this.post();
    } else if (command === "amlDebug.again" && this.last) {
      await this.ask(this.last);
    } else if (command === "amlDebug.openBody" && chosen) {
      await openBody(chosen.body, chosen.base64);
    } else if (command === "amlDebug.openLog" && this.run !== undefined) {
      await vscode.commands.executeCommand(command, this.run);
    }
  }
}

/** The body as a text of its own, or, where it is none, as a file that the user names. */
async function openBody(body: unknown, base64: string | null): Promise<void> {
  if (base64 === null) {
    const isText = typeof body === "string";
    const content = isText ? body : `${JSON.stringify(body, null, 2)}\n`;
    const document = await vscode.workspace.openTextDocument({ content, language: isText ? "plaintext" : "json" });
    await vscode.window.showTextDocument(document, { preview: true });
    return;
  }
  const uri = await vscode.window.showSaveDialog({ title: vscode.l10n.t("Save the answer") });
  if (uri) {
    await vscode.workspace.fs.writeFile(uri, Buffer.from(base64, "base64"));
    await vscode.commands.executeCommand("vscode.open", uri);
  }
}
