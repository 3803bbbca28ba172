// The first flow of the published page, step by step: an experiment, a run configuration made by the wizard, submitted,
// debugged, run again.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { nothingIsLeft, PRODUCT } from "./ground.ts";

export const publishedPage: Story = {
  locale: "en",
  steps: {
    "Create experiment": async (vscode, { project }) => {
      // An environment that no other story has built.
      const conda = path.join(project, "conda.yml");
      fs.writeFileSync(conda, fs.readFileSync(conda, "utf8").replace("iniconfig", "idna"));
      await vscode.openFile("src/measure.py");
      await vscode.breakpoint(PRODUCT);
      await vscode.openView("Azure ML Debug");
      await vscode.command("Azure ML: Create experiment");
      await vscode.answer("greenhouse");
      await vscode.row("Experiment greenhouse, 0 runs").waitFor();
    },

    "Run experiment asks for a configuration": async (vscode) => {
      await vscode.inline(vscode.row("Experiment greenhouse, 0 runs"), "Run experiment…");
      await vscode.pick("New run configuration…");
      await vscode.option("A curated environment…").waitFor();
    },

    "the wizard asks for environment, script, data set and debugpy": async (vscode) => {
      await vscode.pick("conda.yml");
      await vscode.pick("src/measure.py");
      await vscode.pick("No data set");
      await vscode.option("Add debugpy").waitFor();
      await vscode.pick("Skip");
      await vscode.answer("leaf.job.yml");
    },

    "the file opens and has no mistake": async (vscode, { project }) => {
      await vscode.tab("leaf.job.yml").waitFor();
      await vscode.toast("leaf.job.yml is ready").waitFor();
      await vscode.lens("Submit experiment").first().waitFor();
      const written = fs.readFileSync(path.join(project, "leaf.job.yml"), "utf8");
      for (const part of ["experiment_name: greenhouse", "command: python src/measure.py", "conda_file: conda.yml"]) {
        if (!written.includes(part)) {
          throw new Error(`the file lacks ${part}:\n${written}`);
        }
      }
      if ((await vscode.page.locator(".squiggly-error").count()) > 0) {
        throw new Error("the file has a mistake");
      }
    },

    "Submit experiment starts it on this machine, and the build log is visible": async (vscode) => {
      await vscode.press("leaf.job.yml is ready", "Submit Experiment");
      await vscode.pick("Local: debug");
      await vscode.page.locator(".part.panel", { hasText: "60_control_log.txt" }).waitFor();
      await vscode.output("idna").first().waitFor({ timeout: RUN_PATIENCE });
    },

    "it stops on the line, with its variables": async (vscode) => {
      await vscode.stoppedOn(PRODUCT);
      await vscode.expandLocals();
      await vscode.variable("height, value 10").waitFor();
    },

    "a step, and it goes on to its end": async (vscode) => {
      await vscode.page.keyboard.press("F10");
      await vscode.stoppedOn(PRODUCT + 1);
      await vscode.variable("product, value 10").waitFor();
      await vscode.page.keyboard.press("F5");
      await vscode.toast(/is completed/).waitFor({ timeout: RUN_PATIENCE });
      await vscode.clearToasts();
    },

    "logs and outputs are under the run": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.expand(vscode.row("Experiment greenhouse, 1 run"));
      await vscode.expand(vscode.row(/^Run leaf.job.yml, completed/));
      await vscode.expand(vscode.row(/^Outputs/));
      await vscode.expand(vscode.row(/^Logs/));
      await vscode.row(/total\.txt/).waitFor();
      await vscode.row(/60_control_log\.txt/).waitFor();
    },

    "a rerun does not build again": async (vscode) => {
      await vscode.inline(vscode.row(/^Run leaf.job.yml, completed/), "Rerun");
      await vscode.stoppedOn(PRODUCT);
      await vscode.openView("Azure ML Debug");
      const paused = vscode.row(/^Run leaf.job.yml, paused/);
      await vscode.expand(paused);
      // Its own stand above those of the run below, as soon as they are there.
      await vscode.row(/^Phases/).nth(1).waitFor();
      await vscode.expand(vscode.row(/^Phases/).first());
      await vscode.row(/^Image, ok, .*(reused|as it is)/).first().waitFor();
    },

    "another is cancelled": async (vscode) => {
      await vscode.inline(vscode.row(/^Run leaf.job.yml, paused/), "Cancel run");
      await vscode.row(/^Run leaf.job.yml, cancelled/).waitFor({ timeout: RUN_PATIENCE });
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 2),
  },
};
