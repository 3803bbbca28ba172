// The page of a run as HTML. Everything that comes from a run is escaped; widths are attributes of SVG, since the
// page's policy lets no element have a style of its own.

import * as vscode from "vscode";
import type { OutputsAnswer, PhaseSnapshot, RunSnapshot } from "../protocol";
import { runName } from "../rows";
import { pipeline } from "./graph";
import { duration, failureLines, moment, outcomeWord, phaseWord, say, size, stateWord } from "../words";

/** A file and as much of it as is shown. */
export interface Preview {
  file: string;
  name: string;
  bytes: number;
  picture?: string;
  text?: string;
}

/** Lines of a text that are shown. */
const LINES = 30;

const PLOT = { width: 420, height: 140, left: 56, bottom: 20 };

/** The frame, into which [`body`] is put. */
export function page(source: string, nonce: string, language: string, title: string): string {
  const policy = `default-src 'none'; img-src ${source}; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="${text(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${text(policy)}">
<title>${text(title)}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body><main aria-live="polite"></main><script nonce="${nonce}">${SCRIPT}</script></body>
</html>`;
}

/** What there is to say of a run. */
export function body(run: RunSnapshot, left: OutputsAnswer, previews: Preview[]): string {
  return [heading(run), failure(run), pipeline(run, Date.now()), timeline(run.phases), plots(left), files(previews), environment(run)].join("\n");
}

function heading(run: RunSnapshot): string {
  const time = run.endedAt === null ? moment(run.startedAt) : `${moment(run.startedAt)} · ${duration(run.endedAt - run.startedAt)}`;
  const buttons = [
    ...(["attach", "takeOver", "rerun"].some((action) => run.actions.includes(action)) ? [button("startDebugger", vscode.l10n.t("Start Debugger"))] : []),
    ...(run.actions.includes("rerun") ? [button("rerun", vscode.l10n.t("Rerun"))] : []),
    ...(run.parent === null ? [] : [button("showRun", vscode.l10n.t("Open the Pipeline"), undefined, run.parent)]),
    ...(run.actions.includes("cancel") ? [button("cancel", vscode.l10n.t("Cancel"))] : []),
    button("openLog", vscode.l10n.t("Open Log")),
    button("openSpec", vscode.l10n.t("Open Specification")),
  ];
  return `<h1>${text(runName(run))}</h1>
<p><strong>${text(stateWord(run.state))}</strong> · ${text(time)} · ${text(run.experiment)} · <code>${text(run.run)}</code></p>
<p>${buttons.join(" ")}</p>`;
}

function failure(run: RunSnapshot): string {
  if (!run.failure) {
    return "";
  }
  const [what, ...more] = failureLines(run.failure);
  return `<section role="alert"><h2>${text(what ?? "")}</h2><pre>${text(more.join("\n"))}</pre></section>`;
}

function timeline(phases: PhaseSnapshot[]): string {
  const all = Math.max(1, phases.reduce((sum, { ms }) => sum + (ms ?? 0), 0));
  let before = 0;
  const rows = phases.map((phase) => {
    const [start, width] = [(before / all) * 100, Math.max(0.5, ((phase.ms ?? 0) / all) * 100)];
    before += phase.ms ?? 0;
    const time = phase.ms === null ? vscode.l10n.t("under way") : duration(phase.ms);
    const said = [phase.cause ?? phase.note, phase.fix].flatMap((words) => (words ? [say(words)] : [])).join(" — ");
    const bar = `<svg class="bar ${text(phase.outcome)}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect x="${start.toFixed(2)}" width="${width.toFixed(2)}" height="10"/></svg>`;
    return `<tr><th scope="row">${text(phaseWord(phase.name))}</th><td>${bar}</td><td>${text(time)}</td><td>${text(outcomeWord(phase.outcome))}</td><td>${text(said)}</td></tr>`;
  });
  return section(vscode.l10n.t("Phases"), `<table><tbody>${rows.join("")}</tbody></table>`);
}

function plots({ metricHistory }: OutputsAnswer): string {
  const figures = Object.entries(metricHistory).map(([name, values]) => plot(name, values ?? []));
  return figures.length === 0 ? "" : section(vscode.l10n.t("Metrics"), `<div class="plots">${figures.join("")}</div>`);
}

