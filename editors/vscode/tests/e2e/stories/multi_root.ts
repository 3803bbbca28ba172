// A window with two folders that hold files of the same names.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Ground, Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { GROWTH, nothingIsLeft } from "./ground.ts";

/** The file that lists both folders. */
function both({ project }: Ground): string {
  const scratch = path.dirname(project);
  fs.cpSync(project, path.join(scratch, "meadow"), { recursive: true });
  const file = path.join(scratch, "both.code-workspace");
  fs.writeFileSync(file, JSON.stringify({ folders: [{ path: "leaves" }, { path: "meadow" }] }));
  return file;
}

export const multiRoot: Story = {
  locale: "en",
  opens: both,
  steps: {
    "jobs are named with their folder": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.command("Azure ML: Run experiment…");
      await vscode.option("leaves/wait.yml").waitFor();
      await vscode.option("meadow/wait.yml").waitFor();
      await vscode.page.keyboard.press("Escape");
    },

    "each folder has its debug configurations": async (vscode, { project }) => {
      await vscode.openFile(path.join(path.dirname(project), "meadow/src/grow.py"));
      await vscode.breakpoint(GROWTH);
      await vscode.choose("Debug: Select and Start Debugging", "Azure ML...");
      await vscode.option("wait.yml").waitFor();
      await vscode.shot("configurations");
      const names = await vscode.page.locator(".quick-input-widget:visible .monaco-list-row").evaluateAll((rows) => rows.map((row) => row.getAttribute("aria-label") ?? ""));
      if (names.filter((name) => name.includes("wait.yml")).length !== 2) {
        throw new Error(`each job should be offered once: ${names.join(", ")}`);
      }
      const entry = vscode.page.locator(".quick-input-widget:visible .monaco-list-row", { hasText: "wait.yml" }).filter({ hasText: "meadow" }).first();
      await entry.click();
    },

    "the one of the second folder stops in the second folder's file": async (vscode) => {
      await vscode.stoppedOn(GROWTH);
      const shown = await vscode.page.locator(".tab.active").first().getAttribute("data-resource-name");
      const folders = await vscode.page.locator(".breadcrumbs-control").first().innerText();
      if (shown !== "grow.py" || !folders.includes("meadow")) {
        throw new Error(`it stands in ${shown}: ${folders}`);
      }
    },

    "Stop ends the run": async (vscode) => {
      await vscode.page.locator(".debug-toolbar a.codicon-debug-stop, a.action-label.codicon-debug-stop").first().click();
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run wait.yml, cancelled/).waitFor({ timeout: RUN_PATIENCE });
    },

    "the wizard asks for the folder, and writes into it": async (vscode, { project }) => {
      await vscode.command("Azure ML: New run configuration…");
      await vscode.pick("meadow");
      await vscode.pick("meadow/conda.yml");
      await vscode.pick("src/grow.py");
      await vscode.pick("No data set");
      await vscode.pick("Skip");
      await vscode.answer("grow.job.yml");
      await vscode.tab("grow.job.yml").waitFor();
      if (!fs.existsSync(path.join(path.dirname(project), "meadow/grow.job.yml"))) {
        throw new Error("the file is not in the folder that was chosen");
      }
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 1),
  },
};
