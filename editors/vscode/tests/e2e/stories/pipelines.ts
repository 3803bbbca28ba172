// A pipeline: run, stopped in one of its steps with the real output of the step before, a failed step repeated alone; its
// graph and its timeline on the page.

import * as fs from "node:fs";
import * as path from "node:path";
import { listRuns } from "../engine.ts";
import type { Story } from "../stories.ts";

/** The line of `train.py` in `fit` that learns, and that of `evaluate.py` that counts. */
const FIT = 24;
const GUESSES = 17;

/** An environment with scikit-learn is built, where nobody has built it yet. */
const BUILT = 600_000;

const NAME = "iris-prep-train-evaluate";

export const pipelines: Story = {
  locale: "en",
  example: "pipeline",
  steps: {
    "each step has a line of its own": async (vscode) => {
      await vscode.openFile("src/train/train.py");
      await vscode.breakpoint(FIT);
      await vscode.openFile("pipeline.yml");
      await vscode.lens("Debug step").nth(2).waitFor();
    },

    "debugged from there, it stops in train": async (vscode) => {
      await vscode.lens("Debug step").nth(1).click();
      await vscode.stoppedOn(FIT, BUILT);
    },

    "with what prep has written": async (vscode) => {
      await vscode.expandLocals();
      await vscode.variable("sizes").filter({ hasText: "120 rows" }).or(vscode.variable("sizes")).first().waitFor();
      await vscode.command("Debug Console: Focus on Debug Console View");
      await vscode.page.locator(".repl-input-wrapper .monaco-editor").click();
      await vscode.page.keyboard.type("len(flowers)\n");
      await vscode.page.locator(".repl", { hasText: "120" }).waitFor();
    },

    "the page shows the graph while it stands": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.menu(vscode.row(new RegExp(`^Run ${NAME}, running`)), "Open page of a run");
      const page = vscode.webview();
      await page.getByRole("button", { name: /^prep, completed/ }).first().waitFor();
      await page.getByRole("button", { name: /^train, paused/ }).first().waitFor();
      await page.getByLabel(/^evaluate, waiting for its turn/).waitFor();
    },

    "and the tree its steps": async (vscode) => {
      await vscode.expand(vscode.row(new RegExp(`^Run ${NAME}`)));
      await vscode.expand(vscode.row("Steps"));
      await vscode.row(/^Run prep, completed/).waitFor();
      await vscode.row(/^Run train, paused/).waitFor();
      await vscode.row(/^Step evaluate, waiting for its turn/).waitFor();
    },

    "continued, evaluate follows and the timeline is whole": async (vscode) => {
      await vscode.command("Debug: Continue");
      const page = vscode.webview();
      await page.getByRole("button", { name: /^evaluate, completed/ }).first().waitFor({ timeout: BUILT });
      await page.getByText("completed", { exact: true }).first().waitFor();
      await page.getByRole("heading", { name: "Timeline" }).scrollIntoViewIfNeeded();
      await page.getByRole("row", { name: /^evaluate.*completed/ }).waitFor();
    },

    "a node opens the page of its step, by the keyboard too": async (vscode) => {
      const node = vscode.webview().getByRole("button", { name: /^train, completed/ }).first();
      await node.focus();
      await vscode.page.keyboard.press("Enter");
      await vscode.tab(/^train$/).waitFor();
      await vscode.webview().getByRole("button", { name: "Open the Pipeline" }).waitFor();
    },

    "a step that fails is to be seen": async (vscode, { project }) => {
      const script = path.join(project, "src/evaluate/evaluate.py");
      fs.writeFileSync(script, fs.readFileSync(script, "utf8").replace("count = len(flowers)", "count = len(flowers) - 30"));
      await vscode.openFile("pipeline.yml");
      await vscode.lens("Run").first().click();
      await vscode.openView("Azure ML Debug");
      await vscode.row(new RegExp(`^Run ${NAME}, failed`)).waitFor({ timeout: BUILT });
      await vscode.clearToasts();
      await vscode.menu(vscode.row(new RegExp(`^Run ${NAME}, failed`)), "Open page of a run");
      const page = vscode.webview();
      await page.getByLabel(/^prep, completed · result of an earlier run/).first().waitFor();
      await page.getByRole("button", { name: /^evaluate, failed/ }).first().waitFor();
    },

    "it is debugged again alone, with the inputs that it had": async (vscode) => {
      await vscode.openFile("src/evaluate/evaluate.py");
      await vscode.breakpoint(GUESSES);
      await vscode.openView("Azure ML Debug");
      await vscode.expand(vscode.row(new RegExp(`^Run ${NAME}, failed`)));
      const steps = vscode.row("Steps").first();
      await vscode.expand(steps);
      await vscode.inline(vscode.row(/^Run evaluate, failed/).first(), "Debug this step");
      await vscode.stoppedOn(GUESSES, BUILT);
      await vscode.page.keyboard.press("Shift+F5");
      await vscode.debugging().waitFor({ state: "hidden" });
    },

    "several steps are chosen before it starts": async (vscode, { project }) => {
      const script = path.join(project, "src/evaluate/evaluate.py");
      fs.writeFileSync(script, fs.readFileSync(script, "utf8").replace("len(flowers) - 30", "len(flowers)"));
      await vscode.openFile("pipeline.yml");
      await vscode.command("Azure ML: Debug steps of a pipeline…");
      for (const step of ["train", "evaluate"]) {
        await vscode.pick(step);
      }
      await vscode.page.keyboard.press("Enter");
      await vscode.openFile("src/train/train.py");
      await vscode.stoppedOn(FIT, BUILT);
      await vscode.command("Debug: Continue");
      await vscode.openFile("src/evaluate/evaluate.py");
      await vscode.stoppedOn(GUESSES, BUILT);
    },

    "cancelled, all of it ends": async (vscode, ground) => {
      await vscode.openView("Azure ML Debug");
      await vscode.menu(vscode.row(new RegExp(`^Run ${NAME}, running`)), "Cancel run");
      await vscode.row(new RegExp(`^Run ${NAME}, cancelled`)).waitFor();
      // A container may be kept for the next run; those are looked for when the window is closed.
      const live = listRuns(ground).filter(({ state }) => !["completed", "failed", "cancelled"].includes(state));
      if (live.length > 0) {
        throw new Error(`all of it should be over: ${live.map(({ run, state }) => `${run} ${state}`).join(", ")}`);
      }
    },

    "the page can be read in the dark and in high contrast as well": async (vscode) => {
      await vscode.menu(vscode.row(new RegExp(`^Run ${NAME}, completed`)), "Open page of a run");
      for (const [theme, kind] of [["Dark Modern", "vs-dark"], ["Dark High Contrast", "hc-black"], ["Light High Contrast", "hc-light"]] as const) {
        await vscode.command("Preferences: Color Theme");
        await vscode.search(theme);
        await vscode.page.locator(`.monaco-workbench.${kind}`).waitFor();
        await vscode.webview().getByRole("heading", { name: "Graph" }).waitFor();
        await vscode.shot(`theme-${kind}`);
      }
    },
  },
};
