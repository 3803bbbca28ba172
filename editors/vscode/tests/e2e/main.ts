// The stories in a real VS Code, with the real sidecar, a real container engine and real debugpy. `cargo xtask editor`
// runs them; each has a window, a project and a home folder of its own, so that one that fails spoils no other.

import * as fs from "node:fs";
import * as path from "node:path";
import { removeImages, removeRuns } from "./engine.ts";
import { pack, Server, type Place } from "./server.ts";
import { STORIES, type Ground, type Story } from "./stories.ts";
import { Workbench } from "./workbench.ts";

const HERE = import.meta.dirname;

function needed(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`the variable ${name} is not set; \`cargo xtask editor\` sets it`);
  }
  return value;
}

const target = needed("AML_DEBUG_E2E");
const binary = needed("AML_DEBUG_BIN");
const place: Place = {
  tools: path.join(target, "vscode"),
  results: path.join(target, "results"),
  scratch: path.join(target, "scratch"),
};
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in STORIES));
if (unknown.length > 0) {
  throw new Error(`there is no story ${unknown.join(", ")}; there are ${Object.keys(STORIES).join(", ")}`);
}
for (const folder of [place.results, place.scratch]) {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
}

// Another environment each time, so that a build is to be seen that no cache has in store.
const unseen = `0.0.${Date.now()}`;
const tally = { passed: 0, failed: 0 };
const grounds: Ground[] = [];
const server = new Server(place, { AML_DEBUG_PATH: binary });
try {
  const vsix = path.join(place.scratch, "aml-debug.vsix");
  pack(path.resolve(HERE, "../.."), vsix);
  server.install(vsix);
  for (const [name, story] of Object.entries(STORIES)) {
    if (wanted.length === 0 || wanted.includes(name)) {
      await tell(name, story);
    }
  }
} finally {
  await server.stop();
  for (const ground of grounds) {
    removeRuns(ground);
    removeImages(ground);
  }
}
console.log(`editor: ${tally.passed} passed, ${tally.failed} failed; screenshots in ${place.results}`);
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;

/** Runs the steps of a story in one window. A step that fails ends its story, since the next stand on it. */
async function tell(name: string, { locale, example, steps }: Story): Promise<void> {
  const results = path.join(place.results, name);
  fs.mkdirSync(results, { recursive: true });
  const ground = example === undefined ? prepare(name) : prepareExample(name, example);
  await server.start(name, locale, { AML_DEBUG_HOME: ground.home });
  const begin = performance.now();
  const workbench = await Workbench.open(server.url(ground.project), locale, results);
  try {
    for (const [title, step] of Object.entries(steps)) {
      const start = performance.now();
      const took = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
      try {
        await step(workbench, ground);
        await workbench.shot(slug(title));
        tally.passed += 1;
        console.log(`ok ${name}: ${title} (${took()})`);
      } catch (error) {
        await workbench.shot(`failed-${slug(title)}`);
        tally.failed += 1;
        console.log(`FAILED ${name}: ${title} (${took()})\n${String(error)}`);
        break;
      }
    }
  } finally {
    await workbench.close();
    await server.stop();
    removeRuns(ground);
    console.log(`${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  }
}

function prepare(name: string): Ground {
  const scratch = path.join(place.scratch, name);
  const project = path.join(scratch, "leaves");
  fs.cpSync(path.join(HERE, "project"), project, { recursive: true });
  const conda = path.join(project, "conda.yml");
  fs.writeFileSync(conda, fs.readFileSync(conda, "utf8").replace("0.0.1", unseen));
  const ground = { binary, home: path.join(scratch, "home"), project, url: (folder: string) => server.url(folder) };
  grounds.push(ground);
  return ground;
}

/** A copy of one of the examples, as a user has it. */
function prepareExample(name: string, example: string): Ground {
  const scratch = path.join(place.scratch, name);
  const project = path.join(scratch, example);
  fs.cpSync(path.resolve(HERE, "../../../../examples", example), project, { recursive: true });
  return { binary, home: path.join(scratch, "home"), project, url: (folder: string) => server.url(folder) };
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}
