// The figures of the editor for `cargo xtask bench`, which writes the name of a turn on a line and reads on another how
// many milliseconds it took. One window serves all turns; it opens on the folder that the figures have made.

import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { disperse, firstPages, multiply } from "./crowd.ts";
import { listRuns, removeRuns, removeVolumes, type Store } from "./engine.ts";
import { needed } from "./needed.ts";
import { pack, Server, type Place } from "./server.ts";
import { Workbench } from "./workbench.ts";

/** What the caller has made: a job and its script, and a port of the machine's for the way by hand. */
const folder = needed("AML_DEBUG_BENCH_FOLDER");
const port = Number(needed("AML_DEBUG_BENCH_PORT"));
const line = Number(needed("AML_DEBUG_BENCH_LINE"));
const byHand = JSON.parse(needed("AML_DEBUG_BENCH_BY_HAND")) as string[];
const binary = needed("AML_DEBUG_BIN");

const target = needed("AML_DEBUG_E2E");
const place: Place = {
  tools: path.join(target, "vscode"),
  results: path.join(target, "bench-results"),
  scratch: path.join(target, "bench-scratch"),
};
for (const made of [place.results, place.scratch]) {
  fs.rmSync(made, { recursive: true, force: true });
  fs.mkdirSync(made, { recursive: true });
}
const store: Store = { binary, home: path.join(place.scratch, "home") };
const crowded: Store = { binary, home: path.join(place.scratch, "crowded") };

/** What a user types into launch.json for the way by hand. */
const ENTRY = {
  name: "By hand",
  type: "debugpy",
  request: "attach",
  connect: { host: "127.0.0.1", port },
  pathMappings: [{ localRoot: "${workspaceFolder}", remoteRoot: "/code" }],
};

const turns: Record<string, () => Promise<number>> = {
  /** From a click on *Debug* to the line, standing in the window. */
  async debug() {
    const vscode = await theWindow();
    await vscode.openFile("job.yml");
    const lens = vscode.lens("Debug").first();
    await lens.waitFor();
    const begin = performance.now();
    await lens.click();
    await vscode.stoppedOn(line);
    const took = performance.now() - begin;
    await goOn(vscode);
    return took;
  },

  /** The same by hand, without the time that a person needs to see that debugpy waits: a container, then F5. */
  async "by-hand"() {
    const vscode = await theWindow();
    await vscode.openFile("job.yml");
    await vscode.lens("Debug").first().waitFor();
    const begin = performance.now();
    const container = spawn("docker", byHand, { cwd: folder, stdio: "ignore" });
    const ended = new Promise((resolve) => container.once("exit", resolve));
    await listens();
    await vscode.page.keyboard.press("F5");
    await vscode.stoppedOn(line);
    const took = performance.now() - begin;
    await goOn(vscode);
    await ended;
    return took;
  },

  /** A window is opened anew, and says how long the extension took. */
  async activation() {
    const vscode = await theWindow();
    await vscode.page.reload({ waitUntil: "domcontentloaded" });
    await vscode.page.locator(".explorer-folders-view .monaco-list-row", { hasText: "job.yml" }).waitFor();
    await vscode.openFile("job.yml");
    await vscode.lens("Debug").first().waitFor();
    return vscode.activation();
  },

  /** Ten thousand runs, of which the tree asks for the first page. */
  async "first-page"() {
    if (!fs.existsSync(crowded.home)) {
      execFileSync(binary, ["run", "job.yml"], { cwd: folder, env: { ...process.env, AML_DEBUG_HOME: crowded.home }, stdio: "ignore" });
      multiply(crowded);
    }
    const [taken = NaN] = await firstPages(crowded, listRuns(crowded)[0]?.experiment ?? "", 1);
    return taken;
  },
};

const server = new Server(place, { AML_DEBUG_PATH: binary });
let window: Workbench | undefined;
try {
  for await (const asked of createInterface({ input: process.stdin })) {
    const turn = turns[asked];
    const said = turn ? await turn().then((ms) => `ms ${ms}`, failed) : `there is no turn ${asked}`;
    process.stdout.write(`${said}\n`);
  }
} finally {
  await window?.close();
  await server.stop();
  removeRuns(store);
  removeVolumes(store);
  if (fs.existsSync(crowded.home)) {
    disperse(crowded);
    removeVolumes(crowded);
  }
}

async function failed(error: unknown): Promise<string> {
  await window?.shot("failed").catch(() => undefined);
  return `failed: ${String(error).split("\n")[0]} ${(await window?.said()) ?? ""}`.replaceAll("\n", " ");
}

async function theWindow(): Promise<Workbench> {
  if (!window) {
    const vsix = path.join(place.scratch, "aml-debug.vsix");
    pack(path.resolve(import.meta.dirname, "../.."), vsix);
    server.install(vsix);
    fs.mkdirSync(path.join(folder, ".vscode"), { recursive: true });
    fs.writeFileSync(path.join(folder, ".vscode/launch.json"), JSON.stringify({ version: "0.2.0", configurations: [ENTRY] }));
    await server.start("bench", { locale: "en", debugpy: true, environment: { AML_DEBUG_HOME: store.home } });
    window = await Workbench.open(server.url(folder), "en", place.results);
    await window.openFile("train.py");
    await window.breakpoint(line);
  }
  return window;
}

/** Lets the program run to its end, and waits until the window debugs nothing. */
async function goOn(vscode: Workbench): Promise<void> {
  await vscode.page.keyboard.press("F5");
  await vscode.debugging().waitFor({ state: "hidden" });
  await vscode.clearToasts();
}

/** Waits until something listens inside the container: a connection would be taken for the debugger's. */
async function listens(): Promise<void> {
  const words = ["inspect", "--format", "{{.State.Pid}}", needed("AML_DEBUG_BENCH_CONTAINER")];
  const inside = await until(() => execFileSync("docker", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim());
  // Port 5678 in the state "listening", as the kernel writes it.
  await until(() => /:162E \S+ 0A/.test(fs.readFileSync(`/proc/${inside}/net/tcp`, "utf8")));
}

async function until<T>(ask: () => T): Promise<T> {
  const end = Date.now() + 60_000;
  for (;;) {
    try {
      const answer = ask();
      if (answer && answer !== "0") {
        return answer;
      }
    } catch (error) {
      if (Date.now() > end) {
        throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
