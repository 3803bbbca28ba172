// Every command of the palette, with nothing open and nothing selected: it asks, says something, or does its work; none
// of them fails.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Story } from "../stories.ts";
import type { Workbench } from "../workbench.ts";
import { nothingIsLeft } from "./ground.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");

interface Manifest {
  contributes: { commands: { command: string; title: string }[]; menus: { commandPalette: { command: string }[] } };
}

/** The titles of what the palette always offers. */
function titles(): string[] {
  const read = <T>(file: string) => JSON.parse(fs.readFileSync(path.join(ROOT, file), "utf8")) as T;
  const { commands, menus } = read<Manifest>("package.json").contributes;
  const english = read<Record<string, string>>("package.nls.json");
  const hidden = new Set(menus.commandPalette.map(({ command }) => command));
  return commands.filter(({ command }) => !hidden.has(command)).map(({ title }) => english[title.replaceAll("%", "")] ?? title);
}

export const palette: Story = {
  locale: "en",
  steps: {
    "with no run, each says so or asks": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.welcome("No runs yet").waitFor();
      await all(vscode);
    },

    "with runs and none selected, each asks which": async (vscode) => {
      await vscode.openFile("learn.yml");
      for (const run of [1, 2]) {
        await vscode.lens("Run").first().click();
        await vscode.row(new RegExp(`^Experiment leaves, ${run} run`)).waitFor();
        await vscode.toast(/is completed/).waitFor();
        await vscode.clearToasts();
      }
      await vscode.command("View: Close All Editors");
      await all(vscode);
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 2),
  },
};

async function all(vscode: Workbench): Promise<void> {
  const failed: string[] = [];
  for (const title of titles()) {
    await vscode.command(`Azure ML: ${title}`);
    await vscode.answered();
    const errors = await vscode.page.locator(".notification-toast", { has: vscode.page.locator(".codicon-error") }).allInnerTexts();
    failed.push(...errors.map((error) => `${title}: ${error}`));
    await vscode.dismiss();
  }
  if (failed.length > 0) {
    throw new Error(failed.join("\n"));
  }
}
