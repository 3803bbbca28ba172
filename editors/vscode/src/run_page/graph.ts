// The steps of a pipeline run as a picture: a graph of what flows where, and a timeline of when each ran. Drawn as SVG with
// attributes alone, since the page's policy lets no element have a style of its own. What it shows stands in words too.

import * as vscode from "vscode";
import type { Edge, Graph, RunSnapshot, StepSnapshot } from "../protocol";
import { duration, stateWord } from "../words";
import { section, text } from "./html";

/** Sizes in the picture's own units, which are pixels where there is room. */
const NODE = { width: 176, height: 48 };
const GAP = { x: 84, y: 26 };
const MARGIN = 8;

/** Letters of a step's name that fit into its node. */
const LETTERS = 22;

/** Between two lines that run below the nodes. */
const LANE = 16;

const CHART = { width: 312, row: 12 };

/** Steps in columns: each stands right of all that it reads from. */
interface Placed {
  step: StepSnapshot;
  x: number;
  y: number;
}

export function pipeline(run: RunSnapshot, now: number): string {
  const { graph } = run;
  if (!graph || graph.steps.length === 0) {
    return "";
  }
  return [section(vscode.l10n.t("Graph"), picture(graph, now)), section(vscode.l10n.t("Timeline"), timeline(run, graph.steps, now))].join("\n");
}

function picture(graph: Graph, now: number): string {
  const placed = place(graph);
  const at = new Map(placed.map((node) => [node.step.name, node]));
  const width = Math.max(...placed.map(({ x }) => x)) + NODE.width + MARGIN;
  let height = Math.max(...placed.map(({ y }) => y)) + NODE.height + MARGIN;
  let jumping = 0;
  const edges = joined(graph.edges).flatMap(({ edge, names }) => {
    const [from, to] = [at.get(edge.from), at.get(edge.to)];
    if (!from || !to) {
      return [];
    }
    // One that jumps a column runs below what stands in between, each in a lane of its own.
    const between = placed.filter(({ x }) => x > from.x && x < to.x);
    const below = Math.max(0, ...between.map(({ y }) => y + NODE.height)) + GAP.y / 2 + LANE * jumping;
    if (between.length > 0) {
      jumping += 1;
      height = Math.max(height, below + MARGIN);
    }
    return [line(from, to, names, between.length > 0 ? below : undefined)];
  });
  const nodes = placed.map((node) => box(node, now));
  const label = vscode.l10n.t("Graph of {0} steps", graph.steps.length);
  return `<div class="graph" role="group" aria-label="${text(label)}" tabindex="-1"><svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
${edges.join("")}${nodes.join("")}</svg></div>${outputs(graph)}`;
}

/** The longest way to a step gives its column; in a column steps stand as in the file, moved towards what they read. */
function place({ steps, edges }: Graph): Placed[] {
  const before = new Map(steps.map(({ name }) => [name, edges.filter(({ to }) => to === name).map(({ from }) => from)]));
  const columns = new Map<string, number>();
  const columnOf = (name: string): number => {
    const known = columns.get(name);
    if (known !== undefined) {
      return known;
    }
    columns.set(name, 0);
    const column = Math.max(-1, ...(before.get(name) ?? []).map(columnOf)) + 1;
    columns.set(name, column);
    return column;
  };
  steps.forEach(({ name }) => columnOf(name));
  const placed: Placed[] = [];
  const rows = new Map<string, number>();
  for (let column = 0; column <= Math.max(...columns.values()); column += 1) {
    const here = steps.filter(({ name }) => columns.get(name) === column);
    const pull = (name: string) => {
      const known = (before.get(name) ?? []).map((from) => rows.get(from) ?? 0);
      return known.length === 0 ? 0 : known.reduce((sum, row) => sum + row, 0) / known.length;
    };
    // An edge that jumps a column goes below what stands in between.
    const passing = (name: string) => (before.get(name) ?? []).every((from) => (columns.get(from) ?? 0) === column - 1);
    here.toSorted((one, other) => pull(one.name) - pull(other.name)).forEach((step, index) => {
      const row = Math.max(index, passing(step.name) ? index : Math.floor(pull(step.name)));
      rows.set(step.name, row);
      placed.push({ step, x: MARGIN + column * (NODE.width + GAP.x), y: MARGIN + row * (NODE.height + GAP.y) });
    });
  }
  return placed;
}

/** Several outputs of a step that are inputs of the same other one are one line. */
function joined(edges: Edge[]): { edge: Edge; names: string[] }[] {
  const lines = new Map<string, { edge: Edge; names: string[] }>();
  for (const edge of edges) {
    const key = JSON.stringify([edge.from, edge.to]);
    const known = lines.get(key) ?? { edge, names: [] };
    known.names.push(edge.output === edge.input ? edge.output : `${edge.output} → ${edge.input}`);
    lines.set(key, known);
  }
  return [...lines.values()];
}

