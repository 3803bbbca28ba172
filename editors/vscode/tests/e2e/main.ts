// The stories in a real VS Code, with the real sidecar, a real container engine and real debugpy. `cargo xtask editor`
// runs them; each has a window, a project and a home folder of its own, so that one that fails spoils no other.

import * as fs from "node:fs";
import * as path from "node:path";
import { containersGo, removeImages, removeRuns, removeVolumes } from "./engine.ts";
import { runSuite, variables } from "./host.ts";
import { needed } from "./needed.ts";
import { pack, Server, type Place, type Wanted } from "./server.ts";
import { STORIES, type Ground, type Story } from "./stories.ts";
import { Workbench } from "./workbench.ts";

const HERE = import.meta.dirname;

const target = needed("AML_DEBUG_E2E");
const binary = needed("AML_DEBUG_BIN");
const place: Place = {
  tools: path.join(target, "vscode"),
  results: path.join(target, "results"),
  scratch: path.join(target, "scratch"),
};
/** A story that fails is told once more; its first failure stays on the screen. For machines that share their time. */
const AGAIN = "--again";
const wanted = process.argv.slice(2).filter((word) => word !== AGAIN);
/** The suite in the extension host. It comes last: the first story wants to see its image being built. */
const HOST = "host";
const names = [...Object.keys(STORIES), HOST];
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  throw new Error(`there is no story ${unknown.join(", ")}; there are ${names.join(", ")}`);
}
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);
for (const folder of [place.results, place.scratch]) {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
}

// Another environment each time, so that a build is to be seen that no cache has in store.
const unseen = `0.0.${Date.now()}`;
const tally = { passed: 0, failed: 0, flaky: 0 };
/** What failed, for the last lines: what stands far above them is not read, or is cut off. */
const failures: string[] = [];
const grounds: Ground[] = [];
/** Those on an example, whose image is everybody's. */
const examples: Ground[] = [];
// A package that is ready to be shipped has to work with what is in it, and with nothing else.
const packed = process.env["AML_DEBUG_E2E_PACKAGE"];
const server = new Server(place, packed ? { AML_DEBUG_PATH: "", AML_DEBUG_BUNDLE: "" } : { AML_DEBUG_PATH: binary });
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // The server is in a group of its own, which whoever ends this process does not know.
  process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
}
try {
  const vsix = packed ?? path.join(place.scratch, "aml-debug.vsix");
  if (!packed) {
    pack(path.resolve(HERE, "../.."), vsix);
  }
  server.install(vsix);
  for (const [name, story] of Object.entries(STORIES)) {
    if (isWanted(name)) {
      let passed = await tell(name, story);
      if (passed === undefined && process.argv.includes(AGAIN)) {
        console.log(`TOLD AGAIN: ${name}, which FAILED as is said above`);
        passed = await tell(`${name}-again`, story);
        tally.flaky += passed === undefined ? 0 : 1;
      }
      tally.passed += passed ?? 0;
      tally.failed += passed === undefined ? 1 : 0;
    }
  }
  if (isWanted(HOST)) {
    await suite();
  }
} finally {
  await cleanUp();
}
for (const failure of failures) {
  console.log(failure);
}
console.log(`editor: ${tally.passed} passed, ${tally.failed} failed, ${tally.flaky} flaky; screenshots in ${place.results}`);
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;

/** Says it at once, and once more at the end. */
function fail(text: string): void {
  failures.push(`FAILED ${text}`);
  console.log(`FAILED ${text}`);
}

/** Leaves nothing behind: no server, no containers, no images that a story built, no volumes. */
async function cleanUp(): Promise<void> {
  await server.stop();
  for (const ground of [...grounds, ...examples]) {
    removeRuns(ground);
  }
  grounds.forEach(removeImages);
  [...grounds, ...examples].forEach(removeVolumes);
}

