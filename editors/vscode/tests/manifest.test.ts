// What package.json promises and what the code holds, in both languages. Needs no editor.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { table } from "./table.ts";

const ROOT = path.resolve(import.meta.dirname, "..");

interface Manifest {
  contributes: {
    commands: { command: string; title: string; category: string; icon?: string }[];
    menus: Record<string, { command: string; when?: string; group?: string }[]>;
    configuration: { properties: Record<string, { description?: string; markdownDescription?: string }> };
    viewsWelcome: { contents: string }[];
  };
}

const manifest = JSON.parse(read("package.json")) as Manifest;
const english = words("package.nls.json");
const japanese = words("package.nls.ja.json");

test("every command is in the table, and the table has no other", () => {
  const table = [...read("src/commands.ts").matchAll(/^ {2}"(amlDebug\.\w+)":/gm)].map((match) => match[1]);
  const promised = manifest.contributes.commands.map(({ command }) => command);
  assert.deepEqual(table.toSorted(), promised.toSorted());
});

test("every command has a title in both languages and the category of the palette", () => {
  for (const { command, title, category } of manifest.contributes.commands) {
    const key = title.replaceAll("%", "");
    assert.ok(english[key], `${command} has no English title`);
    assert.ok(japanese[key], `${command} has no Japanese title`);
    assert.equal(category, "Azure ML");
  }
  const submit = manifest.contributes.commands.find(({ command }) => command === "amlDebug.submitExperiment");
  assert.equal(english[submit?.title.replaceAll("%", "") ?? ""], "Submit experiment", "the published name");
});

test("an inline action has an icon, and every entry of a menu is a command", () => {
  const commands = new Map(manifest.contributes.commands.map((command) => [command.command, command]));
  for (const [menu, entries] of Object.entries(manifest.contributes.menus)) {
    for (const { command, when, group, ...more } of entries) {
      const known = commands.get(command);
      assert.ok(when, `${command} is always in ${menu}`);
      assert.deepEqual(more, {}, `${command} in ${menu}`);
      assert.ok(known, `${menu} names ${command}`);
      assert.ok(!/^(inline|navigation)/.test(group ?? "") || known.icon, `${command} has no icon in ${menu}`);
    }
  }
});

test("both languages have the same keys, and all of them are used", () => {
  assert.deepEqual(Object.keys(japanese).toSorted(), Object.keys(english).toSorted());
  const used = new Set([...read("package.json").matchAll(/"%([\w.]+)%"/g)].map((match) => match[1]));
  assert.deepEqual([...used].toSorted(), Object.keys(english).toSorted());
});

