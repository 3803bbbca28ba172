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

const MENUS: Record<string, string> = {
  "view/title": "title of the view",
  "view/item/context": "row",
  "explorer/context": "file in the explorer",
  "editor/title/run": "title of an editor",
};

/** The table as Markdown, and the commands that no step uses. */
export function table(): { text: string; untested: string[] } {
  const manifest = JSON.parse(read("package.json")) as Manifest;
  const english = JSON.parse(read("package.nls.json")) as Record<string, string>;
  const { commands, menus, configuration } = manifest.contributes;
  const steps = stories();
  const untested: string[] = [];
  const lines = ["| command | where | story: step |", "|---|---|---|"];
  for (const { command, title } of commands) {
    const name = english[title.replaceAll("%", "")] ?? title;
    const hidden = menus["commandPalette"]?.some((entry) => entry.command === command && entry.when === "false");
    const places = Object.entries(MENUS).flatMap(([menu, place]) => {
      const entries = (menus[menu] ?? []).filter((entry) => entry.command === command);
      return entries.length === 0 ? [] : [entries.some(({ group }) => group?.startsWith("inline")) ? `${place} (icon)` : place];
    });
    const uses = steps.filter(({ body }) => isUsed(body, command, name)).map(({ story, name }) => `${story}: ${name}`);
    if (uses.length === 0) {
      untested.push(command);
    }
    lines.push(`| ${name} \`${command}\` | ${[...(hidden ? [] : ["palette"]), ...places].join(", ")} | ${uses.slice(0, 2).join("<br>")} |`);
  }
  lines.push("", "| setting | default |", "|---|---|");
  for (const [setting, { default: value }] of Object.entries(configuration.properties)) {
    lines.push(`| \`${setting}\` | \`${JSON.stringify(value)}\` |`);
  }
  return { text: lines.join("\n"), untested };
}

/** What the line above a spec calls its commands. */
const LENSES: Record<string, string> = { "amlDebug.run": "Run", "amlDebug.debug": "Debug", "amlDebug.check": "Check", "amlDebug.debugStep": "Debug step", "amlDebug.deploy": "Deploy", "amlDebug.sendDocument": "Send to" };

/** A command is used where a helper of the workbench is given its title. */
function isUsed(body: string, command: string, title: string): boolean {
  const quoted = title.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const short = quoted.replace(/…$/, "…?");
  return new RegExp(`"(Azure ML: )?${short}"`).test(body) || body.includes(`lens("${LENSES[command]}")`);
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
