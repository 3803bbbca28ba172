// From an empty view to a breakpoint, a rerun and a cancelled run: the flow of the published page.

import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { nothingIsLeft, PRODUCT } from "./ground.ts";

export const firstRun: Story = {
  locale: "en",
  steps: {
    "an empty view says what to do": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.welcome("No runs yet").waitFor();
      await vscode.page.locator(".welcome-view a.monaco-button", { hasText: "Run experiment" }).waitFor();
    },

    "the status bar says how things are, and leads on": async (vscode) => {
      await vscode.status().hover();
      const hover = vscode.page.locator(".monaco-hover", { hasText: "0 runs under way" });
      for (const link of ["Show runs", "Check this machine", "Restart", "Log"]) {
        await hover.locator("a", { hasText: link }).waitFor();
      }
    },

    "a job shows its code lenses": async (vscode) => {
      await vscode.openFile("job.yml");
      for (const title of ["Run", "Debug", "Check"]) {
        await vscode.lens(title).first().waitFor();
      }
    },

    "a mistake is underlined and named": async (vscode) => {
      await vscode.page.locator(".view-line", { hasText: "display_name" }).click();
      await vscode.page.keyboard.press("End");
      await vscode.page.keyboard.press("Enter");
      await vscode.page.keyboard.type("comand: echo");
      await vscode.page.keyboard.press("Control+S");
      await vscode.page.locator(".squiggly-error").first().waitFor();
      await vscode.command("Problems: Focus on Problems View");
      await vscode.page.locator(".markers-panel .monaco-list-row", { hasText: "comand" }).first().waitFor();
    },

    "mended, the job is well again": async (vscode) => {
      await vscode.page.locator(".view-line", { hasText: "comand" }).click();
      await vscode.page.keyboard.press("Control+Shift+K");
      await vscode.page.keyboard.press("Control+S");
      await vscode.page.locator(".squiggly-error").waitFor({ state: "detached" });
      await vscode.lens("Check").first().click();
      await vscode.toast("nothing to complain about").waitFor();
      await vscode.clearToasts();
    },

    "a breakpoint is set in the script": async (vscode) => {
      await vscode.openFile("src/measure.py");
      await vscode.breakpoint(PRODUCT);
    },

    "one click on Debug builds the image in sight": async (vscode) => {
      await vscode.openFile("job.yml");
      await vscode.lens("Debug").first().click();
      await vscode.page.locator(".part.panel", { hasText: "60_control_log.txt" }).waitFor();
      await vscode.toast("Debugging job.yml").waitFor();
      await vscode.output("iniconfig").first().waitFor({ timeout: RUN_PATIENCE });
    },

    "it stops on the line with its variables": async (vscode) => {
      await vscode.stoppedOn(PRODUCT);
      await vscode.expandLocals();
      await vscode.variable("height, value 10").waitFor();
      await vscode.variable("width, value 1").waitFor();
    },

    "a step goes to the next line": async (vscode) => {
      await vscode.page.keyboard.press("F10");
      await vscode.stoppedOn(PRODUCT + 1);
      await vscode.variable("product, value 10").waitFor();
    },

    "the tree shows the paused run": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run measure leaves, paused/).waitFor();
      await vscode.page.locator('[id="aml-debug.aml-debug.amlDebug.status"]', { hasText: "1" }).waitFor();
    },

    "continued, it comes by again and then runs to its end": async (vscode) => {
      // Opened before it goes on: VS Code opens it at a stop by itself, and a click at that moment closes it.
      await vscode.openView("Run and Debug");
      for (const width of ["2", "3"]) {
        await vscode.page.keyboard.press("F5");
        await vscode.variable(`width, value ${width}`).waitFor();
      }
      await vscode.page.keyboard.press("F5");
      await vscode.toast(/is completed/).waitFor({ timeout: RUN_PATIENCE });
      await vscode.page.locator(".repl", { hasText: "leaf 3: 60 in all" }).waitFor();
      await vscode.clearToasts();
    },

    "phases, logs and outputs are under the run": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.expand(vscode.row(/^Run (measure leaves|wait.yml), completed/));
      for (const group of ["Outputs", "Logs", "Phases"]) {
        await vscode.expand(vscode.row(new RegExp(`^${group}`)));
      }
      await vscode.row(/^Image, ok/).waitFor();
      await vscode.row(/total\.txt/).waitFor();
      await vscode.row(/70_driver_log\.txt/).waitFor();
    },

    "an output opens in the editor": async (vscode) => {
      await vscode.row(/total\.txt/).click();
      await vscode.page.locator(".tab", { hasText: "total.txt" }).waitFor();
      await vscode.page.locator(".editor-instance .view-line", { hasText: "60" }).waitFor();
    },

    "a rerun goes without a build": async (vscode) => {
      const run = vscode.row(/^Run (measure leaves|wait.yml), completed/);
      await vscode.expand(run);
      await vscode.inline(run, "Rerun");
      // It was debugged, so it is debugged again.
      await vscode.stoppedOn(PRODUCT);
    },

    "Stop ends the run": async (vscode) => {
      await vscode.page.locator(".debug-toolbar a.codicon-debug-stop, a.action-label.codicon-debug-stop").first().click();
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run (measure leaves|wait.yml), cancelled/).waitFor({ timeout: RUN_PATIENCE });
      await vscode.clearToasts();
    },

    "another run goes without a debugger and is followed": async (vscode) => {
      await vscode.openFile("wait.yml");
      await vscode.command("Azure ML: Submit experiment");
      await vscode.pick("Local: run");
      await vscode.output("day 3").first().waitFor({ timeout: RUN_PATIENCE });
      await vscode.row(/^Run (measure leaves|wait.yml), running/).waitFor();
    },

    "cancelled, it says so": async (vscode) => {
      await vscode.inline(vscode.row(/^Run (measure leaves|wait.yml), running/), "Cancel run");
      await vscode.row(/^Run (measure leaves|wait.yml), running/).waitFor({ state: "detached", timeout: RUN_PATIENCE });
      const cancelled = vscode.row(/^Run (measure leaves|wait.yml), cancelled/);
      await vscode.page.waitForFunction(() => document.querySelectorAll('.customview-tree [aria-label*=", cancelled"]').length >= 2);
      await cancelled.first().waitFor();
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 3),
  },
};
