// The stories: what a person does and sees, step by step. The names of the steps name the screenshots.

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { RUN_PATIENCE, type Workbench } from "./workbench.ts";

/** What the steps need to know of the place they are in. */
export interface Ground {
  binary: string;
  home: string;
  project: string;
}

export type Story = Record<string, (workbench: Workbench, ground: Ground) => Promise<void>>;

/** The line of `measure.py` that multiplies. */
const PRODUCT = 8;

/** The line of `grow.py` that prints the day. */
const GROWTH = 6;


export const english: Story = {
  "an empty view says what to do": async (vscode) => {
    await vscode.openView("Azure ML Debug");
    await vscode.welcome("No runs yet").waitFor();
    await vscode.page.locator(".welcome-view a.monaco-button", { hasText: "Run experiment" }).waitFor();
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
    await vscode.row(/^Run (measure leaves|wait.yml), paused/).waitFor();
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
      await vscode.expand(vscode.row(group));
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

  "reloaded in the middle of a session, the run goes on": async (vscode) => {
    await vscode.openFile("src/grow.py");
    await vscode.breakpoint(GROWTH);
    await vscode.openFile("wait.yml");
    await vscode.lens("Debug").first().click();
    await vscode.stoppedOn(GROWTH);
    await vscode.page.reload({ waitUntil: "domcontentloaded" });
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
    const run = vscode.row(/^Run wait.yml, running/);
    await vscode.inline(run, "Start debugger");
    await vscode.stoppedOn(GROWTH);
    await vscode.openView("Azure ML Debug");
    await vscode.inline(vscode.row(/^Run wait.yml, paused/), "Cancel run");
    await vscode.row(/^Run wait.yml, (paused|running|stopping)/).waitFor({ state: "detached", timeout: RUN_PATIENCE });
  },

  "nothing is left on the engine": async (_vscode, { binary, home }) => {
    const listed = execFileSync(binary, ["runs", "list", "--json"], { env: { ...process.env, AML_DEBUG_HOME: home }, encoding: "utf8" });
    const runs = listed.split("\n").flatMap((line) => (line.trim() ? [JSON.parse(line) as { run: string; state: string }] : []));
    const states = runs.map(({ state }) => state);
    if (states.length !== 4 || !states.every((state) => state === "completed" || state === "cancelled")) {
      throw new Error(`four runs should be over: ${states.join(", ")}`);
    }
    const containers = execFileSync("docker", ["ps", "--all", "--format", "{{.Names}}"], { encoding: "utf8" });
    const left = runs.filter(({ run }) => containers.includes(run));
    if (left.length > 0) {
      throw new Error(`containers should be gone: ${left.map(({ run }) => run).join(", ")}`);
    }
  },
};

export const japanese: Story = {
  "the words of the view are japanese": async (vscode) => {
    await vscode.openView("Azure ML デバッグ");
    await vscode.welcome("実行はまだありません").waitFor();
  },

  "the code lenses are japanese": async (vscode) => {
    await vscode.openFile("job.yml");
    for (const title of ["実行", "デバッグ", "検査"]) {
      await vscode.lens(title).first().waitFor();
    }
  },

  "a debugged job speaks japanese": async (vscode) => {
    await vscode.openFile("src/measure.py");
    await vscode.breakpoint(PRODUCT);
    await vscode.openFile("job.yml");
    await vscode.lens("デバッグ").first().click();
    await vscode.stoppedOn(PRODUCT);
    await vscode.openView("Azure ML デバッグ");
    const run = vscode.row(/一時停止中/);
    await vscode.expand(run);
    await vscode.expand(vscode.row("フェーズ"));
    await vscode.row(/イメージ/).waitFor();
  },

  "so does its end": async (vscode) => {
    await vscode.command("Azure ML: 実行を取り消し");
    await vscode.row(/取り消し済み/).waitFor({ timeout: RUN_PATIENCE });
  },
};


/** The process that serves this window: ours alone has this home folder. */
function sidecarOf(home: string): number {
  for (const entry of fs.readdirSync("/proc")) {
    const of = (file: string) => {
      try {
        return fs.readFileSync(`/proc/${entry}/${file}`, "utf8").split("\0");
      } catch {
        return [];
      }
    };
    if (/^\d+$/.test(entry) && of("cmdline")[1] === "serve" && of("environ").includes(`AML_DEBUG_HOME=${home}`)) {
      return Number(entry);
    }
  }
  throw new Error("no sidecar serves this window");
}
