// The other ways through the wizard of the published page: each kind of environment, a data set, debugpy, and a run
// configuration of SDK v1, which is submitted and runs.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Story } from "../stories.ts";
import { RUN_PATIENCE, type Workbench } from "../workbench.ts";
import { nothingIsLeft } from "./ground.ts";

const ENVIRONMENT = `$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json
name: beds
image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1
conda_file: conda.yml
`;

/** What is answered where a way has nothing else to say. */
const USUAL = ["src/measure.py", "No data set", "Skip"];

export const wizard: Story = {
  locale: "en",
  steps: {
    "an image, and a data set": async (vscode, { project }) => {
      await begin(vscode, "An image…");
      await vscode.answer("python:3.11-slim");
      await vscode.pick("src/measure.py");
      await vscode.pick("A data set…");
      await vscode.answer("src");
      await vscode.option("Skip").waitFor();
      if (await vscode.option("Add debugpy").isVisible()) {
        throw new Error("nothing can be added to an image, and it is offered");
      }
      await vscode.pick("Skip");
      await isWritten(vscode, project, "image.job.yml", ["image: python:3.11-slim", "--data ${{inputs.data}}", "type: uri_folder", "path: src"]);
    },

    "a curated environment": async (vscode, { project }) => {
      await begin(vscode, "A curated environment…");
      await vscode.answer("AzureML-sklearn-1.5");
      await pickAll(vscode, USUAL);
      await isWritten(vscode, project, "curated.job.yml", ["environment: azureml:AzureML-sklearn-1.5@latest"]);
    },

    "a Dockerfile, which is its folder's": async (vscode, { project }) => {
      fs.mkdirSync(path.join(project, "beds"));
      fs.writeFileSync(path.join(project, "beds/Dockerfile"), "FROM python:3.11-slim\n");
      await begin(vscode, "beds/Dockerfile");
      await pickAll(vscode, USUAL);
      await isWritten(vscode, project, "built.job.yml", ["path: beds", "dockerfile_path: Dockerfile"]);
    },

    "an environment that has a file": async (vscode, { project }) => {
      fs.writeFileSync(path.join(project, "beds.yml"), ENVIRONMENT);
      await begin(vscode, "beds.yml");
      await pickAll(vscode, USUAL);
      await refuses(vscode, "beds.runconfig", "cannot name the file of an environment");
      await isWritten(vscode, project, "filed.job.yml", ["environment: file:beds.yml"]);
    },

    "a conda file, a copy of which gets debugpy": async (vscode, { project }) => {
      await begin(vscode, "conda.yml");
      await pickAll(vscode, ["src/measure.py", "No data set", "Add debugpy"]);
      await isWritten(vscode, project, "copied.job.yml", ["conda_file: conda.debugpy.yml"]);
      const text = (file: string) => fs.readFileSync(path.join(project, file), "utf8");
      if (!text("conda.debugpy.yml").includes("- debugpy") || text("conda.yml").includes("debugpy")) {
        throw new Error("debugpy belongs into the copy");
      }
    },

    "what is there already stays": async (vscode, { project }) => {
      const before = fs.readFileSync(path.join(project, "job.yml"), "utf8");
      await begin(vscode, "conda.yml");
      await pickAll(vscode, USUAL);
      await refuses(vscode, "job.yml", "job.yml is there already");
      await vscode.dismiss();
      if (fs.readFileSync(path.join(project, "job.yml"), "utf8") !== before) {
        throw new Error("job.yml was written over");
      }
    },

    "broken off, nothing is written": async (vscode, { project }) => {
      const before = fs.readdirSync(project).join(" ");
      await begin(vscode, "conda.yml");
      await vscode.pick("src/measure.py");
      await vscode.option("No data set").waitFor();
      await vscode.dismiss();
      await vscode.answered();
      if (fs.readdirSync(project).join(" ") !== before) {
        throw new Error(`written: ${fs.readdirSync(project).join(" ")}`);
      }
    },

    "a run configuration of SDK v1 is written, submitted and runs": async (vscode, { project }) => {
      await begin(vscode, "conda.yml");
      await pickAll(vscode, USUAL);
      await vscode.answer("leaf.runconfig");
      await vscode.tab("leaf.runconfig").waitFor();
      const text = fs.readFileSync(path.join(project, ".azureml/leaf.runconfig"), "utf8");
      if (!text.includes("script: src/measure.py") || !text.includes("condaDependenciesFile: conda.yml")) {
        throw new Error(text);
      }
      await vscode.press("leaf.runconfig is ready", "Submit Experiment");
      await vscode.pick("Local: run");
      await vscode.toast(/is completed/).waitFor({ timeout: RUN_PATIENCE });
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 1),
  },
};

/** Opens the wizard and answers its first question. A file that has just come is offered a moment later. */
async function begin(vscode: Workbench, environment: string): Promise<void> {
  await vscode.choose("Azure ML: New run configuration…", environment);
}

async function pickAll(vscode: Workbench, answers: string[]): Promise<void> {
  for (const answer of answers) {
    await vscode.pick(answer);
  }
}

/** Types a name that is refused while it is asked for. */
async function refuses(vscode: Workbench, name: string, why: string): Promise<void> {
  const box = vscode.page.locator(".quick-input-widget:visible");
  await box.locator(".quick-input-box input").fill(name);
  await box.locator(".quick-input-message", { hasText: why }).waitFor();
  await vscode.page.keyboard.press("Enter");
  await box.locator(".quick-input-message", { hasText: why }).waitFor();
}

/** Names the file, and waits until it is open, well, and has all of this in it. */
async function isWritten(vscode: Workbench, project: string, name: string, parts: string[]): Promise<void> {
  await vscode.answer(name);
  await vscode.tab(name).waitFor();
  await vscode.toast(`${name} is ready`).waitFor();
  await vscode.lens("Submit experiment").first().waitFor();
  const text = fs.readFileSync(path.join(project, name), "utf8");
  const missing = parts.filter((part) => !text.includes(part));
  if (missing.length > 0 || (await vscode.page.locator(".squiggly-error").count()) > 0) {
    throw new Error(`${name} lacks ${missing.join(", ")}, or has a mistake:\n${text}`);
  }
  await vscode.clearToasts();
}
