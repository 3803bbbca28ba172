// A scoring script behind its inference server: stopped in, asked, edited, restarted, stopped.

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { listDeployments } from "../engine.ts";
import type { Story } from "../stories.ts";

/** Lines of the example's `score.py`: the model was loaded; the guesses were made. */
const INIT = 18;
const RUN = 26;

/** An environment with scikit-learn is built, where nobody has built it yet. */
const BUILT = 600_000;

export const deployments: Story = {
  locale: "en",
  example: "iris-endpoint",
  steps: {
    "the line above the specification deploys it under the debugger": async (vscode) => {
      await vscode.openFile("src/score.py");
      await vscode.breakpoint(INIT);
      await vscode.breakpoint(RUN);
      await vscode.openFile("deployment.yml");
      await vscode.lens("Deploy").first().waitFor();
      await vscode.lens("Debug").first().click();
      await vscode.stoppedOn(INIT, BUILT);
    },

    "init() knows its variables": async (vscode) => {
      await vscode.expandLocals();
      await vscode.variable("path").waitFor();
    },

    "it goes on, and the tree says that it is healthy": async (vscode) => {
      await vscode.command("Debug: Continue");
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Deployment iris\/blue, healthy/).waitFor();
    },

    "a sample request lies beside the specification": async (vscode) => {
      await vscode.inline(vscode.row(/^Deployment iris\/blue/), "Send request…");
      await vscode.option("GET /swagger.json").waitFor();
      await vscode.pick("sample-request.json");
      await vscode.tab("sample-request.json").waitFor();
    },

    "sent, it stops in run()": async (vscode) => {
      await vscode.lens("Send to").first().click();
      await vscode.stoppedOn(RUN);
      await vscode.webview().getByText("Waiting for the answer").waitFor();
    },

    "continued, the answer stands beside": async (vscode) => {
      await vscode.command("Debug: Continue");
      const page = vscode.webview();
      await page.getByText("200 answered").waitFor();
      await page.getByText('"kind": "setosa"').waitFor();
      await page.getByText("under the debugger").waitFor();
      await page.getByText("Headers").click();
      await page.getByText("application/json").first().waitFor();
    },

    "the request is sent from the explorer and from the title of its editor too": async (vscode) => {
      await vscode.openView("Explorer");
      await vscode.menu(vscode.page.locator(".explorer-folders-view .monaco-list-row", { hasText: "sample-request.json" }), "Send this request");
      await vscode.stoppedOn(RUN);
      await vscode.command("Debug: Continue");
      await vscode.webview().getByText("200 answered").waitFor();
      await vscode.openFile("sample-request.json");
      await vscode.page.locator('.editor-group-container.active .editor-actions a.action-label[aria-label^="Send this request"]').click();
      await vscode.stoppedOn(RUN);
      await vscode.command("Debug: Continue");
      await vscode.webview().getByText("200 answered").waitFor();
    },

    "a saved edit is loaded in place, under the debugger": async (vscode, { project }) => {
      edit(project, 'round(p, 3)', 'round(p, 1)');
      // The new worker runs init() again.
      await vscode.stoppedOn(INIT);
      await vscode.command("Debug: Continue");
      await vscode.webview().getByRole("button", { name: "Send Again" }).click();
      await vscode.stoppedOn(RUN);
      await vscode.command("Debug: Continue");
      await vscode.webview().getByText('"certainty": 0.9', { exact: false }).first().waitFor();
      await vscode.webview().getByText("The last answers").waitFor();
    },

    "a mistake in Python is shown at its line, and the code from before goes on": async (vscode, { project }) => {
      edit(project, "def run(raw_data):", "def run(raw_data:");
      await vscode.page.locator(".squiggly-error").first().waitFor();
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Deployment iris\/blue, .*edit not taken/).waitFor();
      await vscode.page.keyboard.press("Control+Shift+M");
      await vscode.page.locator(".markers-panel", { hasText: "goes on with the code from before" }).waitFor();
    },

    "mended, the mark is gone": async (vscode, { project }) => {
      edit(project, "def run(raw_data:", "def run(raw_data):");
      await vscode.stoppedOn(INIT);
      await vscode.command("Debug: Continue");
      await vscode.page.locator(".squiggly-error").first().waitFor({ state: "detached" });
    },

    "what the server takes and how it is are asked as well": async (vscode) => {
      await vscode.command("Azure ML: Send request…");
      await vscode.pick("GET /swagger.json");
      await vscode.webview().getByText("GET /swagger.json → 200").waitFor();
      await vscode.command("Azure ML: Send request…");
      await vscode.pick("is it healthy?");
      await vscode.webview().getByText("GET / → 200").waitFor();
      await vscode.openView("Azure ML Debug");
      await vscode.expand(vscode.row(/^Deployment iris\/blue/));
      await vscode.expand(vscode.row("Answers"));
      await vscode.row(/^POST \/score, 200/).first().waitFor();
    },

    "its address is copied": async (vscode) => {
      await vscode.menu(vscode.row(/^Deployment iris\/blue/), "Copy scoring URI");
      await vscode.page.locator(".statusbar", { hasText: "Copied: " }).waitFor();
      const uri = await vscode.clipboard();
      const answer = await fetch(new URL("/", uri));
      if (answer.status !== 200) {
        throw new Error(`${uri} answers ${answer.status}`);
      }
    },

    "a second one runs at the same time": async (vscode, ground) => {
      const spec = fs.readFileSync(path.join(ground.project, "deployment.yml"), "utf8").replace("name: blue", "name: green");
      fs.writeFileSync(path.join(ground.project, "green.yml"), spec);
      await vscode.openFile("green.yml");
      await vscode.command("Azure ML: Deploy on this machine");
      await vscode.row(/^Deployment iris\/green, healthy/).waitFor({ timeout: BUILT });
      await vscode.row(/^Deployment iris\/blue, healthy/).waitFor();
      await vscode.clearToasts();
    },

    "the script in front has a button for its deployment": async (vscode) => {
      await vscode.openFile("src/score.py");
      const button = vscode.page.locator('[id="aml-debug.aml-debug.amlDebug.deployment"]');
      await button.filter({ hasText: "healthy" }).click();
      await vscode.option("Send request…").waitFor();
      await vscode.option("Restart deployment").waitFor();
      await vscode.page.keyboard.press("Escape");
      await vscode.command("Azure ML: Deployment of this script");
      await vscode.pick("Open Log");
      await vscode.output("kinds of iris are known").first().waitFor();
    },

    "any text can be a request": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.inline(vscode.row(/^Deployment iris\/green/), "Send request…");
      await vscode.pick("A new request");
      await vscode.page.locator(".editor-group-container.active .tab.active", { hasText: "Untitled" }).waitFor();
      await vscode.page.locator(".editor-instance .monaco-editor.focused").waitFor();
      await vscode.page.evaluate(() => navigator.clipboard.writeText('{"flowers": [[6.3, 3.3, 6.0, 2.5]]}'));
      await vscode.page.keyboard.press("Control+A");
      // Typed, the editor would close every bracket once more.
      await vscode.page.keyboard.press("Control+V");
      await vscode.line("6.3, 3.3, 6.0, 2.5").first().waitFor();
      await vscode.command("Azure ML: Send this request");
      await vscode.webview().getByText('"kind": "virginica"').waitFor();
    },

    "restarted, its server is another": async (vscode) => {
      await vscode.openView("Azure ML Debug");
      await vscode.menu(vscode.row(/^Deployment iris\/green/), "Restart deployment");
      await vscode.row(/^Deployment iris\/green, starting/).waitFor();
      await vscode.row(/^Deployment iris\/green, healthy/).waitFor();
    },

    "after a reload of the window they are still there": async (vscode) => {
      await vscode.reload();
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Deployment iris\/green, healthy/).waitFor();
      await vscode.row(/^Deployment iris\/blue, healthy/).waitFor();
      await vscode.inline(vscode.row(/^Deployment iris\/blue/), "Start debugger");
      await vscode.debugging().waitFor();
      await vscode.openView("Azure ML Debug");
      await vscode.menu(vscode.row(/^Deployment iris\/blue/), "Show answers of a deployment");
      await vscode.webview().getByText("The last answers").waitFor();
    },

    "an image that has all in it is deployed, and launch.json has the published entry": async (vscode, ground) => {
      const image = packaged(ground.project, await imageOf(ground));
      await vscode.command("Azure ML: Deploy image…");
      await vscode.answer(image);
      await vscode.pick("The script of the image");
      await vscode.press("Azure Machine Learning Deployment: Docker Debug", "Open launch.json");
      await vscode.tab("launch.json").waitFor();
      await vscode.line("/var/azureml-app").first().waitFor();
      await vscode.openView("Azure ML Debug");
      await vscode.row(/^Deployment image\/iris-packaged/).waitFor();
    },

    "stopped and removed, nothing is left": async (vscode, ground) => {
      await vscode.inline(vscode.row(/^Deployment iris\/blue/), "Stop deployment");
      await vscode.row(/^Deployment iris\/blue, cancelled/).waitFor();
      await vscode.openView("Explorer");
      await vscode.menu(vscode.page.locator(".explorer-folders-view .monaco-list-row", { hasText: "deployment.yml" }), "Debug deployment");
      await vscode.openFile("src/score.py");
      await vscode.stoppedOn(INIT, BUILT);
      await vscode.openView("Azure ML Debug");
      for (const name of ["iris/blue", "iris/green", "image/iris-packaged"]) {
        await vscode.menu(vscode.row(new RegExp(`^Deployment ${name}`)), "Remove deployment");
        await vscode.confirm("Remove");
        await vscode.row(new RegExp(`^Deployment ${name}`)).waitFor({ state: "detached" });
      }
      nothingIsLeft(ground);
    },
  },
};

