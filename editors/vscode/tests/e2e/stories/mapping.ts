// A breakpoint in another copy of the code than the one that runs: it says why it does not bind, and one click binds it.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { GROWTH, nothingIsLeft } from "./ground.ts";

export const mapping: Story = {
  locale: "en",
  steps: {
    "a breakpoint in another copy does not bind, and the window says why": async (vscode, { project }) => {
      fs.cpSync(path.join(project, "src"), path.join(project, "copy"), { recursive: true });
      await vscode.openFile("copy/grow.py");
      await vscode.breakpoint(GROWTH);
      await vscode.openFile("wait.yml");
      await vscode.lens("Debug").first().click();
      await vscode.toast(/No path mapping covers .*copy\/grow\.py/).waitFor({ timeout: RUN_PATIENCE });
    },

    "the breakpoint itself says so too": async (vscode) => {
      await vscode.openFile("copy/grow.py");
      const mark = vscode.page.locator(".codicon-debug-breakpoint-unverified").first();
      await mark.hover();
      await vscode.page.locator(".monaco-hover", { hasText: "No path mapping covers" }).first().waitFor();
    },

    "Apply Mapping binds it, and the program stops there": async (vscode) => {
      await vscode.press(/No path mapping covers/, "Apply Mapping");
      await vscode.stoppedOn(GROWTH);
      await vscode.tab("grow.py").locator("visible=true").first().waitFor();
      await vscode.expandLocals();
    },

    "Stop ends the run": async (vscode) => {
      await vscode.page.locator(".debug-toolbar a.codicon-debug-stop, a.action-label.codicon-debug-stop").first().click();
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run wait.yml, cancelled/).waitFor({ timeout: RUN_PATIENCE });
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 1),
  },
};
