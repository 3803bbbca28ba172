// What people read: sentences of the sidecar in the language of the editor, states, times, sizes.

import * as fs from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import type { FailureText, Text } from "./protocol";

let sidecarWords = new Map<string, string>();

/** Loads the sidecar's sentences in the editor's language, by message id; without a catalogue they stay English. */
export function load(extension: vscode.Uri): void {
  const language = vscode.env.language.split("-")[0];
  const file = path.join(extension.fsPath, "dist", `${language}.properties`);
  sidecarWords = fs.existsSync(file) ? catalogue(fs.readFileSync(file, "utf8")) : new Map<string, string>();
}

/** A catalogue: `id = text`, a line each. */
function catalogue(text: string): Map<string, string> {
  const entries = [...text.matchAll(/^([\w.-]+) = (.*)$/gm)];
  return new Map(entries.map(([, id, words]) => [id ?? "", (words ?? "").replaceAll("\\n", "\n")]));
}

/** A sentence of the sidecar. */
export function say(text: Text): string {
  const template = sidecarWords.get(text.id);
  if (template === undefined) {
    return text.text;
  }
  const values = new Map(text.args);
  text.parts?.forEach(([name, part]) => values.set(name, say(part)));
  const filled = template.replace(/\{([\w-]+)\}/g, (whole, name: string) => {
    const value = values.get(name);
    return value === undefined ? whole : `${GAP}${value}${GAP}`;
  });
  return filled.replace(SPACE_IN_JAPANESE, "").replaceAll(GAP, "");
}

/** Marks where a value begins and ends. */
const GAP = "\0";

/** Japanese has a space between Latin and Japanese letters, and none between Japanese ones. */
const SPACE_IN_JAPANESE = /(?<=[\u3000-\u9fff\uff00-\uffef]) (?=\0[\u3000-\u9fff\uff00-\uffef])|(?<=[\u3000-\u9fff\uff00-\uffef]\0) (?=[\u3000-\u9fff\uff00-\uffef])/g;

/** What failed and what to do, or for want of that the first words of whoever failed. */
export function sayFailure(failure: FailureText): string {
  const [more] = failure.fix ? [say(failure.fix)] : [...(failure.said ?? []).map(say), ...failure.detail];
  return [say(failure.what), ...(more ? [more] : [])].map(sentence).join(" ");
}

/** All of a failure, a line each. */
export function failureLines({ what, detail, said = [], fix }: FailureText): string[] {
  return [sentence(say(what)), ...said.map(say), ...detail.slice(said.length), ...(fix ? [sentence(say(fix))] : [])];
}

/** A fragment as a sentence. */
export function sentence(text: string): string {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?。:]$/.test(upper) ? upper : vscode.l10n.t("{0}.", upper);
}

/** The state of a run as it is shown; an unknown one shows its own word. */
export function stateWord(state: string): string {
  switch (state) {
    case "preparing":
      return vscode.l10n.t("preparing");
    case "waiting":
      return vscode.l10n.t("waiting for a debugger");
    case "running":
      return vscode.l10n.t("running");
    case "paused":
      return vscode.l10n.t("paused");
    case "stopping":
      return vscode.l10n.t("stopping");
    case "completed":
      return vscode.l10n.t("completed");
    case "failed":
      return vscode.l10n.t("failed");
    case "cancelled":
      return vscode.l10n.t("cancelled");
    case "lost":
      return vscode.l10n.t("lost");
    case "pending":
      return vscode.l10n.t("waiting for its turn");
    case "skipped":
      return vscode.l10n.t("skipped");
    default:
      return state;
  }
}

/** How a phase came out, as it is shown. */
export function outcomeWord(outcome: string): string {
  switch (outcome) {
    case "ok":
      return vscode.l10n.t("ok");
    case "running":
      return vscode.l10n.t("under way");
    default:
      return stateWord(outcome);
  }
}

/** The name of a phase as it is shown. */
export function phaseWord(phase: string): string {
  switch (phase) {
    case "resolve":
      return vscode.l10n.t("Read the specification");
    case "build":
      return vscode.l10n.t("Image");
    case "create":
      return vscode.l10n.t("Create the container");
    case "start":
      return vscode.l10n.t("Start the container");
    case "attach":
      return vscode.l10n.t("Attach the debugger");
    case "run":
      return vscode.l10n.t("Run");
    case "collect":
      return vscode.l10n.t("Collect outputs");
    default:
      return phase;
  }
}

/** A duration in milliseconds. */
export function duration(ms: number): string {
  if (ms < 1000) {
    return vscode.l10n.t("{0} ms", Math.round(ms));
  }
  if (ms < 60_000) {
    return vscode.l10n.t("{0} s", (ms / 1000).toFixed(1));
  }
  const minutes = Math.floor(ms / 60_000);
  return vscode.l10n.t("{0} min {1} s", minutes, Math.round((ms % 60_000) / 1000));
}

/** A moment in milliseconds since 1970: the time of day, with the date where that is another day. */
export function moment(ms: number): string {
  const at = new Date(ms);
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const isToday = at.toDateString() === new Date().toDateString();
  const form = isToday ? time : ({ ...time, year: "numeric", month: "short", day: "numeric" } as const);
  return new Intl.DateTimeFormat(vscode.env.language, form).format(at);
}

/** A size in bytes. */
export function size(bytes: number): string {
  if (bytes < 1024) {
    return vscode.l10n.t("{0} B", bytes);
  }
  const kib = bytes / 1024;
  return kib < 1024 ? vscode.l10n.t("{0} KiB", kib.toFixed(1)) : vscode.l10n.t("{0} MiB", (kib / 1024).toFixed(1));
}

/** How long ago a moment was, in the largest unit that fits. */
export function ago(ms: number): string {
  const units: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000]];
  const passed = Math.max(0, Date.now() - ms);
  const [unit, length] = units.find(([, length]) => passed >= length) ?? ["minute", Infinity];
  return new Intl.RelativeTimeFormat(vscode.env.language, { numeric: "auto" }).format(-Math.floor(passed / length), unit);
}
