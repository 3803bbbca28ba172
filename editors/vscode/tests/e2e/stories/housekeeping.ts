// Everything that may be asked of experiments, runs and images beside debugging: from rows, and from the palette
// with nothing selected.

import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { listRuns } from "../engine.ts";
import { nothingIsLeft } from "./ground.ts";

export const housekeeping: Story = {
  locale: "en",
  steps: {
    "an experiment is created": async (vscode) => {
      await vscode.command("Azure ML: Create experiment");
      await vscode.answer("ferns");
      await vscode.openView("Azure ML Debug");
      await vscode.row("Experiment ferns, 0 runs").waitFor();
    },

    "one without runs can be removed": async (vscode) => {
      await vscode.command("Azure ML: Create experiment");
      await vscode.answer("mosses");
      await vscode.menu(vscode.row("Experiment mosses, 0 runs"), "Remove experiment without runs");
      await vscode.row("Experiment mosses, 0 runs").waitFor({ state: "detached" });
    },

    "a run is started in it": async (vscode) => {
      await vscode.inline(vscode.row("Experiment ferns, 0 runs"), "Run experiment…");
      await vscode.pick("wait.yml");
      await vscode.pick("Local: run");
      await vscode.row("Experiment ferns, 1 run").waitFor();
      await vscode.row(/^Run wait.yml, running/).waitFor({ timeout: RUN_PATIENCE });
    },

    "a shell opens in its container": async (vscode) => {
      await vscode.menu(vscode.row(/^Run wait.yml, running/), "Attach VS Code to the container");
      await vscode.press("The container of wait.yml", "Open Shell in Container");
      const screen = vscode.page.locator(".terminal-wrapper.active .xterm-screen");
      await screen.click();
      await vscode.page.waitForTimeout(1000);
      await vscode.page.keyboard.type("touch /tmp/seen && exit\n");
      await screen.waitFor({ state: "detached" });
    },

    "its log opens from the palette and follows": async (vscode) => {
      await vscode.command("Azure ML: Open log of a run");
      await vscode.pick("wait.yml");
      await vscode.output(/day\s\d+/).last().waitFor();
    },

    "its ID is copied": async (vscode, ground) => {
      await vscode.menu(vscode.row(/^Run wait.yml, running/), "Copy run ID");
      await vscode.page.locator(".statusbar", { hasText: "Copied: " }).waitFor();
      const [run] = listRuns(ground);
      if ((await vscode.clipboard()) !== run?.run) {
        throw new Error(`the clipboard holds ${await vscode.clipboard()} and not ${run?.run}`);
      }
    },

    "the only one that can be cancelled is cancelled without a question": async (vscode) => {
      await vscode.command("Azure ML: Cancel run");
      await vscode.row(/^Run wait.yml, cancelled/).waitFor({ timeout: RUN_PATIENCE });
    },

    "the image says why it is there": async (vscode) => {
      await vscode.expand(vscode.row(/^Images, 1/));
      await vscode.inline(vscode.row(/^Image aml-debug\/env/), "Why this image?");
      await vscode.tab(/\.diff/).waitFor();
      await vscode.line("iniconfig").first().waitFor();
      await vscode.command("Azure ML: Why this image?");
      await vscode.pick("aml-debug/env");
    },

    "an image in use stays": async (vscode) => {
      await vscode.inline(vscode.row(/^Images, 1/), "Remove unused images…");
      await vscode.toast("Every image is in use").waitFor();
      await vscode.clearToasts();
    },

    "its specification opens": async (vscode) => {
      await vscode.menu(vscode.row(/^Run wait.yml, cancelled/), "Open specification of a run");
      await vscode.tab("wait.yml").waitFor();
    },

    "another specification is run and leaves a file": async (vscode) => {
      await vscode.openFile("job.yml");
      await vscode.command("Azure ML: Run the specification on this machine");
      await vscode.row(/^Run measure leaves, completed/).waitFor({ timeout: RUN_PATIENCE });
      await vscode.command("Azure ML: Open output of a run");
      await vscode.pick("measure leaves");
      await vscode.pick("total.txt");
      await vscode.tab("total.txt").waitFor();
    },

    "what was submitted is submitted again": async (vscode) => {
      await vscode.menu(vscode.row(/^Run measure leaves, completed/), "Submit the specification of a run again");
      await vscode.pick("Local: run");
      await vscode.row("Experiment leaves, 2 runs").waitFor();
      await vscode.row(/^Run measure leaves, completed/).nth(1).waitFor({ timeout: RUN_PATIENCE });
      await vscode.clearToasts();
    },

    "a launch.json entry is written": async (vscode) => {
      await vscode.menu(vscode.row(/^Run measure leaves, completed/).first(), "Write launch.json entry");
      await vscode.press("was written", "Open launch.json");
      await vscode.tab("launch.json").waitFor();
      await vscode.line('"debugpy"').first().waitFor();
    },

    "a run is removed for good": async (vscode) => {
      await vscode.menu(vscode.row(/^Run wait.yml, cancelled/), "Remove run");
      await vscode.confirm("Remove");
      await vscode.row("Experiment ferns, 0 runs").waitFor();
      await vscode.command("Azure ML: Remove experiment without runs");
      await vscode.pick("ferns");
      await vscode.row("Experiment ferns, 0 runs").waitFor({ state: "detached" });
    },

    "the machine is looked over": async (vscode) => {
      await vscode.command("Azure ML: Check this machine (doctor)");
      await vscode.toast(/Show Details/).waitFor();
      await vscode.clearToasts();
      await vscode.command("Azure ML: Show the log of the debugger");
      await vscode.output("engine:").first().waitFor();
    },

    "restarted, it lists what it listed": async (vscode) => {
      await vscode.command("Azure ML: Restart the debug sidecar");
      await vscode.command("Azure ML: Refresh runs");
      await vscode.row(/^Run measure leaves, completed/).first().waitFor();
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 2),
  },
};
