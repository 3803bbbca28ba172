// What the files of the open folders are and whether they can be run here: the sidecar's word, by `aml/check`.

import * as path from "node:path";
import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import { SPECS } from "./language";
import type { FileReport } from "./protocol";

const FILES: vscode.DocumentFilter = { scheme: "file", pattern: SPECS };

/** Files that are looked at when a person is asked to choose a spec. */
const MOST_CANDIDATES = 200;

/** Files often come many at once: they are looked at when no more have come for this time, in milliseconds. */
const CALM = 500;

export class Specs implements vscode.Disposable {
  private readonly reports = new Map<string, FileReport>();
  private readonly subscriptions: vscode.Disposable[];
  private soon: NodeJS.Timeout | undefined;

  constructor(
    private readonly sidecar: Sidecar,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const watcher = vscode.workspace.createFileSystemWatcher(SPECS, false, true, false);
    const look = (document: vscode.TextDocument) => {
      if (vscode.languages.match(FILES, document) > 0) {
        // Nobody has asked: a file that is gone again, or a sidecar that is not there, is no news.
        this.check([document.uri]).catch((error: unknown) => this.log.debug(`check: ${String(error)}`));
      }
    };
    this.subscriptions = [
      vscode.workspace.onDidOpenTextDocument(look),
      vscode.workspace.onDidSaveTextDocument(look),
      watcher,
      watcher.onDidCreate(() => this.lookSoon()),
      watcher.onDidDelete((uri) => this.reports.delete(uri.toString())),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.lookSoon()),
      sidecar.onHealth(({ is }) => {
        if (is === "ready") {
          vscode.workspace.textDocuments.forEach(look);
          this.lookSoon();
        }
      }),
    ];
  }

  /** Menus of the explorer ask for files that nobody has opened. */
  private lookSoon(): void {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => void this.look(SPECS).catch((error: unknown) => this.log.debug(`look: ${String(error)}`)), CALM);
  }

  /** Asks for the reports of files. */
  async check(files: vscode.Uri[]): Promise<FileReport[]> {
    const answer = await this.sidecar.request("aml/check", { files: files.map(({ fsPath }) => fsPath) });
    for (const report of answer.files) {
      this.reports.set(vscode.Uri.file(report.file).toString(), report);
    }
    const runnable = [...this.reports.values()].filter((report) => report.runnable).map(({ file }) => file);
    const those = (fits: (report: FileReport) => boolean) => [...this.reports.values()].filter(fits).map(({ file }) => file);
    void vscode.commands.executeCommand("setContext", "amlDebug.runnable", runnable);
    void vscode.commands.executeCommand("setContext", "amlDebug.deployable", those(({ deployable }) => deployable));
    void vscode.commands.executeCommand("setContext", "amlDebug.pipelines", those(({ steps }) => steps.length > 0));
    return answer.files;
  }

  /** The report of one file as it is on disk. */
  async reportOf(file: vscode.Uri): Promise<FileReport | undefined> {
    return (await this.check([file]))[0];
  }

  /** All specs of the open folders that can be run as they are, by path. */
  async runnable(folder?: vscode.WorkspaceFolder): Promise<FileReport[]> {
    return (await this.all(folder)).filter((report) => report.runnable && !report.wantsEnvironment);
  }

  /** All YAML files of the open folders that are of a known kind. */
  async all(folder?: vscode.WorkspaceFolder): Promise<FileReport[]> {
    return (await this.look(folder ? new vscode.RelativePattern(folder, SPECS) : SPECS)).filter(isSpec);
  }

  /** The files of one kind. */
  async ofKind(kind: string, pattern: vscode.GlobPattern): Promise<FileReport[]> {
    return (await this.look(pattern)).filter((report) => report.kind === kind);
  }

  private async look(pattern: vscode.GlobPattern): Promise<FileReport[]> {
    const files = await vscode.workspace.findFiles(pattern, "**/{node_modules,.git,.venv,site-packages}/**", MOST_CANDIDATES);
    const reports = await this.check(files);
    return reports.toSorted((one, other) => one.file.localeCompare(other.file));
  }

  dispose(): void {
    clearTimeout(this.soon);
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }
}

/** A path as people see it: from the open folder, with its name where there are several. */
export function shown(file: string): string {
  return vscode.workspace.asRelativePath(file).split(path.sep).join("/");
}

/** YAML that is no Azure ML spec is nobody's business. */
function isSpec(report: FileReport): boolean {
  return report.kind !== "unknown" && report.kind !== "unparsable" && report.kind !== "conda";
}
