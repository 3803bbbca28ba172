// What a story leaves in its store and on the container engine, and its removal.

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";

/** The store of a story, and the program that reads it. */
export interface Store {
  binary: string;
  home: string;
}

export interface Listed {
  run: string;
  state: string;
  experiment: string;
  phases: { name: string }[];
  image?: string | null;
}

export function listRuns(store: Store): Listed[] {
  const lines = ask(store, "runs", "list", "--json").split("\n");
  return lines.filter((line) => line.trim()).map((line) => JSON.parse(line) as Listed);
}

export function listDeployments(store: Store): Listed[] {
  const lines = ask(store, "deployments", "list", "--json").split("\n");
  return lines.filter((line) => line.trim()).map((line) => JSON.parse(line) as Listed);
}

/** The containers of these runs, by name. */
export function containersOf(runs: Listed[]): string[] {
  const names = execFileSync("docker", ["ps", "--all", "--format", "{{.Names}}"], { encoding: "utf8" }).split("\n");
  return names.filter((name) => runs.some(({ run }) => name.includes(run)));
}

/** How long a sidecar that is left alone may take to put its containers away, in milliseconds. */
const PUT_AWAY_WITHIN = 20_000;

/** With its editor gone, a sidecar ends; with every run over, it leaves no container, not even one that it kept warm. */
export async function containersGo(store: Store): Promise<void> {
  const end = Date.now() + PUT_AWAY_WITHIN;
  for (;;) {
    const left = containersOf(listRuns(store));
    if (left.length === 0) {
      return;
    }
    if (Date.now() > end) {
      throw new Error(`left behind when the editor had gone: ${left.join(", ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Ends what a story that failed has left running. */
export function removeRuns(store: Store): void {
  tidy(() => {
    const runs = listRuns(store);
    for (const { run } of runs.filter(({ state }) => !["completed", "failed", "cancelled", "lost"].includes(state))) {
      tidy(() => ask(store, "runs", "cancel", run));
    }
    for (const { run } of listDeployments(store)) {
      tidy(() => ask(store, "deployments", "remove", run));
    }
    for (const container of containersOf(runs)) {
      execFileSync("docker", ["rm", "--force", container], { stdio: "ignore" });
    }
  });
}

/** The images that a story built: the next test shall see a build again. */
export function removeImages(store: Store): void {
  tidy(() => {
    for (const image of new Set(listRuns(store).flatMap(({ image }) => (image?.startsWith("aml-debug/env:") ? [image] : [])))) {
      tidy(() => execFileSync("docker", ["image", "rm", "--force", image], { stdio: "ignore" }));
    }
  });
}

/** The volumes of a store, with the debugger in them; they would stay when its folder is gone. */
export function removeVolumes(store: Store): void {
  if (!fs.existsSync(store.home)) {
    return;
  }
  tidy(() => {
    const found = ask(store, "doctor", "--json").split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line) as Found);
    const id = found.find(({ subject }) => subject === "store")?.what?.args.find(([name]) => name === "id")?.[1];
    if (id === undefined) {
      throw new Error("the store has no name");
    }
    const docker = (...words: string[]) => execFileSync("docker", words, { encoding: "utf8" });
    const volumes = docker("volume", "ls", "--quiet", "--filter", `label=aml-debug.store=${id}`).split("\n").filter((name) => name !== "");
    if (volumes.length > 0) {
      docker("volume", "rm", ...volumes);
    }
  });
}

interface Found {
  subject?: string;
  what?: { args: [string, string][] };
}

function ask({ binary, home }: Store, ...args: string[]): string {
  return execFileSync(binary, args, { env: { ...process.env, AML_DEBUG_HOME: home }, encoding: "utf8", timeout: 60_000 });
}

function tidy(step: () => unknown): void {
  try {
    step();
  } catch (error) {
    console.log(`tidying up: ${String(error)}`);
  }
}
