// The page of a run, while it is under way and when it is over.

import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { nothingIsLeft } from "./ground.ts";

export const runPage: Story = {
  locale: "en",
  steps: {
    "it opens from the row and shows the phases": async (vscode) => {
      await vscode.openFile("learn.yml");
      await vscode.lens("Run").first().click();
      await vscode.openView("Azure ML Debug");
      await vscode.menu(vscode.row(/^Run learn.yml/), "Open page of a run");
      const page = vscode.webview();
      await page.getByRole("heading", { name: "learn.yml" }).waitFor();
      await page.getByRole("row", { name: /Start the container/ }).waitFor({ timeout: RUN_PATIENCE });
    },

    "it follows the run to its end": async (vscode) => {
      await vscode.webview().getByText("completed", { exact: true }).waitFor({ timeout: RUN_PATIENCE });
    },

    "metrics are plotted, with their values for whoever cannot see the plot": async (vscode) => {
      const page = vscode.webview();
      await page.getByRole("img", { name: "loss: 5 values from 0.2 to 1, the last one 0.2" }).waitFor();
      await page.getByText("Values").first().click();
      await page.getByRole("cell", { name: "0.5", exact: true }).waitFor();
    },

    "outputs are previewed and open": async (vscode) => {
      const page = vscode.webview();
      await page.getByText("rain, sun").waitFor();
      await page.getByRole("img", { name: "outputs/leaf.svg" }).waitFor();
      await page.getByRole("button", { name: "outputs/weather.csv" }).click();
      await vscode.tab("weather.csv").waitFor();
    },

    "its buttons do what they say": async (vscode) => {
      await vscode.tab("learn.yml").last().click();
      await vscode.webview().getByRole("button", { name: "Rerun" }).click();
      await vscode.row("Experiment leaves, 2 runs").waitFor();
      await vscode.row(/^Run learn.yml, completed/).nth(1).waitFor({ timeout: RUN_PATIENCE });
    },

    "nothing is left on the engine": async (_vscode, ground) => nothingIsLeft(ground, 2),
  },
};