function line(from: Placed, to: Placed, names: string[], below: number | undefined): string {
  const [x1, y1, x2, y2] = [from.x + NODE.width, from.y + NODE.height / 2, to.x - 2, to.y + NODE.height / 2];
  const path = below !== undefined
    ? `M${x1} ${y1}C${x1 + GAP.x / 2} ${y1} ${x1} ${below} ${x1 + GAP.x * 0.8} ${below}H${x2 - GAP.x * 0.8}C${x2} ${below} ${x2 - GAP.x / 2} ${y2} ${x2} ${y2}`
    : `M${x1} ${y1}C${x1 + GAP.x / 2} ${y1} ${x2 - GAP.x / 2} ${y2} ${x2} ${y2}`;
  const [x, y] = below !== undefined ? [(x1 + x2) / 2, below - 4] : [(x1 + x2) / 2, (y1 + y2) / 2 - 5];
  const said = `${from.step.name} → ${to.step.name}: ${names.join(", ")}`;
  const shown = names[0]?.split(" → ")[0] ?? "";
  return `<g class="edge"><title>${text(said)}</title><path d="${path}" marker-end="url(#arrow)"/><text x="${x}" y="${y}" text-anchor="middle">${text(cut(names.length > 1 ? `${shown}, …` : shown, 12))}</text></g>`;
}

function box({ step, x, y }: Placed, now: number): string {
  const said = words(step, now);
  const short = step.reused ? vscode.l10n.t("{0} · reused", stateWord(step.state)) : said;
  const label = `${step.name}, ${said}`;
  // A step that has no run yet has no page.
  const opens = step.run === null ? "" : ` role="button" tabindex="0" data-command="amlDebug.showRun" data-run="${text(step.run)}"`;
  return `<g class="node ${text(step.state)}"${opens} data-key="node ${text(step.name)}" aria-label="${text(label)}"><title>${text(label)}</title>
<rect x="${x}" y="${y}" width="${NODE.width}" height="${NODE.height}" rx="4"/><rect class="mark" x="${x}" y="${y}" width="5" height="${NODE.height}"/>
<text x="${x + 14}" y="${y + 20}">${text(cut(step.name, LETTERS))}</text><text class="state" x="${x + 14}" y="${y + 37}">${text(cut(short, LETTERS + 6))}</text>${step.debug ? `<circle class="bug" cx="${x + NODE.width - 12}" cy="${y + 13}" r="4"/>` : ""}</g>`;
}

function outputs({ outputs }: Graph): string {
  if (outputs.length === 0) {
    return "";
  }
  const list = outputs.map(({ name, from, output }) => `<li><code>${text(name)}</code> ← ${text(from)}.${text(output)}</li>`);
  return `<p>${text(vscode.l10n.t("Outputs of the pipeline"))}</p><ul>${list.join("")}</ul>`;
}

/** A row a step, its bar from when its turn came to its end; the table says the same in words. */
function timeline(run: RunSnapshot, steps: StepSnapshot[], now: number): string {
  const begin = Math.min(run.startedAt, ...steps.flatMap(({ startedAt, reused }) => (startedAt === null || reused ? [] : [startedAt])));
  const end = Math.max(begin + 1, run.endedAt ?? now);
  const x = (ms: number) => ((Math.max(begin, ms) - begin) / (end - begin)) * CHART.width;
  const rows = steps.map((step) => {
    const ran = step.startedAt !== null && !step.reused;
    const [from, to] = ran ? [x(step.startedAt ?? begin), x(step.endedAt ?? end)] : [0, 0];
    const bar = ran ? `<rect class="${text(step.state)}" x="${from.toFixed(1)}" width="${Math.max(2, to - from).toFixed(1)}" height="${CHART.row}"/>` : "";
    const svg = `<svg class="gantt" viewBox="0 0 ${CHART.width} ${CHART.row}" preserveAspectRatio="none" aria-hidden="true"><path d="M0 0V${CHART.row}M${CHART.width / 2} 0V${CHART.row}M${CHART.width} 0V${CHART.row}"/>${bar}</svg>`;
    const name = step.run === null ? text(step.name) : opening("showRun", step.name, `data-run="${text(step.run)}"`);
    const again = step.run !== null && run.endedAt !== null ? opening("debugStep", vscode.l10n.t("Debug This Step"), `data-run="${text(run.run)}" data-step="${text(step.name)}"`) : "";
    const since = ran ? vscode.l10n.t("from {0}", duration((step.startedAt ?? begin) - begin)) : "";
    return `<tr><th scope="row">${name}</th><td>${svg}</td><td>${text(words(step, now))}</td><td>${text(since)}</td><td>${again}</td></tr>`;
  });
  const half = duration((end - begin) / 2);
  const axis = `<tr class="axis"><th scope="row">${text(vscode.l10n.t("Time"))}</th><td><svg class="gantt" viewBox="0 0 ${CHART.width} ${CHART.row}" aria-hidden="true"><text x="0" y="10">0</text><text x="${CHART.width / 2}" y="10" text-anchor="middle">${text(half)}</text><text x="${CHART.width}" y="10" text-anchor="end">${text(duration(end - begin))}</text></svg></td><td></td><td></td><td></td></tr>`;
  return `<table class="timeline"><tbody>${rows.join("")}${axis}</tbody></table>`;
}

function opening(command: string, title: string, data: string): string {
  return `<button type="button" class="link" data-command="amlDebug.${command}" data-key="${command} ${text(title)} ${text(data)}" ${data}>${text(title)}</button>`;
}

/** State and time, as under a step's name. */
function words({ state, reused, startedAt, endedAt }: StepSnapshot, now: number): string {
  if (reused) {
    return vscode.l10n.t("{0} · result of an earlier run", stateWord(state));
  }
  return startedAt === null ? stateWord(state) : `${stateWord(state)} · ${duration(Math.max(0, (endedAt ?? now) - startedAt))}`;
}

function cut(whole: string, letters: number): string {
  return whole.length > letters ? `${whole.slice(0, letters - 1)}…` : whole;
}
