// The page of a run: phases as a timeline, metrics as plots, what it left behind, what it ran in. It is drawn anew from
// each snapshot; the script in it only puts in what it is sent, and sends back which button was pressed.

import * as crypto from "node:crypto";
import * as path from "node:path";
import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import type { OutputFile, OutputsAnswer, RunSnapshot } from "./protocol";
import { runName } from "./rows";
import { body, page, type Preview } from "./run_page/html";
import { outputs } from "./runs_view";

/** A page is drawn at most this often, in milliseconds. */
const CALM = 250;

/** How often the times of a pipeline that runs are drawn, in milliseconds. */
const TICK = 1000;

/** Larger files are listed and not shown. */
const LARGEST_PREVIEW = 64 * 1024;
const LARGEST_PICTURE = 4 * 1024 * 1024;
const MOST_PREVIEWS = 8;

/** What the buttons of a page may ask for. */
const COMMANDS = new Set(["startDebugger", "cancel", "rerun", "openLog", "openSpec", "whyImage", "openOutput", "showRun", "debugStep"].map((name) => `amlDebug.${name}`));

export class RunPages implements vscode.Disposable {
  private readonly open = new Map<string, RunPage>();
  private readonly changes: vscode.Disposable;

  constructor(private readonly sidecar: Sidecar) {
    this.changes = sidecar.on("aml/runChanged", (run) => this.open.get(run.run)?.drawSoon());
  }

  async show(run: RunSnapshot): Promise<void> {
    const known = this.open.get(run.run);
    if (known) {
      known.panel.reveal();
      return;
    }
    const { folder } = await this.sidecar.request("aml/listOutputs", { run: run.run });
    const made = new RunPage(this.sidecar, run, folder);
    this.open.set(run.run, made);
    made.panel.onDidDispose(() => this.open.delete(run.run));
    await made.draw();
  }

  dispose(): void {
    this.changes.dispose();
    for (const { panel } of this.open.values()) {
      panel.dispose();
    }
  }
}

/** What a page sends: which button was pressed, and what for; nothing once it listens. */
interface Pressed {
  command?: string;
  file?: string;
  run?: string;
  step?: string;
}

class RunPage {
  readonly panel: vscode.WebviewPanel;
  private timer: NodeJS.Timeout | undefined;
  private clock: NodeJS.Timeout | undefined;

  constructor(
    private readonly sidecar: Sidecar,
    private readonly run: RunSnapshot,
    folder: string,
  ) {
    const options = { enableScripts: true, localResourceRoots: [vscode.Uri.file(folder)] };
    this.panel = vscode.window.createWebviewPanel("amlDebug.run", runName(run), vscode.ViewColumn.Active, options);
    this.panel.webview.html = page(this.panel.webview.cspSource, crypto.randomBytes(16).toString("base64"), vscode.env.language, runName(run));
    this.panel.webview.onDidReceiveMessage((message: Pressed) => void this.pressed(message));
    this.panel.onDidDispose(() => {
      clearTimeout(this.timer);
      clearTimeout(this.clock);
    });
  }

  drawSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.draw();
    }, CALM);
  }

  async draw(): Promise<void> {
    const [run, left] = await Promise.all([
      this.sidecar.request("aml/showRun", { run: this.run.run }),
      this.sidecar.request("aml/listOutputs", { run: this.run.run }),
    ]);
    await this.panel.webview.postMessage(body(run, left, await this.previews(left)));
    // While its steps run, their bars grow.
    clearTimeout(this.clock);
    if (run.graph && run.endedAt === null) {
      this.clock = setTimeout(() => this.drawSoon(), TICK);
    }
  }

  private async pressed({ command, file, run, step }: Pressed): Promise<void> {
    // The page sends this once it listens.
    if (command === undefined) {
      await this.draw();
    } else if (COMMANDS.has(command)) {
      const target = file === undefined ? (run ?? this.run.run) : { kind: "output", run: this.run.run, file, name: path.basename(file), bytes: 0 };
      await vscode.commands.executeCommand(command, target, step);
    }
  }

  private previews(left: OutputsAnswer): Promise<Preview[]> {
    const files = outputs(this.run.run, left).slice(0, MOST_PREVIEWS);
    return Promise.all(files.map(({ file, name, bytes }) => this.preview(file, { path: name, bytes })));
  }

  private async preview(file: string, { path: name, bytes }: OutputFile): Promise<Preview> {
    const uri = vscode.Uri.file(file);
    const shown: Preview = { file, name, bytes };
    if (/\.(png|jpe?g|gif|svg|webp)$/i.test(name) && bytes <= LARGEST_PICTURE) {
      return { ...shown, picture: this.panel.webview.asWebviewUri(uri).toString() };
    }
    if (/\.(txt|json|csv|tsv|md|log|ya?ml)$/i.test(name) && bytes <= LARGEST_PREVIEW) {
      // One that is gone again is only listed.
      const text = await vscode.workspace.fs.readFile(uri).then((read) => new TextDecoder().decode(read), () => undefined);
      return text === undefined ? shown : { ...shown, text };
    }
    return shown;
  }
}
