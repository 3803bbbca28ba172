// A step on a node, for which a process of this machine stands: its script gets the published convention with a preview, a
// pipeline its debug variant, and from the log the editor comes to a stopped line.

import { spawn, execFileSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Story } from "../stories.ts";
import type { Workbench } from "../workbench.ts";

const SCRIPT = `"""Learns to add."""
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, default=0.5)
args = parser.parse_args()
loss = 1.0
for epoch in range(3):
    loss = loss * args.rate
    print("epoch", epoch, loss)
`;

/** As it stands on the published page, with its faults. */
const PASTED = `import argparse
import debugpy
from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument('--remote_debug', action='store_true')
parser.add_argument('--remote_debug_connection_timeout', type=int, default=300)
parser.add_argument('--remote_debug_client_ip', type=str)
parser.add_argument('--remote_debug_port', type=int, default=5724)
args = parser.parse_args()
if args.remote_debug:
    print(f'Timeout for debug connection: {args.remote_debug_connection_timeout}')
    debugpy.listen((args.remote_debug_client_ip, args.remote_debug_port))
    debugpy.wait_for_client()
    print(f'Debugger attached = {debugpy.is_client_connected()}')
`;

let node: ChildProcess | undefined;

export const remote: Story = {
  locale: "en",
  example: "pipeline",
  steps: {
    "the convention is offered for a script, and the edit is shown before it is made": async (vscode, { project }) => {
      fs.writeFileSync(path.join(project, "learn.py"), SCRIPT);
      await vscode.openFile("learn.py");
      await vscode.command("Azure ML: Add or take out remote debugging");
      await vscode.tab("learn.py: with remote debugging").waitFor();
      await vscode.page.locator(".monaco-diff-editor .line-insert").first().waitFor();
      await vscode.toast("Add remote debugging to learn.py?").waitFor();
    },

    "applied, it stands in the script": async (vscode, { project }) => {
      await vscode.press("Add remote debugging to learn.py?", "Apply");
      await vscode.tab("learn.py: with remote debugging").waitFor({ state: "detached" });
      await vscode.line("# >>> aml-debug").first().waitFor();
      await vscode.page.keyboard.press("Control+S");
      await until(() => fs.readFileSync(path.join(project, "learn.py"), "utf8").includes("remote_debug_connection_timeout"));
    },

    "a log that never says it is left again": async (vscode, { project }) => {
      fs.writeFileSync(path.join(project, "quiet.txt"), "nothing yet\n");
      await vscode.command("Azure ML: Attach to a step on a node…");
      await vscode.pick("A log file…");
      await vscode.pick("quiet.txt");
      await firstFolder(vscode);
      await vscode.answer("");
      await vscode.toast("reading its log").waitFor();
      await vscode.toast("reading its log").hover();
      await vscode.press("reading its log", "Cancel");
      await vscode.toast("reading its log").waitFor({ state: "detached" });
    },

    "why a node cannot be reached has a name": async (vscode, { project }) => {
      fs.writeFileSync(path.join(project, "far.txt"), "Timeout for debug connection: 300\nip_address: no-such-node.invalid\n");
      await vscode.command("Azure ML: Attach to a step on a node…");
      await vscode.pick("A log file…");
      await vscode.pick("far.txt");
      await firstFolder(vscode);
      await vscode.answer("");
      await vscode.toast("no-such-node.invalid").locator("a.monaco-button", { hasText: "Try Again" }).waitFor();
    },

    "from the log of the step to a stopped line": async (vscode, { project }) => {
      await vscode.clearToasts();
      await vscode.openFile("learn.py");
      const line = 1 + fs.readFileSync(path.join(project, "learn.py"), "utf8").split("\n").findIndex((text) => text.includes('print("epoch"'));
      await vscode.scrollTo('print("epoch"');
      await vscode.breakpoint(line);
      node = begin(project);
      await vscode.command("Azure ML: Attach to a step on a node…");
      await vscode.pick("A log file…");
      await vscode.pick("70_driver_log.txt");
      await firstFolder(vscode);
      await vscode.answer("learn");
      await vscode.stoppedOn(line);
      await vscode.toast("remote debug (learn)").waitFor();
    },

    "launch.json has an entry for the step": async (vscode) => {
      await vscode.press("remote debug (learn)", "Open launch.json");
      await vscode.line("Azure Machine Learning Compute: remote debug (learn)").first().waitFor();
      await vscode.openFile("learn.py");
      await vscode.expandLocals();
      await vscode.variable("epoch, value 0").waitFor();
    },

    "left, the step goes on to its end": async (vscode, { project }) => {
      await vscode.page.keyboard.press("Shift+F5");
      await vscode.debugging().waitFor({ state: "hidden" });
      await until(() => fs.readFileSync(path.join(project, "70_driver_log.txt"), "utf8").includes("epoch 2"));
      node?.kill();
    },

    "taken out again, the script is as it was": async (vscode, { project }) => {
      await vscode.scrollTo("Learns to add");
      await vscode.line("Learns to add").first().click();
      await vscode.page.keyboard.press("Control+.");
      await vscode.page.locator(".action-widget .monaco-list-row", { hasText: "Take remote debugging out again" }).first().waitFor();
      await vscode.page.waitForTimeout(300);
      await vscode.page.keyboard.press("Enter");
      await vscode.press("Take remote debugging out of learn.py?", "Apply");
      await vscode.line("# >>> aml-debug").first().waitFor({ state: "detached" });
      await vscode.page.keyboard.press("Control+S");
      await until(() => fs.readFileSync(path.join(project, "learn.py"), "utf8") === SCRIPT);
    },

    "code from the published page is warned of, and mended": async (vscode, { project }) => {
      fs.writeFileSync(path.join(project, "pasted.py"), PASTED);
      await vscode.openFile("pasted.py");
      await vscode.page.locator(".squiggly-warning").first().waitFor();
      await vscode.page.locator(".view-line", { hasText: "wait_for_client" }).click();
      await vscode.page.keyboard.press("Control+.");
      await vscode.page.locator(".action-widget .monaco-list-row", { hasText: "Take remote debugging over" }).first().waitFor();
      await vscode.page.waitForTimeout(300);
      await vscode.page.keyboard.press("Enter");
      await vscode.line("# >>> aml-debug").first().waitFor();
      await vscode.page.locator(".squiggly-warning").first().waitFor({ state: "detached" });
    },

    "a pipeline gets a debug variant, shown beside the original": async (vscode, { project }) => {
      await vscode.openFile("pipeline.yml");
      await vscode.command("Azure ML: Prepare debug variant…");
      await vscode.pick("train");
      await vscode.page.keyboard.press("Enter");
      await vscode.answer("600");
      await vscode.tab("pipeline.yml ↔ pipeline.debug.yml").waitFor();
      await vscode.page.locator(".monaco-diff-editor .insert-sign, .monaco-diff-editor .line-insert").first().waitFor();
      await vscode.toast("600").waitFor();
      if (!fs.existsSync(path.join(project, "pipeline.debug.yml"))) {
        throw new Error("there is no variant");
      }
      await vscode.clearToasts();
    },

    "of a distributed step, some ranks only wait": async (vscode, { project }) => {
      const component = path.join(project, "components/train.yml");
      fs.appendFileSync(component, "\ndistribution:\n  type: pytorch\n  process_count_per_instance: 2\n");
      await vscode.openFile("pipeline.yml");
      await vscode.command("Azure ML: Prepare debug variant…");
      await vscode.pick("train");
      await vscode.page.keyboard.press("Enter");
      await vscode.answer("600");
      await vscode.press("600", "Choose Ranks…");
      await vscode.pick("1");
      await vscode.page.keyboard.press("Enter");
      await until(() => /AML_REMOTE_DEBUG_RANK: *"?1"?/.test(fs.readFileSync(path.join(project, "pipeline.debug.yml"), "utf8")));
    },
  },
};