test("links in the welcome texts name commands that are there", () => {
  const ours = new Set(manifest.contributes.commands.map(({ command }) => command));
  for (const { contents } of manifest.contributes.viewsWelcome) {
    for (const text of [english, japanese].map((language) => language[contents.replaceAll("%", "")] ?? "")) {
      for (const [, command] of text.matchAll(/\(command:([\w.]+)/g)) {
        assert.ok(ours.has(command ?? "") || /^(workbench\.|vscode\.)/.test(command ?? ""), `${command} is no command`);
      }
    }
  }
});

test("every sentence of the code is there in Japanese, with the same gaps", () => {
  const translated = words("l10n/bundle.l10n.ja.json");
  const said = new Set<string>();
  for (const file of sources("src")) {
    for (const [, text] of fs.readFileSync(file, "utf8").matchAll(/l10n\.t\(\s*("(?:[^"\\]|\\.)*")/g)) {
      said.add(JSON.parse(text ?? '""') as string);
    }
  }
  assert.deepEqual(Object.keys(translated).toSorted(), [...said].toSorted());
  for (const [text, translation] of Object.entries(translated)) {
    assert.deepEqual(gaps(translation), gaps(text), text);
  }
});

test("the sidecar's sentences in Japanese come with the extension", () => {
  assert.equal(read("dist/ja.properties"), read("../../crates/engine/messages/ja.properties"));
});

test("every setting is explained, and the sidecar knows it", () => {
  const rust = read("../../crates/sidecar/src/settings.rs");
  const handed = read("src/config.ts");
  for (const [name, { description, markdownDescription }] of Object.entries(manifest.contributes.configuration.properties)) {
    const key = name.replace("amlDebug.", "");
    assert.ok(english[(description ?? markdownDescription ?? "").replaceAll("%", "")], `${name} is not explained`);
    if (key !== "path") {
      assert.ok(rust.includes(`=> "${key}"`), `the sidecar does not know ${key}`);
      assert.ok(handed.includes(`"${key}"`), `${key} is not handed to the sidecar`);
    }
  }
});

test("only one file speaks to the language client", () => {
  const speakers = sources("src").filter((file) => fs.readFileSync(file, "utf8").match(/^import (?!type).*from "vscode-languageclient|import\("vscode-languageclient/m));
  assert.deepEqual(speakers.map((file) => path.basename(file)), ["ctx.ts"]);
});

function read(file: string): string {
  return fs.readFileSync(path.join(ROOT, file), "utf8");
}

function words(file: string): Record<string, string> {
  return JSON.parse(read(file)) as Record<string, string>;
}

function gaps(text: string): string[] {
  return [...text.matchAll(/\{([\w-]+)\}/g)].map((match) => match[1] ?? "").toSorted();
}

function sources(folder: string): string[] {
  return fs
    .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.join(ROOT, folder, file));
}

test("every command, menu and setting has a test, and the tables in the documentation say which", () => {
  const { text, untested } = table();
  assert.deepEqual(untested, [], "what no test uses");
  const file = path.join(ROOT, "../../docs/editor.md");
  const document = fs.readFileSync(file, "utf8");
  const [before, after] = [document.indexOf("<!-- table -->"), document.indexOf("<!-- end of table -->")];
  const wanted = `${document.slice(0, before)}<!-- table -->\n\n${text}\n\n${document.slice(after)}`;
  if (process.env["AML_DEBUG_CODEGEN"] === "write") {
    fs.writeFileSync(file, wanted);
  }
  assert.equal(fs.readFileSync(file, "utf8"), wanted, "`AML_DEBUG_CODEGEN=write npm test` writes it");
});

test("each row offers what its kind allows", () => {
  const offered = (row: string) =>
    new Set(
      (manifest.contributes.menus["view/item/context"] ?? [])
        .filter(({ when }) => new RegExp(/viewItem =~ \/(.*)\/$/.exec(when ?? "")?.[1] ?? "^$").test(row))
        .map(({ command }) => command.replace("amlDebug.", "")),
    );
  assert.deepEqual([...offered("workspace")].toSorted(), ["createExperiment", "newConfiguration", "runExperiment"]);
  assert.deepEqual([...offered("experiment")].toSorted(), ["newConfiguration", "runExperiment"]);
  assert.deepEqual([...offered("experiment empty")].toSorted(), ["newConfiguration", "removeExperiment", "runExperiment"]);
  assert.deepEqual([...offered("images")], ["pruneImages"]);
  assert.deepEqual([...offered("imageRow")], ["whyImage"]);
  assert.deepEqual([...offered("log")], ["openLog"]);
  assert.deepEqual([...offered("output")], ["openOutput"]);
  for (const row of ["phase", "metric", "phases", "outputs"]) {
    assert.deepEqual([...offered(row)], [], row);
  }
  const [live, over] = [offered("run attach cancel container image"), offered("run rerun remove image")];
  for (const [command, whileLive, whenOver] of [
    ["startDebugger", true, true],
    ["cancel", true, false],
    ["attachContainer", true, false],
    ["rerun", false, true],
    ["remove", false, true],
    ["showRun", true, true],
  ] as const) {
    assert.deepEqual([live.has(command), over.has(command)], [whileLive, whenOver], command);
  }
  assert.ok(offered("run takeOver cancel container").has("startDebugger"));
  // A step that is over is repeated alone; one that is under way is joined.
  assert.deepEqual([offered("run step rerun remove").has("startDebugger"), offered("run step rerun remove").has("debugStep")], [false, true]);
  assert.deepEqual([offered("run step attach cancel").has("startDebugger"), offered("run step attach cancel").has("debugStep")], [true, false]);
  assert.deepEqual([[...offered("step ran")], [...offered("step")]], [["debugStep"], []]);
  // The end of a deployment is no result, so it has words of its own for what a run has others for.
  assert.deepEqual([...offered("run deployment attach live container image")].toSorted(), [
    "attachContainer", "copyId", "copyScoringUri", "openLog", "openSpec", "removeDeployment", "restartDeployment", "saveConfiguration",
    "sendRequest", "showAnswers", "showRun", "startDebugger", "startDebugpy", "stopDeployment", "whyImage",
  ]);
  assert.deepEqual([...offered("run deployment over image")].filter((command) => /send|stop|cancel|start/.test(command)), ["restartDeployment"]);
});

test("the bundle stays small", () => {
  const bytes = fs.statSync(path.join(ROOT, "dist/extension.js")).size;
  assert.ok(bytes <= 400_000, `dist/extension.js has ${bytes} bytes`);
});