function edit(project: string, from: string, to: string): void {
  const script = path.join(project, "src/score.py");
  const text = fs.readFileSync(script, "utf8");
  if (!text.includes(from)) {
    throw new Error(`score.py has no ${from}`);
  }
  fs.writeFileSync(script, text.replace(from, to));
}

/** Fails if the tree or the engine has anything of them. */
function nothingIsLeft(ground: { binary: string; home: string; project: string }): void {
  const known = listDeployments(ground).map(({ run }) => run);
  const ours = ["--filter", `label=aml-debug.code=${path.join(ground.project, "src")}`];
  const left = execFileSync("docker", ["ps", "--all", "--format", "{{.Names}}", ...ours], { encoding: "utf8" }).trim();
  if (known.length > 0 || left !== "") {
    throw new Error(`nothing should be left: ${known.join(", ")} ${left}`);
  }
}

async function imageOf(ground: { binary: string; home: string }): Promise<string> {
  const image = listDeployments(ground).find((deployment) => deployment.image)?.image;
  if (!image) {
    throw new Error("no deployment has an image");
  }
  return image;
}

/** An image as `Model.package()` makes it: code, model and server in it. */
function packaged(project: string, base: string): string {
  const name = "iris-packaged:1";
  const file = [
    `FROM ${base}`,
    "COPY src/score.py /var/azureml-app/score.py",
    "COPY model /var/azureml-app/azureml-models/iris/1/model",
    "ENV AZUREML_ENTRY_SCRIPT=score.py AML_APP_ROOT=/var/azureml-app AZUREML_MODEL_DIR=/var/azureml-app/azureml-models/iris/1",
  ].join("\n");
  fs.writeFileSync(path.join(project, "Dockerfile"), `${file}\n`);
  execFileSync("docker", ["build", "--tag", name, project], { stdio: "ignore", env: { ...process.env, DOCKER_BUILDKIT: "0" } });
  return name;
}