/** The folder of the script in front stands first among the code folders. */
async function firstFolder(vscode: Workbench): Promise<void> {
  await vscode.page.locator('.quick-input-widget:visible input[placeholder^="The code folder"]').waitFor();
  await vscode.option("pipeline").waitFor();
  await vscode.page.keyboard.press("Enter");
  await vscode.page.locator('.quick-input-widget:visible .quick-input-message', { hasText: "The name of the step" }).waitFor();
}

/** The step, as its node runs it: the address is this machine's. */
function begin(project: string): ChildProcess {
  const library = path.join(project, "..", "debugpy");
  fs.mkdirSync(library, { recursive: true });
  execFileSync("tar", ["--extract", "--file", process.env["AML_DEBUG_BUNDLE"] ?? "", "--directory", library]);
  const log = fs.openSync(path.join(project, "70_driver_log.txt"), "w");
  const flags = ["--remote_debug", "--remote_debug_connection_timeout", "120", "--remote_debug_client_ip", "127.0.0.1"];
  const found = fs.readdirSync(library, { recursive: true, encoding: "utf8" }).find((entry) => entry.endsWith(path.join("debugpy", "__init__.py")) && !entry.includes("py38"));
  const home = path.dirname(path.dirname(path.join(library, found ?? "")));
  return spawn("python3", ["learn.py", ...flags], {
    cwd: project,
    stdio: ["ignore", log, log],
    env: { ...process.env, PYTHONPATH: home, PYTHONUNBUFFERED: "1" },
  });
}

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!holds()) {
    if (Date.now() > end) {
      throw new Error("it did not come about");
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
