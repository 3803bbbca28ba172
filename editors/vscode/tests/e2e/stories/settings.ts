// Settings of the user, with no variable in their place: each is seen to take effect.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Ground, Story } from "../stories.ts";
import { containersOf, listRuns } from "../engine.ts";
import { needed } from "../needed.ts";
import { RUN_PATIENCE } from "../workbench.ts";

/** The line of `measure.py` that calls into the library. */
const CALL = 15;

const set = ({ home, binary }: Ground) => ({
  "amlDebug.path": binary,
  "amlDebug.home": home,
  "amlDebug.bundle": needed("AML_DEBUG_BUNDLE"),
  "amlDebug.imageRewrite": needed("AML_DEBUG_IMAGE_REWRITE").split(","),
  "amlDebug.keepWarm": 0,
  "amlDebug.log": "debug",
  "amlDebug.justMyCode": false,
});

export const settings: Story = {
  locale: "en",
  settings: set,
  steps: {
    "a program that is not there is missed, and the view says what to do": async (vscode, ground) => {
      await vscode.openView("Azure ML Debug");
      await vscode.welcome("No runs yet").waitFor();
      ground.set({ ...set(ground), "amlDebug.path": "/nowhere/aml-debug" });
      await vscode.welcome("was not found or does not fit").waitFor();
      await vscode.page.locator(".welcome-view a.monaco-button", { hasText: "Choose the program" }).waitFor();
      await vscode.command("Azure ML: Run experiment…");
      await vscode.toast("There is no program /nowhere/aml-debug").locator("a.monaco-button", { hasText: "Choose the Program" }).waitFor();
      await vscode.clearToasts();
    },

    "named rightly, it serves again": async (vscode, ground) => {
      ground.set(set(ground));
      await vscode.welcome("No runs yet").waitFor();
    },

    "a container engine that is not there is named, with the way to look into it": async (vscode, ground) => {
      ground.set({ ...set(ground), "amlDebug.dockerHost": "unix:///nowhere/docker.sock" });
      // The sidecar is started anew with what is set now, and nothing in the window says when that is done.
      await vscode.insist(async () => {
        await vscode.clearToasts();
        await vscode.command("Azure ML: Check this machine (doctor)");
        await vscode.toast(/Show Details|ended before it answered/).first().waitFor();
      }, async () => (await vscode.toast("/nowhere/docker.sock").count()) > 0);
      await vscode.clearToasts();
      ground.set(set(ground));
      await vscode.welcome("No runs yet").waitFor();
    },

    "a run stands in the home folder, on an image from where images are taken": async (vscode, ground) => {
      await vscode.openFile("src/measure.py");
      await vscode.breakpoint(CALL);
      await vscode.openFile("job.yml");
      await vscode.lens("Debug").first().click();
      await vscode.stoppedOn(CALL);
      const [run] = listRuns(ground);
      if (!run || !fs.existsSync(path.join(ground.home, "store.sqlite"))) {
        throw new Error("the run is not where amlDebug.home says");
      }
      if (run.image === undefined) {
        throw new Error("it has no image, though amlDebug.imageRewrite names a base, and amlDebug.bundle a debugpy");
      }
    },

    "library code is stepped into, since amlDebug.justMyCode is off": async (vscode) => {
      await vscode.page.keyboard.press("F11");
      await vscode.tab("argparse.py").waitFor();
      await vscode.page.locator(".debug-call-stack .monaco-list-row", { hasText: "parse_args" }).waitFor();
      // The editor that has just opened may still take the focus, and a key goes where nobody hears it.
      await vscode.command("Debug: Continue");
      await vscode.toast(/is completed/).waitFor({ timeout: RUN_PATIENCE });
      await vscode.clearToasts();
    },

    "no container is kept, since amlDebug.keepWarm is 0": async (_vscode, ground) => {
      const left = containersOf(listRuns(ground));
      if (left.length > 0) {
        throw new Error(`amlDebug.keepWarm is 0, and there are ${left.join(", ")}`);
      }
    },

    "the log says what amlDebug.log asks for": async (vscode) => {
      await vscode.command("Azure ML: Show the log of the debugger");
      await vscode.output("DEBUG").first().waitFor();
    },
  },
};
