// Specs as a language: what is underlined, mended, offered, explained, and where it leads.

import type { Story } from "../stories.ts";
import type { Workbench } from "../workbench.ts";

export const language: Story = {
  locale: "en",
  steps: {
    "a mistake is underlined as it is typed": async (vscode) => {
      await vscode.openFile("job.yml");
      await vscode.lens("Submit experiment").first().waitFor();
      await below(vscode, "display_name");
      await vscode.page.keyboard.type("comput: local");
      await vscode.page.keyboard.press("Escape");
      await vscode.page.locator(".squiggly-error").first().waitFor();
    },

    "a quick fix mends it": async (vscode) => {
      await vscode.page.keyboard.press("Control+.");
      const action = vscode.page.locator(".action-widget .monaco-list-row", { hasText: "compute" }).first();
      await action.waitFor();
      await vscode.page.waitForTimeout(300);
      await vscode.page.keyboard.press("Enter");
      await vscode.line("compute: local").waitFor();
      await vscode.page.locator(".squiggly-error").first().waitFor({ state: "detached" });
    },

    "keys are offered with their meaning": async (vscode) => {
      await below(vscode, "compute: local");
      await vscode.page.keyboard.type("envi");
      await vscode.offer("environment_variables").waitFor();
      await vscode.page.keyboard.press("Control+Space");
      await vscode.page.locator(".suggest-details", { hasText: "Variables of the command's environment" }).waitFor();
    },

    "an offer is taken": async (vscode) => {
      await vscode.page.keyboard.press("Enter");
      await vscode.line("environment_variables:").waitFor();
      await vscode.page.keyboard.press("Control+Shift+K");
    },

    "inputs are offered where they are bound": async (vscode) => {
      await vscode.page.locator(".view-line", { hasText: "command: python" }).click();
      await vscode.page.keyboard.press("End");
      await vscode.page.keyboard.type(" --again ${{inputs.");
      await vscode.offer("inputs.leaves").waitFor();
      await vscode.page.keyboard.press("Enter");
      await vscode.line("--again ${{inputs.leaves}}").waitFor();
    },

    "a key explains itself": async (vscode) => {
      await vscode.page.locator(".view-line span", { hasText: /^environment$/ }).first().hover();
      await vscode.page.locator(".monaco-hover", { hasText: "What the code runs in" }).first().waitFor();
    },

    "a file that is named is one key away": async (vscode) => {
      await vscode.page.keyboard.press("Escape");
      await vscode.page.locator(".view-line span", { hasText: "conda.yml" }).last().click();
      await vscode.page.keyboard.press("F12");
      await vscode.page.locator(".tab.active", { hasText: "conda.yml" }).waitFor();
    },

    "so is the script of the command": async (vscode) => {
      await vscode.openFile("job.yml");
      await vscode.page.locator(".view-line", { hasText: "command: python" }).click({ position: { x: 150, y: 5 } });
      await vscode.page.keyboard.press("F12");
      await vscode.page.locator(".tab.active", { hasText: "measure.py" }).waitFor();
    },
  },
};

/** A new line below the one that begins so. */
async function below(vscode: Workbench, line: string): Promise<void> {
  await vscode.page.locator(".view-line", { hasText: line }).click();
  await vscode.page.keyboard.press("End");
  await vscode.page.keyboard.press("Enter");
}
