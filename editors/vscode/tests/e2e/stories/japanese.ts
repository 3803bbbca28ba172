// The strings that a user meets on the way to a breakpoint, in Japanese.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Story } from "../stories.ts";
import { RUN_PATIENCE } from "../workbench.ts";
import { PRODUCT } from "./ground.ts";

/** Letters that no English text has. */
const JAPANESE = /[\u3040-\u30ff\u4e00-\u9fff]/;

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

    "a key explains itself in japanese": async (vscode) => {
      await vscode.page.locator(".view-line span", { hasText: /^environment$/ }).first().hover();
      await vscode.page.locator(".monaco-hover", { hasText: "コードを実行する環境" }).first().waitFor();
      await vscode.page.keyboard.press("Escape");
    },

    "a mistake, its fix and what a key means are japanese": async (vscode) => {
      await vscode.page.locator(".view-line", { hasText: "display_name" }).click();
      await vscode.page.keyboard.press("End");
      await vscode.page.keyboard.press("Enter");
      await vscode.page.keyboard.type("comput: local");
      await vscode.page.keyboard.press("Escape");
      await vscode.page.locator(".squiggly-error").first().waitFor();
      await vscode.page.keyboard.press("Control+.");
      await vscode.page.locator(".action-widget .monaco-list-row", { hasText: JAPANESE }).first().waitFor();
      await vscode.page.keyboard.press("Escape");
      await vscode.page.keyboard.press("Control+Shift+K");
      await vscode.page.locator(".squiggly-error").waitFor({ state: "detached" });
      await vscode.lens("検査").first().click();
      await vscode.toast("問題は見つかりませんでした").waitFor();
      await vscode.clearToasts();
    },

    "the machine is looked over in japanese": async (vscode) => {
      await vscode.command("Azure ML: このマシンを診断 (doctor)");
      await vscode.toast("詳細を表示").waitFor();
      await vscode.clearToasts();
    },

    "the wizard asks in japanese": async (vscode) => {
      await vscode.command("Azure ML: 新しい実行構成…");
      await vscode.option("キュレーションされた環境…").waitFor();
      await vscode.pick("conda.yml");
      await vscode.pick("src/measure.py");
      await vscode.pick("データセットなし");
      await vscode.pick("スキップ");
      await vscode.answer("leaf.job.yml");
      await vscode.press("leaf.job.yml の準備ができました", "実験を送信");
      await vscode.option("ローカル: デバッグ").waitFor();
      await vscode.page.keyboard.press("Escape");
      await vscode.clearToasts();
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
      await vscode.row(/^イメージ, 正常, /).waitFor();
    },

    "so does its end": async (vscode) => {
      await vscode.command("Azure ML: 実行をキャンセル");
      await vscode.row(/キャンセル済み/).waitFor({ timeout: RUN_PATIENCE });
    },

    "a job that is refused says why in japanese, line by line": async (vscode, { project }) => {
      fs.writeFileSync(path.join(project, "broken.yml"), "type: command\ncomand: python grow.py\ndisplayname: grown\n");
      await vscode.openFile("broken.yml");
      await vscode.command("Azure ML: 実験を送信");
      await vscode.pick("ローカル: 実行");
      await vscode.toast(/broken\.yml.*誤り/).waitFor();
      await vscode.clearToasts();
      await vscode.menu(vscode.row(/broken\.yml/), "実行のページを開く");
      const lines = await vscode.webview().locator("section[role=alert] pre").innerText();
      const mistakes = lines.split("\n").filter((line) => line.includes("broken.yml:"));
      if (mistakes.length < 2 || !mistakes.every((line) => JAPANESE.test(line))) {
        throw new Error(`not in Japanese: ${lines}`);
      }
    },
  },
};
