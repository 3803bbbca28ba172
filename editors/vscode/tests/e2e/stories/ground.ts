// The project that the stories work on, and what they look for outside the window.

import * as fs from "node:fs";
import { containersOf, type Listed, listRuns, type Store } from "../engine.ts";
import { RUN_PATIENCE } from "../workbench.ts";

/** The line of `measure.py` that multiplies. */
export const PRODUCT = 8;

/** The line of `grow.py` that prints the day. */
export const GROWTH = 6;

/** The line of `family.py` that a child runs. */
export const RESULT = 7;

/** Fails unless so many runs are there, all of them over, and the engine has none of their containers. */
export function nothingIsLeft(store: Store, count: number): void {
  const runs = listRuns(store);
  const states = runs.map(({ state }) => state);
  if (states.length !== count || !states.every((state) => ["completed", "failed", "cancelled"].includes(state))) {
    throw new Error(`${count} runs should be over: ${states.join(", ")}`);
  }
  const left = containersOf(runs);
  if (left.length > 0) {
    throw new Error(`containers should be gone: ${left.join(", ")}`);
  }
}

/** Waits until the runs are in these states, sorted. */
export async function statesAre(store: Store, wanted: string): Promise<void> {
  const end = Date.now() + RUN_PATIENCE;
  for (;;) {
    const states = listRuns(store).map(({ state }) => state).toSorted().join(" ");
    if (states === wanted) {
      return;
    }
    if (Date.now() > end) {
      throw new Error(`the runs should be ${wanted}, and are ${states}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** Waits until the one run there is has been started a second time, and stands. */
export async function standsAgain(store: Store): Promise<void> {
  const end = Date.now() + RUN_PATIENCE;
  const told = ({ state, phases }: Listed) => `${state} after ${phases.filter(({ name }) => name === "start").length} starts`;
  for (;;) {
    const runs = listRuns(store).map(told).join(", ");
    if (runs === "paused after 2 starts") {
      return;
    }
    if (Date.now() > end) {
      throw new Error(`one run should be paused after 2 starts: ${runs}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** The process that serves this window: ours alone has this home folder. */
export function sidecarOf(home: string): number {
  for (const entry of fs.readdirSync("/proc")) {
    const of = (file: string) => {
      try {
        return fs.readFileSync(`/proc/${entry}/${file}`, "utf8").split("\0");
      } catch {
        return [];
      }
    };
    if (/^\d+$/.test(entry) && of("cmdline")[1] === "serve" && of("environ").includes(`AML_DEBUG_HOME=${home}`)) {
      return Number(entry);
    }
  }
  throw new Error("no sidecar serves this window");
}
