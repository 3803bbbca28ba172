// The answers of a deployment as HTML, the last one in full.

import * as vscode from "vscode";
import type { InvokeAnswer } from "../protocol";
import { button, section, text } from "../run_page/html";
import { duration, failureLines, size } from "../words";

/** What a page of answers shows. */
export interface Shown {
  deployment: string;
  /** Newest first. */
  answers: InvokeAnswer[];
  /** The one that is shown in full. */
  chosen: number;
  /** A request is under way. */
  waiting: boolean;
  /** There is a request that can be sent once more. */
  again: boolean;
  /** Why the last request had no answer at all. */
  failure: string | undefined;
}

/** Characters of a body that are shown; the rest opens as a text of its own. */
const MOST_SHOWN = 20_000;

export function answers(shown: Shown): string {
  const { deployment, waiting, again, failure } = shown;
  const chosen = shown.answers[shown.chosen];
  return [
    `<h1>${text(deployment)}</h1>`,
    again ? `<p>${button("again", vscode.l10n.t("Send Again"))}</p>` : "",
    waiting ? `<p role="status"><strong>${text(vscode.l10n.t("Waiting for the answer. Where a debugger stands in the code, it comes when the code goes on."))}</strong></p>` : "",
    failure === undefined ? "" : `<section role="alert"><h2>${text(failure)}</h2></section>`,
    chosen ? full(chosen) : waiting ? "" : `<p>${text(vscode.l10n.t("Nothing was asked yet."))}</p>`,
    history(shown),
  ].join("\n");
}

function full(answer: InvokeAnswer): string {
  const took = [
    duration(answer.ms),
    ...(answer.runMs === null ? [] : [vscode.l10n.t("{0} in run()", duration(answer.runMs))]),
    ...(answer.debugged ? [vscode.l10n.t("under the debugger")] : []),
  ].join(" · ");
  const good = answer.status < 400 && answer.failure === null;
  const said = answer.failure ? `<section role="alert"><h2>${text(failureLines(answer.failure).join(" "))}</h2></section>` : "";
  const headers = Object.entries(answer.headers).map(([name, value]) => `<tr><th scope="row">${text(name)}</th><td><code>${text(value ?? "")}</code></td></tr>`).join("");
  const title = `${answer.request} → ${answer.status}`;
  return `<section><h2>${text(title)}</h2>
<p><strong class="${good ? "good" : "bad"}">${answer.status} ${text(good ? vscode.l10n.t("answered") : vscode.l10n.t("failed"))}</strong> · ${text(took)} · ${text(clock(answer.at))}</p>
${said}${body(answer)}
<p>${button("openBody", answer.base64 === null ? vscode.l10n.t("Open as Text") : vscode.l10n.t("Save…"))}${good ? "" : ` ${button("openLog", vscode.l10n.t("Open Log"))}`}</p>
<details><summary>${text(vscode.l10n.t("Headers"))}</summary><table><tbody>${headers}</tbody></table></details></section>`;
}

function body({ body: content, base64, headers }: InvokeAnswer): string {
  if (base64 !== null) {
    const kind = (headers["content-type"] ?? "").split(";")[0] ?? "";
    const bytes = Math.floor((base64.length * 3) / 4);
    const picture = /^image\/(png|jpeg|gif|webp)$/.test(kind) ? `<img src="data:${kind};base64,${text(base64)}" alt="${text(vscode.l10n.t("the picture that was answered"))}">` : "";
    return `${picture}<p>${text(vscode.l10n.t("Binary, {0}", size(bytes)))}</p>`;
  }
  const written = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  const more = written.length > MOST_SHOWN ? "\n…" : "";
  return `<pre>${text(written.slice(0, MOST_SHOWN) + more)}</pre>`;
}

function history({ answers, chosen }: Shown): string {
  if (answers.length < 2) {
    return "";
  }
  const rows = answers.map((answer, index) => {
    const name = button("answer", clock(answer.at), String(index));
    const here = index === chosen ? ` aria-current="true"` : "";
    return `<tr${here}><td>${name}</td><td>${text(answer.request)}</td><td>${answer.status}</td><td>${text(duration(answer.ms))}</td></tr>`;
  });
  return section(vscode.l10n.t("The last answers"), `<table><tbody>${rows.join("")}</tbody></table>`);
}

function clock(ms: number): string {
  return new Intl.DateTimeFormat(vscode.env.language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(new Date(ms));
}
