// What each row, title and file offers, in the order in which it stands there.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Locator } from "playwright-core";
import type { Story } from "../stories.ts";
import type { Workbench } from "../workbench.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { nothingIsLeft } from "./ground.ts";

const EXAMPLES = path.resolve(import.meta.dirname, "../../../../../examples");

export const menus: Story = {
  locale: "en",
  steps: {
    "the title of the view": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.welcome("No runs yet").waitFor();
      const icons = vscode.page.locator(".sidebar .composite.title .title-actions a.action-label");
      const names = await icons.evaluateAll((found) => found.map((icon) => icon.getAttribute("aria-label") ?? ""));
      same(names.slice(0, 3), ["Create experiment…", "Run experiment…", "Refresh runs"]);
      await icons.last().click();
      has(await entries(vscode), [
        "New run configuration…",
        "Deploy on this machine",
        "Deploy image…",
        "Attach to a step on a node…",
        "Remove unused images…",
        "Check this machine (doctor)",
        "Show the log of the debugger",
        "Restart the debug sidecar",
      ]);
    },

    "a file in the explorer, though nobody has opened it": async (vscode) => {
      await vscode.openView("Explorer");
      const file = inExplorer(vscode);
      // What files are is known a moment after the window is there.
      await offers(vscode, file("learn.yml"), ["Run the specification on this machine", "Debug the specification or script on this machine"]);
      const ofConda = await offered(vscode, file("conda.yml"));
      if (ofConda.some((entry) => entry.includes("specification"))) {
        throw new Error(`a conda file offers ${ofConda.join(", ")}`);
      }
    },

    "a pipeline, a deployment and a script that came while the window was open": async (vscode, { project }) => {
      for (const example of ["pipeline", "iris-endpoint"]) {
        fs.cpSync(path.join(EXAMPLES, example), project, { recursive: true });
      }
      const file = inExplorer(vscode);
      await file("deployment.yml").waitFor();
      // What these files are is found out a moment after they are there.
      await offers(vscode, file("pipeline.yml"), ["Debug steps of a pipeline…", "Prepare debug variant…"]);
      await offers(vscode, file("deployment.yml"), ["Deploy on this machine", "Debug deployment"]);
      fs.writeFileSync(path.join(project, "alone.py"), "print()\n");
      await offers(vscode, file("alone.py"), ["Add or take out remote debugging"]);
    },

    "what the explorer offers goes by the file that it is taken from": async (vscode) => {
      const file = inExplorer(vscode);
      await vscode.menu(file("pipeline.yml"), "Debug steps of a pipeline…");
      await vscode.option("evaluate").waitFor();
      await vscode.dismiss();
      await vscode.menu(file("pipeline.yml"), "Prepare debug variant…");
      await vscode.option("evaluate").waitFor();
      await vscode.dismiss();
      await vscode.menu(file("alone.py"), "Add or take out remote debugging");
      await vscode.toast(/Add remote debugging to alone\.py|alone\.py has nothing to change/).waitFor();
      await vscode.clearToasts();
      await vscode.command("View: Close All Editors");
      await vscode.openView("Explorer");
      await vscode.menu(file("learn.yml"), "Run the specification on this machine");
      await vscode.toast(/learn\.yml is completed/).waitFor({ timeout: RUN_PATIENCE });
      await vscode.clearToasts();
    },

    "the title of an editor with a deployment": async (vscode) => {
      const title = vscode.page.locator(".editor-group-container .editor-actions");
      await vscode.openFile("deployment.yml");
      await title.locator('a.action-label[aria-label^="Debug deployment"]').waitFor();
      await title.locator(".dropdown-action-container .codicon-chevron-down, .dropdown-action-container .codicon-drop-down-button").first().click();
      has(await entries(vscode), ["Debug deployment", "Deploy on this machine"]);
    },

    "the title of an editor with a specification": async (vscode) => {
      await vscode.openFile("learn.yml");
      await vscode.lens("Run").first().waitFor();
      const title = vscode.page.locator(".editor-group-container .editor-actions");
      await title.locator('a.action-label[aria-label^="Debug the specification or script on this machine"]').waitFor();
      await title.locator(".dropdown-action-container .codicon-chevron-down, .dropdown-action-container .codicon-drop-down-button").first().click();
      has(await entries(vscode), ["Debug the specification or script on this machine", "Run the specification on this machine"]);
    },

    "the workspace and an experiment": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run learn.yml, completed/).waitFor({ timeout: RUN_PATIENCE });
      await offersJust(vscode, vscode.row(/^Workspace local/), ["Create experiment…", "Run experiment…", "New run configuration…"]);
      await offersJust(vscode, vscode.row("Experiment leaves, 1 run"), ["Run experiment…", "New run configuration…"]);
      await vscode.page.locator('.sidebar .composite.title .title-actions a.action-label[aria-label^="Create experiment…"]').click();
      await vscode.answer("ferns");
      await offersJust(vscode, vscode.row("Experiment ferns, 0 runs"), ["Run experiment…", "New run configuration…", "Remove experiment without runs"]);
    },

    "a run that is over": async (vscode) => {
      await offersJust(vscode, vscode.row(/^Run learn.yml, completed/), [
        "Start debugger",
        "Rerun",
        "Submit the specification of a run again",
        "Open page of a run",
        "Open log of a run",
        "Open output of a run",
        "Open specification of a run",
        "Why this image?",
        "Copy run ID",
        "Write launch.json entry for a run",
        "Remove run",
      ]);
      same(await icons(vscode.row(/^Run learn.yml, completed/)), ["Start debugger", "Rerun"]);
    },

    "its log, its output and its image": async (vscode) => {
      await vscode.expand(vscode.row(/^Run learn.yml, completed/));
      await vscode.expand(vscode.row(/^Logs/));
      await offersJust(vscode, vscode.row(/70_driver_log\.txt/), ["Open log of a run"]);
      // The run has shown its control log by itself, so another one comes first.
      for (const name of ["70_driver_log.txt", "60_control_log.txt"]) {
        await vscode.menu(vscode.row(name), "Open log of a run");
        await vscode.page.waitForFunction((name) =>
          [...document.querySelectorAll<HTMLSelectElement>(".part.panel select")].some((select) => select.selectedOptions[0]?.text.startsWith(name)),
          name,
        );
      }
      // Its last line says that the image was built, or that it was there.
      await vscode.page.locator(".part.panel .view-lines", { hasText: /aml-debug\/env:\S+\s(in|has)\s/ }).waitFor();
      await vscode.expand(vscode.row(/^Outputs/));
      await offersJust(vscode, vscode.row(/weather\.csv/), ["Open output of a run"]);
      await vscode.menu(vscode.row(/weather\.csv/), "Open output of a run");
      await vscode.tab("weather.csv").waitFor();
      await offersJust(vscode, vscode.row(/^Images, 1/), ["Remove unused images…"]);
      await vscode.expand(vscode.row(/^Images, 1/));
      await offersJust(vscode, vscode.row(/^Image aml-debug\/env/), ["Why this image?"]);
      same(await icons(vscode.row(/^Image aml-debug\/env/)), ["Why this image?"]);
    },

    "a run that is under way": async (vscode) => {
      await vscode.openFile("wait.yml");
      await vscode.lens("Run").first().waitFor();
      const title = vscode.page.locator(".editor-group-container .editor-actions");
      await title.locator(".dropdown-action-container .codicon-chevron-down, .dropdown-action-container .codicon-drop-down-button").first().click();
      const run = vscode.page.locator(".monaco-menu .action-item", { hasText: "Run the specification on this machine" });
      await run.waitFor();
      // A menu ignores the mouse for its first tenth of a second.
      await vscode.page.waitForTimeout(200);
      await run.click();
      // It stays open where what it stands at is drawn anew.
      await vscode.page.keyboard.press("Escape");
      await vscode.row(/^Run wait.yml, running/).waitFor({ timeout: RUN_PATIENCE });
      await offersJust(vscode, vscode.row(/^Run wait.yml, running/), [
        "Cancel run",
        "Open page of a run",
        "Open log of a run",
        "Open output of a run",
        "Open specification of a run",
        "Attach VS Code to the container of a run",
        "Why this image?",
        "Copy run ID",
        "Write launch.json entry for a run",
      ]);
      same(await icons(vscode.row(/^Run wait.yml, running/)), ["Cancel run"]);
      await vscode.inline(vscode.row(/^Run wait.yml, running/), "Cancel run");
      await vscode.row(/^Run wait.yml, cancelled/).waitFor({ timeout: RUN_PATIENCE });
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 2),
  },
};