/** A line through the values, or a dot where there is only one; the values themselves stand below it. */
function plot(name: string, values: [number, number][]): string {
  const [xs, ys] = [values.map(([step]) => step), values.map(([, value]) => value)];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const { width, height } = PLOT;
  const x = (step: number) => PLOT.left + ((step - left) / (right - left || 1)) * (width - PLOT.left - 8);
  const y = (value: number) => 8 + (1 - (value - low) / (high - low || 1)) * (height - PLOT.bottom - 8);
  const points = values.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
  const drawn = points.length === 1 ? `<circle cx="${x(left)}" cy="${y(low)}" r="3"/>` : `<polyline points="${points.join(" ")}"/>`;
  const last = ys.at(-1) ?? 0;
  const label = vscode.l10n.t("{0}: {1} values from {2} to {3}, the last one {4}", name, values.length, number(low), number(high), number(last));
  const rows = values.map(([step, value]) => `<tr><td>${number(step)}</td><td>${number(value)}</td></tr>`).join("");
  const table = `<details><summary>${text(vscode.l10n.t("Values"))}</summary><table><thead><tr><th scope="col">${text(vscode.l10n.t("Step"))}</th><th scope="col">${text(vscode.l10n.t("Value"))}</th></tr></thead><tbody>${rows}</tbody></table></details>`;
  return `<figure><figcaption>${text(name)} <strong>${number(last)}</strong></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${text(label)}">
<path d="M${PLOT.left} 4V${height - PLOT.bottom}H${width}"/>${drawn}
<text x="${PLOT.left - 4}" y="14" text-anchor="end">${number(high)}</text>
<text x="${PLOT.left - 4}" y="${height - PLOT.bottom}" text-anchor="end">${number(low)}</text>
<text x="${PLOT.left}" y="${height - 4}">${number(left)}</text>
<text x="${width - 8}" y="${height - 4}" text-anchor="end">${number(right)}</text>
</svg>${table}</figure>`;
}

function files(previews: Preview[]): string {
  const shown = previews.map(({ file, name, bytes, picture, text: content }) => {
    const lines = content?.split("\n") ?? [];
    const more = lines.length > LINES ? "\n…" : "";
    const inside = picture ? `<img src="${text(picture)}" alt="${text(name)}">` : content === undefined ? "" : `<pre>${text(lines.slice(0, LINES).join("\n") + more)}</pre>`;
    return `<li>${button("openOutput", name, file)} ${text(size(bytes))}${inside}</li>`;
  });
  return section(vscode.l10n.t("Outputs"), shown.length === 0 ? `<p>${text(vscode.l10n.t("no files yet"))}</p>` : `<ul>${shown.join("")}</ul>`);
}

function environment(run: RunSnapshot): string {
  const rows: [string, string][] = [
    [vscode.l10n.t("Specification"), run.spec],
    [vscode.l10n.t("Image"), run.image ?? "–"],
    ...(run.mapping ? [[vscode.l10n.t("Code"), `${run.mapping.localRoot} → ${run.mapping.remoteRoot}`] as [string, string]] : []),
    ...(run.exitCode === null ? [] : [[vscode.l10n.t("Exit code"), String(run.exitCode)] as [string, string]]),
  ];
  const table = rows.map(([name, value]) => `<tr><th scope="row">${text(name)}</th><td><code>${text(value)}</code></td></tr>`).join("");
  const why = run.image ? button("whyImage", vscode.l10n.t("Why this image?")) : "";
  return section(vscode.l10n.t("Environment"), `<table><tbody>${table}</tbody></table><p>${why}</p>`);
}

export function section(title: string, inside: string): string {
  return `<section><h2>${text(title)}</h2>${inside}</section>`;
}

export function button(command: string, title: string, file?: string, run?: string): string {
  const of = (file === undefined ? "" : ` data-file="${text(file)}"`) + (run === undefined ? "" : ` data-run="${text(run)}"`);
  return `<button type="button" data-command="amlDebug.${command}" data-key="${command} ${text(file ?? "")}"${of}>${text(title)}</button>`;
}


function number(value: number): string {
  return new Intl.NumberFormat(vscode.env.language, { maximumSignificantDigits: 4 }).format(value);
}

