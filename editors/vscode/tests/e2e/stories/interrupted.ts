// What happens to a run when its window is reloaded, its debugger leaves, its sidecar is killed.

import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { GROWTH, nothingIsLeft, sidecarOf } from "./ground.ts";

export const interrupted: Story = {
  locale: "en",
  steps: {
    "reloaded in the middle of a session, the run goes on": async (vscode) => {
      await vscode.openFile("src/grow.py");
      await vscode.breakpoint(GROWTH);
      await vscode.openFile("wait.yml");
      await vscode.lens("Debug").first().click();
      await vscode.stoppedOn(GROWTH);
      await vscode.reload();
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run wait.yml, (running|paused)/).waitFor({ timeout: RUN_PATIENCE });
    },

    "the play icon brings the debugger back": async (vscode) => {
      await vscode.inline(vscode.row(/^Run wait.yml, (running|paused)/), "Start debugger");
      await vscode.stoppedOn(GROWTH);
    },

    "Disconnect leaves the run": async (vscode) => {
      await vscode.command("Debug: Disconnect");
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run wait.yml, running/).waitFor();
    },

    "a sidecar that is killed comes back and finds its run": async (vscode, { home }) => {
      process.kill(sidecarOf(home), "SIGKILL");
      await vscode.toast("ended unexpectedly").waitFor();
      await vscode.clearToasts();
      await vscode.inline(vscode.row(/^Run wait.yml, running/), "Start debugger");
      await vscode.stoppedOn(GROWTH);
    },

    "killed while paused, it says so, and the run is still paused": async (vscode, { home }) => {
      process.kill(sidecarOf(home), "SIGKILL");
      await vscode.toast("ended unexpectedly").waitFor();
      await vscode.debugging().waitFor({ state: "hidden" });
      await vscode.openView("Azure ML Debug");
      await vscode.inline(vscode.row(/^Run wait.yml, (paused|running)/), "Start debugger");
      await vscode.stoppedOn(GROWTH);
      await vscode.clearToasts();
    },

    "cancelled, it is over": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.inline(vscode.row(/^Run wait.yml, paused/), "Cancel run");
      await vscode.row(/^Run wait.yml, cancelled/).waitFor({ timeout: RUN_PATIENCE });
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 1),
  },
};