/** A file of the explorer, by its whole name. */
function inExplorer(vscode: Workbench): (name: string) => Locator {
  const files = vscode.page.locator(".explorer-folders-view .monaco-list-row");
  return (name) => files.filter({ has: vscode.page.getByText(name, { exact: true }) });
}

async function offered(vscode: Workbench, row: Locator): Promise<string[]> {
  await row.click({ button: "right" });
  return entries(vscode);
}

/** Waits until a row offers these among others. */
async function offers(vscode: Workbench, row: Locator, wanted: string[]): Promise<void> {
  let found: string[] = [];
  await vscode.insist(async () => void (found = await offered(vscode, row)), async () => wanted.every((entry) => found.includes(entry)), 20_000);
  has(found, wanted);
}

/** The entries of the menu that is open; it is closed again. */
async function entries(vscode: Workbench): Promise<string[]> {
  const labels = vscode.page.locator(".monaco-menu .action-item:not(.disabled) .action-label:not(.separator)");
  await labels.first().waitFor();
  await vscode.shot("menu");
  const found = await labels.allInnerTexts();
  await vscode.page.keyboard.press("Escape");
  await vscode.page.locator(".monaco-menu").waitFor({ state: "detached" });
  return found.map((label) => label.trim()).filter((label) => label !== "");
}

/** Waits until a row offers these and nothing else: while a view opens, its rows move from under the mouse. */
async function offersJust(vscode: Workbench, row: Locator, wanted: string[]): Promise<void> {
  let found: string[] = [];
  await vscode.insist(async () => void (found = await offered(vscode, row)), async () => found.join("\n") === wanted.join("\n"), 20_000).catch(() => same(found, wanted));
}

async function icons(row: Locator): Promise<string[]> {
  await row.hover();
  const found = row.locator(".actions a.action-label");
  await found.first().waitFor();
  return found.evaluateAll((all) => all.map((icon) => icon.getAttribute("aria-label") ?? ""));
}

function same(found: string[], wanted: string[]): void {
  if (found.join("\n") !== wanted.join("\n")) {
    throw new Error(`offered are ${found.join(", ")}; expected were ${wanted.join(", ")}`);
  }
}

/** As [`same`], among entries of others. */
function has(found: string[], wanted: string[]): void {
  same(found.filter((entry) => wanted.includes(entry)), wanted);
}
