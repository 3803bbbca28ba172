// Debugging without a launch.json, several sessions at once, Restart and Stop, and two windows that want one run.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Story } from "../stories.ts";
import { RUN_PATIENCE, Workbench } from "../workbench.ts";
import { GROWTH, nothingIsLeft, PRODUCT, standsAgain, statesAre } from "./ground.ts";

let other: Workbench | undefined;

export const debugging: Story = {
  locale: "en",
  steps: {
    "F5 on a job needs no launch.json": async (vscode) => {
      await vscode.openFile("src/measure.py");
      await vscode.breakpoint(PRODUCT);
      await vscode.openFile("job.yml");
      await vscode.lens("Debug").first().waitFor();
      await vscode.page.keyboard.press("F5");
      await vscode.pickUnless("Azure ML", vscode.debugging());
      await vscode.stoppedOn(PRODUCT);
    },

    "Restart starts it anew, as the same run": async (vscode, ground) => {
      await vscode.command("Debug: Restart");
      // VS Code opens its own view at a stop; ours is looked at when that is over.
      await standsAgain(ground);
      await vscode.stoppedOn(PRODUCT);
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run measure leaves, paused/).waitFor({ timeout: RUN_PATIENCE });
    },

    "every job is in the list of configurations": async (vscode, ground) => {
      await vscode.openFile("src/grow.py");
      await vscode.breakpoint(GROWTH);
      await vscode.choose("Debug: Select and Start Debugging", "Azure ML...");
      await vscode.pick("Azure ML: wait.yml");
      await statesAre(ground, "paused paused");
      await vscode.stoppedOn(GROWTH);
    },

    "two sessions stand at two breakpoints": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run measure leaves, paused/).waitFor();
      await vscode.row(/^Run wait.yml, paused/).waitFor();
      await vscode.status().filter({ hasText: "2" }).waitFor();
    },

    "another window sees both runs": async (vscode, { url, project }) => {
      other = await vscode.window(url(project));
      await other.openView("Azure ML Debug");
      await other.row(/^Run wait.yml, paused/).waitFor();
      await other.shot("other-window");
    },

    "it takes one of them over, and is asked first": async (vscode) => {
      if (!other) {
        throw new Error("there is no other window");
      }
      await other.inline(other.row(/^Run wait.yml, paused/), "Start debugger");
      await other.confirm("Take Over");
      await other.openFile("src/grow.py");
      await other.stoppedOn(GROWTH);
      await other.shot("taken-over");
      await vscode.row(/^Run wait.yml, paused/).waitFor();
    },

    "Stop ends each": async (vscode) => {
      await other?.close();
      for (const name of ["wait.yml", "measure leaves"]) {
        await vscode.menu(vscode.row(new RegExp(`^Run ${name}, (paused|running)`)), "Cancel run");
        await vscode.row(new RegExp(`^Run ${name}, (paused|running|stopping)`)).waitFor({ state: "detached", timeout: RUN_PATIENCE });
      }
    },

    "Cancel in the progress of a build ends that run too": async (vscode, ground) => {
      const conda = path.join(ground.project, "conda.yml");
      fs.writeFileSync(conda, fs.readFileSync(conda, "utf8").replace("iniconfig", "packaging"));
      await vscode.clearToasts();
      await vscode.openFile("job.yml");
      await vscode.lens("Debug").first().click();
      await vscode.press("Debugging job.yml", "Cancel");
      await statesAre(ground, "cancelled cancelled cancelled");
      await vscode.toast("Debugging job.yml").waitFor({ state: "detached" });
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 3),
  },
};
