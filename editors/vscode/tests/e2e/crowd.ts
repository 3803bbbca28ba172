// A workspace with ten thousand runs in it, and how long a sidecar takes to list the first of them.

import { spawn } from "node:child_process";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Store } from "./engine.ts";

export const CROWD = 10_000;

function database({ home }: Store): DatabaseSync {
  return new DatabaseSync(path.join(home, "store.sqlite"));
}

/** Copies the one run that is there, with everything that is known of it. */
export function multiply(store: Store): void {
  const open = database(store);
  const columns = open.prepare("SELECT name FROM pragma_table_info('run') WHERE name NOT IN ('id', 'created')").all();
  const names = columns.map(({ name }) => String(name)).join(", ");
  open.exec(`WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${CROWD - 1})
    INSERT INTO run (id, created, ${names}) SELECT 'copy_' || n, created - n, ${names} FROM run, number WHERE id NOT LIKE 'copy%'`);
  open.close();
}

/** Takes the copies away again. */
export function disperse(store: Store): void {
  const open = database(store);
  open.exec("DELETE FROM run WHERE id LIKE 'copy%'");
  open.close();
}

/** Asks a server of its own for the first page, so many times; in milliseconds. */
export async function firstPages({ binary, home }: Store, experiment: string, times: number): Promise<number[]> {
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
    await Promise.all([request("aml/listExperiments", {}), request("aml/listRuns", { experiment, limit: 50 })]);
    taken.push(performance.now() - begin);
  }
  server.stdin.end();
  return taken;
}
