// The processes that a program starts: debugged too where launch.json says so, each below the session of its program;
// and the debugger of the Python extension, where that is installed.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { GROWTH, RESULT, statesAre } from "./ground.ts";

const LAUNCH = {
  version: "0.2.0",
  configurations: [{ name: "A family", type: "aml-debug", request: "launch", spec: "${workspaceFolder}/family.yml", subProcess: true }],
};

export const children: Story = {
  locale: "en",
  debugpy: true,
  steps: {
    "a child stops in a session of its own": async (vscode, { project }) => {
      fs.writeFileSync(path.join(project, ".vscode/launch.json"), JSON.stringify(LAUNCH, null, 2));
      await vscode.openFile("src/family.py");
      await vscode.breakpoint(RESULT);
      await vscode.choose("Debug: Select and Start Debugging", "A family");
      await vscode.stoppedOn(RESULT);
      await vscode.expandLocals();
      await vscode.variable("number, value 7").waitFor();
    },

    "it stands below that of its program": async (vscode) => {
      const sessions = vscode.page.locator('.debug-call-stack .monaco-list-row[aria-label^="Session "], .debug-call-stack .monaco-list-row[aria-label*="Subprocess"]');
      await sessions.nth(1).waitFor();
      const levels = await sessions.evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("aria-level"))));
      if (!(levels[0] === 1 && levels[1] === 2)) {
        throw new Error(`the sessions stand on the levels ${levels.join(", ")}`);
      }
    },

    "continued, both go on to the end": async (vscode) => {
      await vscode.page.keyboard.press("F5");
      await vscode.press(/is completed/, "Open Log");
      await vscode.output(/7\s*times\s*7\s*is\s*49/).first().waitFor();
      await vscode.clearToasts();
    },

    "another run waits for whichever debugger comes": async (vscode) => {
      await vscode.openFile("src/grow.py");
      await vscode.breakpoint(GROWTH);
      await vscode.openFile("wait.yml");
      await vscode.lens("Debug").first().click();
      await vscode.stoppedOn(GROWTH);
      await vscode.command("Debug: Disconnect");
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run wait.yml, running/).waitFor();
    },

    "the debugger of the Python extension attaches to it": async (vscode) => {
      await vscode.menu(vscode.row(/^Run wait.yml, running/), "Start debugger of the Python extension");
      await vscode.stoppedOn(GROWTH);
      await vscode.page.locator(".debug-call-stack .monaco-list-row").first().waitFor();
    },

    "cancelled, it is over": async (vscode) => {
      await vscode.command("Azure ML: Cancel run");
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Run wait.yml, cancelled/).waitFor({ timeout: RUN_PATIENCE });
    },

    "each of several processes has a log of its own": async (vscode, { project }) => {
      const job = fs.readFileSync(path.join(project, "family.yml"), "utf8");
      const ranks = "command: python ranks.py\ndistribution:\n  type: pytorch\n  process_count_per_instance: 2";
      fs.writeFileSync(path.join(project, "ranks.yml"), job.replace("command: python family.py", ranks));
      fs.writeFileSync(path.join(project, "src/ranks.py"), 'import os\n\nprint("this is rank", os.environ["RANK"])\n');
      await vscode.openFile("ranks.yml");
      await vscode.lens("Run").first().click();
      const run = vscode.row(/^Run ranks.yml, completed/);
      await run.waitFor({ timeout: RUN_PATIENCE });
      await vscode.expand(run);
      await vscode.expand(vscode.row(/^Logs/));
      await vscode.row(/std_log_process_0\.txt/).waitFor();
      await vscode.row(/std_log_process_1\.txt/).click();
      await vscode.tab("std_log_process_1.txt").waitFor();
      await vscode.line("this is rank 1").first().waitFor();
    },

    "all runs are over": async (_vscode, ground) => statesAre(ground, "cancelled completed completed"),
  },
};