/** Runs the suite in the extension host. */
async function suite(): Promise<void> {
  const ground = prepare(HOST);
  const folder = path.dirname(ground.project);
  await server.start(HOST, { locale: "en", driver: true, environment: { AML_DEBUG_HOME: ground.home, ...variables(folder) } });
  try {
    for (const { title, ms, failed } of await runSuite(server, ground.project, folder)) {
      if (failed === undefined) {
        console.log(`ok ${HOST}: ${title} (${(ms / 1000).toFixed(1)} s)`);
      } else {
        fail(`${HOST}: ${title}\n${failed}`);
      }
      tally[failed === undefined ? "passed" : "failed"] += 1;
    }
  } catch (error) {
    fail(`${HOST}: ${String(error)}`);
    tally.failed += 1;
  } finally {
    await server.stop();
    removeRuns(ground);
  }
}

/** Runs the steps of a story in one window; how many there were, or nothing if one failed. That one ends its story,
 * since the next stand on it. */
async function tell(name: string, story: Story): Promise<number | undefined> {
  const results = path.join(place.results, name);
  fs.mkdirSync(results, { recursive: true });
  const ground = story.example === undefined ? prepare(name) : prepareExample(name, story.example);
  const begin = performance.now();
  await server.start(name, wantedOf(story, ground));
  let passed = 0;
  try {
    const workbench = await Workbench.open(server.url(story.opens?.(ground) ?? ground.project), story.locale, results);
    try {
      for (const [title, step] of Object.entries(story.steps)) {
        if (!(await take(workbench, ground, `${name}: ${title}`, title, step))) {
          return undefined;
        }
        passed += 1;
      }
    } finally {
      await workbench.close();
      await server.stop();
    }
    await containersGo(ground);
  } catch (error) {
    fail(`${name}: ${String(error)}`);
    return undefined;
  } finally {
    await server.stop();
    removeRuns(ground);
    console.log(`${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  }
  return passed;
}

/** Takes one step, and keeps what is to be seen after it. */
async function take(workbench: Workbench, ground: Ground, name: string, title: string, step: Story["steps"][string]): Promise<boolean> {
  const start = performance.now();
  const took = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  try {
    await step(workbench, ground);
    console.log(`ok ${name} (${took()})`);
    await workbench.shot(slug(title));
    return true;
  } catch (error) {
    fail(`${name} (${took()})\n${String(error)}\n${await workbench.said()}`);
    await workbench.shot(`failed-${slug(title)}`).catch((reason: unknown) => console.log(`no screenshot: ${String(reason)}`));
    return false;
  }
}

/** A story with settings of its own is one about them: variables would win over them. */
function wantedOf({ settings, steps: _steps, opens: _opens, example: _example, ...wanted }: Story, ground: Ground): Wanted {
  return settings
    ? { ...wanted, settings: settings(ground), environment: { AML_DEBUG_BUNDLE: "", AML_DEBUG_IMAGE_REWRITE: "" } }
    : { ...wanted, environment: { AML_DEBUG_HOME: ground.home } };
}

/** A folder of an editor's own: launch.json is written there, and not into the repository around it. */
function becomeFolder(project: string): void {
  fs.mkdirSync(path.join(project, ".vscode"), { recursive: true });
}

function prepare(name: string): Ground {
  const scratch = path.join(place.scratch, name);
  const project = path.join(scratch, "leaves");
  fs.cpSync(path.join(HERE, "project"), project, { recursive: true });
  becomeFolder(project);
  const conda = path.join(project, "conda.yml");
  fs.writeFileSync(conda, fs.readFileSync(conda, "utf8").replace("0.0.1", name.endsWith("-again") ? `${unseen}.1` : unseen));
  const ground: Ground = {
    binary,
    home: path.join(scratch, "home"),
    project,
    url: (folder) => server.url(folder),
    set: (settings) => server.set(settings),
  };
  grounds.push(ground);
  return ground;
}

/** A copy of one of the examples, as a user has it. */
function prepareExample(name: string, example: string): Ground {
  const scratch = path.join(place.scratch, name);
  const project = path.join(scratch, example);
  fs.cpSync(path.resolve(HERE, "../../../../examples", example), project, { recursive: true });
  becomeFolder(project);
  const ground: Ground = {
    binary,
    home: path.join(scratch, "home"),
    project,
    url: (folder) => server.url(folder),
    set: (settings) => server.set(settings),
  };
  examples.push(ground);
  return ground;
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}