export function text(raw: string): string {
  const safe: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return raw.replace(/[&<>"']/g, (character) => safe[character] ?? character);
}

const STYLE = `
body { font-family: var(--vscode-font-family); font-size: var(--vscode-font-size); color: var(--vscode-foreground); max-width: 60em; padding: 0 1.5em 2em; }
h1 { font-size: 1.6em; font-weight: normal; margin-bottom: 0; } h2 { font-size: 1.1em; border-bottom: 1px solid var(--vscode-panel-border); }
code, pre { font-family: var(--vscode-editor-font-family); } pre { overflow: auto; background: var(--vscode-textCodeBlock-background); padding: .6em; }
table { border-spacing: 0; } th, td { text-align: left; padding: .15em 1.2em .15em 0; font-weight: normal; vertical-align: top; } th, td:not(:last-child) { white-space: nowrap; }
button { color: var(--vscode-button-secondaryForeground); background: var(--vscode-button-secondaryBackground); border: 1px solid var(--vscode-button-border, transparent); padding: .25em .8em; cursor: pointer; }
button:hover { background: var(--vscode-button-secondaryHoverBackground); } button:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 2px; }
section[role=alert] h2 { color: var(--vscode-errorForeground); } section[role=alert] pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.bar { width: 16em; height: .8em; background: var(--vscode-editorWidget-background); fill: var(--vscode-charts-green); }
.bar.failed { fill: var(--vscode-charts-red); } .bar.running { fill: var(--vscode-charts-blue); } .bar.cancelled { fill: var(--vscode-descriptionForeground); }
.plots { display: flex; flex-wrap: wrap; gap: 1.5em; } figure { margin: 0; } figure svg { width: 26em; }
figure polyline, figure path { fill: none; stroke: var(--vscode-charts-blue); stroke-width: 1.5; } figure path { stroke: var(--vscode-panel-border); } figure circle { fill: var(--vscode-charts-blue); }
.graph { overflow-x: auto; } .graph svg { max-width: none; } .graph text { font-size: 13px; fill: var(--vscode-foreground); } .graph text.state, .edge text { font-size: 11px; fill: var(--vscode-descriptionForeground); }
.node > rect { fill: var(--vscode-editorWidget-background); stroke: var(--vscode-contrastBorder, var(--vscode-panel-border)); } .node > rect.mark { stroke: none; fill: var(--vscode-descriptionForeground); }
.node[data-command] { cursor: pointer; } .node[data-command]:hover > rect:first-of-type { stroke: var(--vscode-focusBorder); } .node:focus { outline: none; } .node:focus-visible > rect:first-of-type { stroke: var(--vscode-focusBorder); stroke-width: 2.5; }
.node.completed > rect.mark, .gantt .completed { fill: var(--vscode-charts-green); } .node.failed > rect.mark, .gantt .failed { fill: var(--vscode-charts-red); } .node.running > rect.mark, .gantt .running, .node.preparing > rect.mark, .gantt .preparing { fill: var(--vscode-charts-blue); }
.node.waiting > rect.mark, .gantt .waiting, .node.paused > rect.mark, .gantt .paused { fill: var(--vscode-charts-yellow); } .gantt rect { fill: var(--vscode-descriptionForeground); } .node.pending > rect, .node.skipped > rect { stroke-dasharray: 4 3; }
.bug { fill: var(--vscode-charts-red); } .edge path { fill: none; stroke: var(--vscode-descriptionForeground); stroke-width: 1.3; } #arrow path { fill: var(--vscode-descriptionForeground); }
.timeline td { white-space: nowrap; } .gantt { width: 24em; height: .9em; } .gantt path { fill: none; stroke: var(--vscode-descriptionForeground); stroke-opacity: .4; } .gantt text { font-size: 10px; fill: var(--vscode-descriptionForeground); }
button.link { background: none; border: none; padding: 0; color: var(--vscode-textLink-foreground); } button.link:hover { background: none; text-decoration: underline; }
.good { color: var(--vscode-charts-green); } .bad { color: var(--vscode-errorForeground); } tr[aria-current] td { font-weight: bold; }
figure text { font-size: 10px; fill: var(--vscode-descriptionForeground); } ul { list-style: none; padding: 0; } img { display: block; max-width: 100%; margin-top: .5em; }
`;

const SCRIPT = `
const vscode = acquireVsCodeApi();
addEventListener("message", ({ data }) => {
  const main = document.querySelector("main");
  const [key, open] = [document.activeElement?.dataset?.key, [...main.querySelectorAll("details")].map((one) => one.open)];
  main.innerHTML = data;
  main.querySelectorAll("details").forEach((one, index) => { one.open = open[index] ?? false; });
  if (key) [...main.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key)?.focus();
});
function press(target) {
  const pressed = target.closest("[data-command]");
  if (pressed) vscode.postMessage({ ...pressed.dataset });
  return pressed;
}
addEventListener("click", ({ target }) => press(target));
addEventListener("keydown", (event) => {
  const drawn = event.target.closest("g[data-command]");
  if (drawn && (event.key === "Enter" || event.key === " ") && press(drawn)) event.preventDefault();
});
vscode.postMessage({});
`;
