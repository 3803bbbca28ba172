// Texts that are made for reading and stand in no file.

import * as vscode from "vscode";

const SCHEME = "aml-debug";

/** How many are kept; a tab of an older one is empty when it is opened again. */
const MOST = 50;

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  /** Opens a text under a name, whose ending gives its language. */
  async show(name: string, text: string): Promise<void> {
    await vscode.window.showTextDocument(this.put(name, text), { preview: true });
  }

  /** Keeps a text under a name, for whoever opens it. */
  put(name: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: name });
    this.texts.delete(uri.path);
    this.texts.set(uri.path, text);
    for (const path of [...this.texts.keys()].slice(0, -MOST)) {
      this.texts.delete(path);
    }
    this.changed.fire(uri);
    return uri;
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }
}
