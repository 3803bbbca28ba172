// From an editor with nothing in it to a breakpoint that was hit, along the walkthrough.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { nothingIsLeft } from "./ground.ts";

/** The line of the sample's script that its comment names. */
const MARKED = 12;

export const walkthrough: Story = {
  locale: "en",
  steps: {
    "the walkthrough opens and leads through five steps": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.status().waitFor();
      await vscode.command("Welcome: Open Walkthrough...");
      await vscode.pick("Debug an Azure ML job on this machine");
      for (const step of ["See whether this machine is ready", "Take a sample", "Set a breakpoint", "Debug", "See what the run left"]) {
        await vscode.page.locator(".getting-started-step", { hasText: step }).first().waitFor();
      }
    },

    "the sample is created where the user says, and opens": async (vscode, { project }) => {
      const folder = path.join(path.dirname(project), "new");
      fs.mkdirSync(folder);
      await vscode.command("Azure ML: Create a sample…");
      const input = vscode.page.locator(".quick-input-widget:visible .quick-input-box input");
      await input.waitFor();
      // The folder that is proposed comes a moment after the box, over whatever was typed until then.
      await vscode.page.locator(".quick-input-widget:visible .quick-input-list .monaco-list-row", { hasText: "src" }).waitFor();
      await input.fill(`${folder}/`);
      await vscode.page.locator(".quick-input-widget:visible a.monaco-button", { hasText: "Create the Sample Here" }).click();
      await vscode.page.locator(".explorer-folders-view .monaco-list-row", { hasText: "job.yml" }).waitFor();
    },

    "Debug stops on the line of its script": async (vscode) => {
      await vscode.openFile("train.py");
      await vscode.breakpoint(MARKED);
      await vscode.openFile("job.yml");
      await vscode.lens("Debug").first().click();
      await vscode.stoppedOn(MARKED);
      await vscode.expandLocals();
      await vscode.variable("x, value 0").waitFor();
    },

    "Stop ends it": async (vscode) => {
      await vscode.page.locator(".debug-toolbar a.codicon-debug-stop, a.action-label.codicon-debug-stop").first().click();
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run first steps, cancelled/).waitFor({ timeout: RUN_PATIENCE });
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 1),
  },
};
