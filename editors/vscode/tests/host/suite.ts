// The suite that runs inside the extension host: it has the editor's interface and no window to look at. Its shape is
// that of every extension's tests, so a desktop VS Code runs it as well.

import * as fs from "node:fs";
import type MochaType from "mocha";

/** How a test came out, for whoever started the editor. */
export interface Outcome {
  title: string;
  ms: number;
  failed?: string;
}

/** Runs all tests; rejects when one failed, which is the exit code of an editor that was started for them. */
export async function run(): Promise<void> {
  const [mocha, file] = [process.env["AML_DEBUG_MOCHA"], process.env["AML_DEBUG_HOST_RESULT"]];
  if (!mocha || !file) {
    throw new Error("AML_DEBUG_MOCHA and AML_DEBUG_HOST_RESULT say where Mocha is and where the result belongs");
  }
  // Its files are read at run time, so it cannot be bundled with the tests.
  const Mocha = require(mocha) as typeof MochaType;
  const suite = new Mocha({ ui: "tdd", timeout: 120_000 });
  suite.suite.emit("pre-require", globalThis, "", suite);
  require("./surface");
  require("./language");
  require("./debugging");
  const outcomes: Outcome[] = [];
  const failures = await new Promise<number>((resolve) => {
    const runner = suite.run(resolve);
    runner.on("pass", (test) => outcomes.push({ title: test.fullTitle(), ms: test.duration ?? 0 }));
    runner.on("fail", (test, error: Error) => outcomes.push({ title: test.fullTitle(), ms: test.duration ?? 0, failed: error.stack ?? String(error) }));
  });
  fs.writeFileSync(file, JSON.stringify(outcomes));
  if (failures > 0) {
    throw new Error(`${failures} tests failed`);
  }
}
