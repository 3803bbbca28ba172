// What the extension registers, against what its manifest promises.

import * as assert from "node:assert/strict";
import * as vscode from "vscode";
import { file, until } from "./ground";

const ID = "aml-debug.aml-debug";

interface Manifest {
  version: string;
  contributes: { commands: { command: string }[]; configuration: { properties: Record<string, { default: unknown }> } };
}

suite("surface", () => {
  const extension = vscode.extensions.getExtension(ID);

  test("a YAML file brings the extension to life", async () => {
    await vscode.window.showTextDocument(file("job.yml"));
    await until("activated", () => extension?.isActive);
  });

  test("every command of the manifest is there, and no other of ours", async () => {
    const promised = (extension?.packageJSON as Manifest).contributes.commands.map(({ command }) => command);
    const all = await vscode.commands.getCommands(true);
    // What VS Code makes of a view is no command of ours.
    const ours = all.filter((command) => command.startsWith("amlDebug.") && !/^amlDebug\.runs\./.test(command));
    assert.deepEqual(ours.toSorted(), promised.toSorted());
  });

  test("every setting has the default that the manifest names", () => {
    for (const [name, { default: value }] of Object.entries((extension?.packageJSON as Manifest).contributes.configuration.properties)) {
      assert.deepEqual(vscode.workspace.getConfiguration().inspect(name)?.defaultValue, value, name);
    }
  });
});
