// Starts an editor for the suite in the extension host, and reads how it came out.

import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import type { Outcome } from "../host/suite.ts";
import type { Server } from "./server.ts";

const SUITE = path.resolve(import.meta.dirname, "../host");
const EXTENSION = path.resolve(import.meta.dirname, "../..");

/** The whole suite. */
const PATIENCE = 300_000;

/** Where the suite finds Mocha and leaves its result. */
export function variables(folder: string): Record<string, string> {
  return {
    AML_DEBUG_MOCHA: createRequire(import.meta.url).resolve("mocha"),
    AML_DEBUG_HOST_RESULT: path.join(folder, "result.json"),
  };
}

/** Runs the suite in a window of a server that was started for it; each test's outcome. */
export async function runSuite(server: Server, project: string, folder: string): Promise<Outcome[]> {
  const entry = path.join(folder, "suite.js");
  await build({ entryPoints: [path.join(SUITE, "suite.ts")], outfile: entry, bundle: true, platform: "node", format: "cjs", external: ["vscode"], logLevel: "warning" });
  const said: string[] = [];
  const browser = await chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", headless: true, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage();
    await page.exposeFunction("codeAutomationLog", (_kind: string, words: unknown[]) => said.push(words.join(" ")));
    const ended = new Promise<number>((resolve, reject) => {
      void page.exposeFunction("codeAutomationExit", (code: number) => resolve(code)).catch(reject);
      setTimeout(() => reject(new Error("the suite did not end")), PATIENCE).unref();
    });
    // Without an extension under development, VS Code hosts no tests; as it stands here, ours takes the place of the
    // packed one.
    const remote = (file: string) => `vscode-remote://${server.authority}${file}`;
    const payload = [["extensionDevelopmentPath", remote(EXTENSION)], ["extensionTestsPath", remote(entry)], ["skipWelcome", "true"]];
    await page.goto(`${server.url(project)}&payload=${encodeURIComponent(JSON.stringify(payload))}`);
    const code = await ended;
    const outcomes = JSON.parse(fs.readFileSync(path.join(folder, "result.json"), "utf8")) as Outcome[];
    if ((code === 0) !== outcomes.every(({ failed }) => failed === undefined) || outcomes.length === 0) {
      throw new Error(`the editor ended with ${code} after ${outcomes.length} tests`);
    }
    return outcomes;
  } catch (error) {
    console.log(said.map((line) => `  in the window: ${line}\n`).join(""));
    throw error;
  } finally {
    await browser.close();
  }
}
