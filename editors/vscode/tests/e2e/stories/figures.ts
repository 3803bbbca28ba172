// Figures: how long the extension takes to be there, and a tree with ten thousand runs. They are printed; a step fails
// where one is far from what it should be, since other work may slow this machine down.

import { spawn } from "node:child_process";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Story } from "../stories.ts";
import { listRuns, removeRuns, type Store } from "../engine.ts";

const RUNS = 10_000;

/** How far a figure may be from what it should be before it is called wrong. */
const SLACK = 10;

export const figures: Story = {
  locale: "en",
  steps: {
    "the extension is activated": async (vscode) => {
      await vscode.openFile("job.yml");
      await vscode.lens("Debug").first().waitFor();
      await vscode.command("Developer: Show Running Extensions");
      const row = vscode.page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "Debugger for Azure ML" });
      await row.waitFor();
      const said = await row.locator(".activation-time").innerText();
      judge("activation", Number(/(\d+)\s*ms/.exec(said)?.[1]), 100);
    },

    "ten thousand runs are there": async (vscode, ground) => {
      await vscode.openFile("learn.yml");
      await vscode.lens("Run").first().click();
      await vscode.toast(/is completed/).waitFor();
      await vscode.clearToasts();
      multiply(ground);
      await vscode.openView("Azure ML Debug");
      await vscode.command("Azure ML: Refresh runs");
      await vscode.row("Experiment leaves, 10000 runs").waitFor();
    },

    "their first page is there at once": async (_vscode, ground) => {
      const times = await ask(ground, 20);
      judge("first page of ten thousand runs", times.toSorted((one, other) => one - other)[10] ?? NaN, 50);
    },

    "the tree scrolls, and has more at its end": async (vscode) => {
      await vscode.row(/^Run learn.yml, completed/).first().click();
      await vscode.page.keyboard.press("End");
      await vscode.row("Load more…").click();
      await vscode.row("Load more…").waitFor({ state: "detached" });
      await vscode.row(/^Run learn.yml, completed/).last().click();
      await vscode.page.keyboard.press("End");
      await vscode.row("Load more…").waitFor();
    },

    "they are forgotten again": async (_vscode, ground) => {
      const database = new DatabaseSync(path.join(ground.home, "store.sqlite"));
      database.exec("DELETE FROM run WHERE id LIKE 'copy%'");
      database.close();
      removeRuns(ground);
      if (listRuns(ground).length !== 1) {
        throw new Error("one run should be left");
      }
    },
  },
};

function judge(what: string, figure: number, wanted: number): void {
  console.log(`figure: ${what}: ${figure.toFixed(1)} ms (wanted: at most ${wanted} ms)`);
  if (!(figure <= wanted * SLACK)) {
    throw new Error(`${what} took ${figure} ms`);
  }
}

/** Copies the one run that is there, with everything that is known of it. */
function multiply({ home }: Store): void {
  const database = new DatabaseSync(path.join(home, "store.sqlite"));
  const columns = database.prepare("SELECT name FROM pragma_table_info('run') WHERE name NOT IN ('id', 'created')").all();
  const names = columns.map(({ name }) => String(name)).join(", ");
  database.exec(`WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${RUNS - 1})
    INSERT INTO run (id, created, ${names}) SELECT 'copy_' || n, created - n, ${names} FROM run, number WHERE id NOT LIKE 'copy%'`);
  database.close();
}

/** Asks a server of its own for the first page, so many times; in milliseconds. */
async function ask({ binary, home }: Store, times: number): Promise<number[]> {
  const server = spawn(binary, ["serve"], { env: { ...process.env, AML_DEBUG_HOME: home }, stdio: ["pipe", "pipe", "ignore"] });
  let received = Buffer.alloc(0);
  const waiting = new Map<number, () => void>();
  server.stdout.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    for (;;) {
      const head = received.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/.exec(received.subarray(0, Math.max(head, 0)).toString())?.[1]);
      if (head < 0 || received.length < head + 4 + length) {
        return;
      }
      const message = JSON.parse(received.subarray(head + 4, head + 4 + length).toString()) as { id?: number };
      received = received.subarray(head + 4 + length);
      waiting.get(message.id ?? 0)?.();
    }
  });
  let asked = 0;
  const request = (method: string, params: object) =>
    new Promise<void>((resolve) => {
      asked += 1;
      waiting.set(asked, resolve);
      const body = JSON.stringify({ jsonrpc: "2.0", id: asked, method, params });
      server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
  await request("initialize", { processId: process.pid, capabilities: {} });
  await request("aml/listExperiments", {});
  const taken: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const begin = performance.now();
    await Promise.all([request("aml/listExperiments", {}), request("aml/listRuns", { experiment: "leaves", limit: 50 })]);
    taken.push(performance.now() - begin);
  }
  server.stdin.end();
  return taken;
}
