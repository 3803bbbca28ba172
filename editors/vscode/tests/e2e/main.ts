// The flow of the published page in a real VS Code, with the real sidecar, a real container engine and real
// debugpy, in English and in Japanese. `cargo xtask test` runs it; by hand, see docs/editor.md.

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { english, japanese, type Story } from "./stories.ts";
import { pack, Server, type Place } from "./server.ts";
import { Workbench } from "./workbench.ts";

const HERE = import.meta.dirname;

function needed(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`the variable ${name} is not set; \`cargo xtask test\` sets it`);
  }
  return value;
}

const target = needed("AML_DEBUG_E2E");
const place: Place = {
  tools: path.join(target, "vscode"),
  results: path.join(target, "results"),
  scratch: path.join(target, "scratch"),
};
const binary = needed("AML_DEBUG_BIN");
const home = (locale: string) => path.join(place.scratch, `home-${locale}`);
const tally = { passed: 0, failed: 0 };

for (const folder of [place.results, place.scratch]) {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
}
const project = path.join(place.scratch, "leaves");
fs.cpSync(path.join(HERE, "project"), project, { recursive: true });

// Another environment each time, so that a build is to be seen that no cache has in store.
const conda = path.join(project, "conda.yml");
fs.writeFileSync(conda, fs.readFileSync(conda, "utf8").replace("0.0.1", `0.0.${Date.now()}`));

const server = new Server(place, { AML_DEBUG_PATH: binary });
try {
  const vsix = path.join(place.scratch, "aml-debug.vsix");
  pack(path.resolve(HERE, "../.."), vsix);
  server.install(vsix);
  const wanted = process.argv[2];
  for (const [locale, story] of [["en", english], ["ja", japanese]] as const) {
    if (wanted === undefined || wanted === locale) {
      await tell(locale, story);
    }
  }
} finally {
  await server.stop();
  removeImages("en");
  removeImages("ja");
}
console.log(`editor: ${tally.passed} passed, ${tally.failed} failed; screenshots in ${place.results}`);
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;

/** Runs the steps of a story in one window. A step that fails ends its story, since the next stand on it. */
async function tell(locale: string, story: Story): Promise<void> {
  const results = path.join(place.results, locale);
  fs.mkdirSync(results, { recursive: true });
  await server.start(locale, { AML_DEBUG_HOME: home(locale) });
  const begin = performance.now();
  const workbench = await Workbench.open(server.url(project), locale, results);
  try {
    for (const [name, step] of Object.entries(story)) {
      const start = performance.now();
      const took = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
      try {
        await step(workbench, { binary, home: home(locale), project });
        await workbench.shot(slug(name));
        tally.passed += 1;
        console.log(`ok ${locale}: ${name} (${took()})`);
      } catch (error) {
        await workbench.shot(`failed-${slug(name)}`);
        tally.failed += 1;
        console.log(`FAILED ${locale}: ${name} (${took()})\n${String(error)}`);
        break;
      }
    }
  } finally {
    await workbench.close();
    await server.stop();
    console.log(`${locale}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  }
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

/** The images that the stories built: the next test shall see a build again. */
function removeImages(locale: string): void {
  try {
    const listed = execFileSync(binary, ["runs", "list", "--json"], { env: { ...process.env, AML_DEBUG_HOME: home(locale) }, encoding: "utf8" });
    const runs = listed.split("\n").flatMap((line) => (line.trim() ? [JSON.parse(line) as { image?: string | null }] : []));
    for (const image of new Set(runs.flatMap(({ image }) => (image ? [image] : [])))) {
      execFileSync("docker", ["image", "rm", "--force", image], { stdio: "ignore" });
    }
  } catch (error) {
    console.log(`the images of the test could not be removed: ${String(error)}`);
  }
}
