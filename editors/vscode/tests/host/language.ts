// Specs as a language, asked for as an editor asks.

import * as assert from "node:assert/strict";
import * as vscode from "vscode";
import { file, until } from "./ground";

async function open(text: string): Promise<vscode.TextDocument> {
  const uri = file("other.yml");
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  return vscode.workspace.openTextDocument(uri);
}

function place(document: vscode.TextDocument, text: string): vscode.Position {
  const offset = document.getText().indexOf(text);
  assert.ok(offset >= 0, text);
  return document.positionAt(offset);
}

suite("language", () => {
  let document: vscode.TextDocument;

  suiteSetup(async () => {
    document = await open("type: command\ncode: src\ncommand: python learn.py\ncomput: local\nenvironment:\n  image: python:3.11\n  conda_file: conda.yml\n");
  });

  suiteTeardown(async () => {
    await vscode.workspace.fs.delete(document.uri);
  });

  test("a key that is no key is an error, and its fix is offered", async () => {
    const [found] = await until("a diagnostic", () => {
      const found = vscode.languages.getDiagnostics(document.uri).filter(({ message }) => message.includes("comput"));
      return found.length > 0 && found;
    });
    assert.equal(found?.severity, vscode.DiagnosticSeverity.Error);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>("vscode.executeCodeActionProvider", document.uri, found?.range);
    assert.ok(actions.some(({ title }) => title.includes("compute")), actions.map(({ title }) => title).join(", "));
  });

  test("a key explains itself", async () => {
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", document.uri, place(document, "environment"));
    const text = hovers.flatMap(({ contents }) => contents).map((content) => (typeof content === "string" ? content : content.value)).join("\n");
    assert.match(text, /What the code runs in/);
  });

  test("a file that is named is found", async () => {
    const position = place(document, "conda.yml").translate(0, 2);
    const found = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[]>("vscode.executeDefinitionProvider", document.uri, position);
    const uris = found.map((location) => ("uri" in location ? location.uri : location.targetUri).path);
    assert.ok(uris.some((path) => path.endsWith("/conda.yml")), uris.join(", "));
  });

  test("keys that may stand here are offered, with what is there left out", async () => {
    const end = document.lineAt(document.lineCount - 1).range.end;
    const { items } = await vscode.commands.executeCommand<vscode.CompletionList>("vscode.executeCompletionItemProvider", document.uri, end);
    const labels = items.map(({ label }) => (typeof label === "string" ? label : label.label));
    assert.ok(labels.includes("environment_variables"), labels.join(", "));
    assert.ok(!labels.includes("code"), "code is there already");
  });

  test("a job has its line of commands", async () => {
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>("vscode.executeCodeLensProvider", file("job.yml"), 10);
    assert.deepEqual(
      lenses.map(({ command }) => command?.command).filter((command) => command?.startsWith("amlDebug.")).toSorted(),
      ["amlDebug.check", "amlDebug.debug", "amlDebug.run", "amlDebug.submitExperiment"],
    );
  });
});
