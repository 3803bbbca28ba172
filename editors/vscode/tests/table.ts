// The table of everything that the extension adds to VS Code, with the step of a story that uses it.

import * as fs from "node:fs";
import * as path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "..");

interface Manifest {
  contributes: {
    commands: { command: string; title: string }[];
    menus: Record<string, { command: string; when?: string; group?: string }[]>;
    configuration: { properties: Record<string, { default: unknown }> };
  };
}

/** A step of a story, and the words that stand in it. */
interface Step {
  story: string;
  name: string;
  body: string;
}

/** A menu, and the ways in which a step takes an entry of it or looks for one, the better one first. */
interface Menu {
  name: string;
  uses: ((body: string, title: string) => boolean)[];
}

const takes = (place: string) => (body: string, title: string) => body.includes(place) && new RegExp(`\\bmenu\\(.*"${quoted(title)}"\\)`).test(body);
const looksFor = (entry: string) => (body: string, title: string) => body.includes(entry) && body.includes(`"${title}"`);

const MENUS: Record<string, Menu> = {
  "view/title": { name: "title of the view", uses: [looksFor(".title-actions")] },
  "view/item/context": {
    name: "row",
    uses: [(body, title) => new RegExp(`\\b(menu|inline)\\(.*"${quoted(title)}"\\)`).test(body), looksFor("offersJust(")],
  },
  "explorer/context": { name: "file in the explorer", uses: [takes("Explorer"), looksFor("Explorer")] },
  "editor/title/run": { name: "title of an editor", uses: [looksFor(".editor-actions")] },
};

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The tables as Markdown, and what no test uses. */
export function table(): { text: string; untested: string[] } {
  const manifest = JSON.parse(read("package.json")) as Manifest;
  const english = JSON.parse(read("package.nls.json")) as Record<string, string>;
  const { commands, menus, configuration } = manifest.contributes;
  const steps = stories();
  const untested: string[] = [];
  const tested = (name: string, uses: string[]) => {
    if (uses.length === 0) {
      untested.push(name);
    }
    return uses.slice(0, 2).join("<br>");
  };
  const titles = new Map(commands.map(({ command, title }) => [command, english[title.replaceAll("%", "")] ?? title]));
  const lines = ["| command | in the palette | story: step |", "|---|---|---|"];
  for (const [command, name] of titles) {
    const hidden = menus["commandPalette"]?.find((entry) => entry.command === command);
    const palette = hidden === undefined ? "yes" : hidden.when === "false" ? "no" : `\`${hidden.when}\``;
    const uses = users(steps, command, name);
    lines.push(`| ${name} \`${command}\` | ${palette} | ${tested(command, uses)} |`);
  }
  lines.push("", "| menu | entry | story: step |", "|---|---|---|");
  for (const [menu, place] of Object.entries(MENUS)) {
    for (const command of new Set((menus[menu] ?? []).map(({ command }) => command))) {
      const icon = (menus[menu] ?? []).some((entry) => entry.command === command && /^(inline|navigation)/.test(entry.group ?? ""));
      const name = titles.get(command) ?? command;
      // Where no step looks into the menu itself, one that calls the command in another way says what it does.
      const looked = place.uses.map((use) => steps.filter(({ body }) => use(body, name)).map(nameOf)).find((found) => found.length > 0);
      const uses = looked ?? users(steps, command, name);
      lines.push(`| ${place.name} | ${name}${icon ? " (icon)" : ""} | ${tested(`${menu}: ${command}`, uses)} |`);
    }
  }
  lines.push("", "| setting | default | test |", "|---|---|---|");
  for (const [setting, { default: value }] of Object.entries(configuration.properties)) {
    const told = steps.filter(({ body }) => new RegExp(`${quoted(setting)}\\b`).test(body)).map(nameOf);
    const uses = told.length > 0 ? told : testsInRust(setting);
    lines.push(`| \`${setting}\` | \`${JSON.stringify(value)}\` | ${tested(setting, uses)} |`);
  }
  return { text: lines.join("\n"), untested };
}

const nameOf = ({ story, name }: Step) => `${story}: ${name}`;

/** Tests of how settings are read and what is said of wrong ones. */
const OF_READING = /settings\.rs|answers\.rs/;

/** Tests of the sidecar, which does what most settings say, in which it or the variable of the same meaning is set; of
 * how it is read only where there is no other. */
function testsInRust(setting: string): string[] {
  const variable = `AML_DEBUG_${setting.replace("amlDebug.", "").replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  const found = ["tests/it", "crates/sidecar/src"].flatMap((folder) =>
    fs
      .readdirSync(path.join(ROOT, "../..", folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".rs"))
      .toSorted()
      .flatMap((file) => {
        const text = fs.readFileSync(path.join(ROOT, "../..", folder, file), "utf8");
        const tests = [...text.matchAll(/#\[(?:tokio::)?test[^\]]*\]\s+(?:async )?fn (\w+)/g)];
        const words = new RegExp(file === "settings.rs" ? `${variable}\\b|"${setting.replace("amlDebug.", "")}"` : `${variable}\\b`);
        const uses = tests.filter((test, index) => text.slice(test.index, tests[index + 1]?.index).match(words));
        return uses.map(([, name]) => `\`${folder}/${file}\`: ${name?.replaceAll("_", " ")}`);
      }),
  );
  const others = found.filter((test) => !OF_READING.test(test));
  return others.length > 0 ? others : found;
}

/** What the line above a spec calls its commands. */
const LENSES: Record<string, string> = { "amlDebug.run": "Run", "amlDebug.debug": "Debug", "amlDebug.check": "Check", "amlDebug.debugStep": "Debug step", "amlDebug.deploy": "Deploy", "amlDebug.sendDocument": "Send to" };

/** The steps that give a command; for want of one, those that see it offered. */
function users(steps: Step[], command: string, title: string): string[] {
  const short = quoted(title).replace(/…$/, "…?");
  const called = new RegExp(`(command|choose)\\("Azure ML: ${short}"|(menu|inline)\\(.*"${short}"\\)|row\\("${short}"\\)\\.click|lens\\("${LENSES[command]}"\\)[^;]*\\.click\\(`);
  const offered = new RegExp(`"(Azure ML: )?${short}"|lens\\("${LENSES[command]}"\\)`);
  const of = (use: RegExp) => steps.filter(({ body }) => use.test(body)).map(nameOf);
  const callers = of(called);
  return callers.length > 0 ? callers : of(offered);
}

function stories(): Step[] {
  const folder = path.join(ROOT, "tests/e2e/stories");
  return fs.readdirSync(folder).toSorted().flatMap((file) => {
    const text = fs.readFileSync(path.join(folder, file), "utf8");
    const starts = [...text.matchAll(/^ {4}"([^"]+)": async/gm)];
    return starts.map((start, index) => ({
      story: path.basename(file, ".ts").replaceAll("_", "-"),
      name: start[1] ?? "",
      body: text.slice(start.index, starts[index + 1]?.index),
    }));
  });
}

function read(file: string): string {
  return fs.readFileSync(path.join(ROOT, file), "utf8");
}
