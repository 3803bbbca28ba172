// A workspace that nobody has trusted: what it holds is checked, and nothing of it is run.

import type { Story } from "../stories.ts";
import { listRuns } from "../engine.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { nothingIsLeft, PRODUCT } from "./ground.ts";

export const untrusted: Story = {
  locale: "en",
  untrusted: true,
  steps: {
    "the view says what is not done here, and where to change that": async (vscode) => {
      await vscode.page.locator(".part.banner", { hasText: "Restricted Mode" }).waitFor();
      await vscode.openView("Azure ML Debug");
      await vscode.welcome("This workspace is not trusted").waitFor();
      await vscode.page.locator(".welcome-view a.monaco-button", { hasText: "Manage Workspace Trust" }).waitFor();
    },

    "specifications are checked all the same": async (vscode) => {
      await vscode.openFile("job.yml");
      await vscode.lens("Debug").first().waitFor();
      await vscode.page.locator(".view-line", { hasText: "display_name" }).click();
      await vscode.page.keyboard.press("End");
      await vscode.page.keyboard.press("Enter");
      await vscode.page.keyboard.type("comand: echo");
      await vscode.page.locator(".squiggly-error").first().waitFor();
      await vscode.page.keyboard.press("Control+Shift+K");
      await vscode.page.locator(".squiggly-error").waitFor({ state: "detached" });
      await vscode.page.keyboard.press("Control+S");
    },

    "Debug asks for trust first, and without it nothing runs": async (vscode, ground) => {
      await vscode.openFile("src/measure.py");
      await vscode.breakpoint(PRODUCT);
      await vscode.openFile("job.yml");
      await vscode.lens("Debug").first().click();
      await vscode.confirm("Cancel");
      if (listRuns(ground).length > 0) {
        throw new Error("a run was started");
      }
    },

    "trusted, it stops on the line": async (vscode) => {
      await vscode.lens("Debug").first().click();
      await vscode.confirm("Trust Folder & Continue");
      await vscode.stoppedOn(PRODUCT);
      await vscode.page.locator(".part.banner", { hasText: "Restricted Mode" }).waitFor({ state: "hidden" });
    },

    "Stop ends the run": async (vscode) => {
      await vscode.page.locator(".debug-toolbar a.codicon-debug-stop, a.action-label.codicon-debug-stop").first().click();
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run measure leaves, cancelled/).waitFor({ timeout: RUN_PATIENCE });
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 1),
  },
};
