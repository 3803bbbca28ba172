// Specs in the editor: diagnostics, quick fixes and the Run | Debug | Check line, all from `aml/check`.
// What a file is and whether it can be run here is the sidecar's word.

import * as path from "node:path";
import * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import type { DiagnosticText, FileReport, FixText, RangeText } from "./protocol";
import { say } from "./words";

const SPECS = "**/*.{yml,yaml}";

const YAML: vscode.DocumentFilter = { scheme: "file", pattern: SPECS };

/** Files that are looked at when a person is asked to choose a spec. */
const MOST_CANDIDATES = 200;

export class Specs implements vscode.Disposable, vscode.CodeLensProvider, vscode.CodeActionProvider {
  private readonly reports = new Map<string, FileReport>();
  private readonly findings = vscode.languages.createDiagnosticCollection("aml-debug");
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.lensesChanged.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly sidecar: Sidecar,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const look = (document: vscode.TextDocument) => {
      if (vscode.languages.match(YAML, document) > 0) {
        // Nobody has asked: a file that is gone again, or a sidecar that is not there, is no news.
        this.check([document.uri]).catch((error: unknown) => this.log.debug(`check: ${String(error)}`));
      }
    };
    this.subscriptions = [
      this.findings,
      vscode.workspace.onDidOpenTextDocument(look),
      vscode.workspace.onDidSaveTextDocument(look),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.forget(uri)),
      vscode.languages.registerCodeLensProvider(YAML, this),
      vscode.languages.registerCodeActionsProvider(YAML, this, {
        providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
      }),
      sidecar.onHealth(({ is }) => {
        if (is === "ready") {
          vscode.workspace.textDocuments.forEach(look);
        }
      }),
    ];
  }

  /** Asks for the reports of files and shows what was found. */
  async check(files: vscode.Uri[]): Promise<FileReport[]> {
    const answer = await this.sidecar.request("aml/check", { files: files.map(({ fsPath }) => fsPath) });
    for (const report of answer.files) {
      const uri = vscode.Uri.file(report.file);
      this.reports.set(uri.toString(), report);
      this.findings.set(uri, isSpec(report) ? report.diagnostics.map(diagnostic) : []);
    }
    this.lensesChanged.fire();
    const runnable = [...this.reports.values()].filter((report) => report.runnable).map(({ file }) => file);
    void vscode.commands.executeCommand("setContext", "amlDebug.runnable", runnable);
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
    const answer = await this.sidecar.request("aml/check", { files: files.map(({ fsPath }) => fsPath) });
    return answer.files.toSorted((one, other) => one.file.localeCompare(other.file));
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const report = this.reports.get(document.uri.toString());
    if (!report || !isSpec(report)) {
      return [];
    }
    const top = new vscode.Range(0, 0, 0, 0);
    const lens = (title: string, command: string, tooltip: string) =>
      new vscode.CodeLens(top, { title, command, tooltip, arguments: [document.uri] });
    const check = lens(vscode.l10n.t("Check"), "amlDebug.check", vscode.l10n.t("Look for mistakes"));
    if (!report.runnable) {
      return [check];
    }
    return [
      lens(vscode.l10n.t("Run"), "amlDebug.run", vscode.l10n.t("Run in its container on this machine")),
      lens(vscode.l10n.t("Debug"), "amlDebug.debug", vscode.l10n.t("Run in its container and stop at breakpoints")),
      check,
    ];
  }

  provideCodeActions(document: vscode.TextDocument, range: vscode.Range): vscode.CodeAction[] {
    const report = this.reports.get(document.uri.toString());
    // Ranges are those of the file as it was saved.
    if (!report || document.isDirty) {
      return [];
    }
    return report.diagnostics.flatMap((finding) =>
      finding.fix && toRange(finding.range).intersection(range) ? [quickFix(document.uri, finding, finding.fix)] : [],
    );
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  private forget(uri: vscode.Uri): void {
    this.reports.delete(uri.toString());
    this.findings.delete(uri);
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

function diagnostic(finding: DiagnosticText): vscode.Diagnostic {
  const severities: Record<string, vscode.DiagnosticSeverity> = {
    error: vscode.DiagnosticSeverity.Error,
    warning: vscode.DiagnosticSeverity.Warning,
  };
  const severity = severities[finding.severity] ?? vscode.DiagnosticSeverity.Information;
  const shown = new vscode.Diagnostic(toRange(finding.range), say(finding.message), severity);
  shown.source = "Azure ML";
  shown.code = finding.code;
  return shown;
}

function quickFix(uri: vscode.Uri, finding: DiagnosticText, fix: FixText): vscode.CodeAction {
  const action = new vscode.CodeAction(say(fix.title), vscode.CodeActionKind.QuickFix);
  action.edit = new vscode.WorkspaceEdit();
  action.edit.replace(uri, toRange(fix.range), fix.newText);
  action.diagnostics = [diagnostic(finding)];
  return action;
}

function toRange({ start, end }: RangeText): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
