// The strings that a user meets on the way to a breakpoint, in Japanese.

import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { PRODUCT } from "./ground.ts";

export const japanese: Story = {
  locale: "ja",
  steps: {
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
      await vscode.row(/^イメージ, /).waitFor();
    },

    "so does its end": async (vscode) => {
      await vscode.command("Azure ML: 実行をキャンセル");
      await vscode.row(/キャンセル済み/).waitFor({ timeout: RUN_PATIENCE });
    },
  },
};
