// Commands on the images that were built here.

import * as vscode from "vscode";
import { chooseImage } from "../choose";
import { asNode, type Command, type Parts } from "../commands";
import type { WhyImageAnswer } from "../protocol";
import { say, size } from "../words";

/** Shows what an image was made from, and what made it another one than its predecessor. */
export const whyImage: Command = async (parts, target) => {
  const image = await theImage(parts, target);
  if (image) {
    const answer = await parts.sidecar.request("aml/whyImage", { image });
    await parts.pages.show(`${image.split(":").at(-1) ?? image}.diff`, explained(answer));
  }
};

/** Says what would go before anything goes. */
export const pruneImages: Command = async ({ sidecar, runs }) => {
  const { images } = await sidecar.request("aml/pruneImages", { dryRun: true });
  const going = images.filter(({ kept }) => kept === null);
  if (going.length === 0) {
    const [first] = images;
    const why = first?.kept ? ` ${first.image}: ${say(first.kept)}` : "";
    void vscode.window.showInformationMessage(`${vscode.l10n.t("Every image is in use.")}${why}`);
    return;
  }
  const bytes = going.reduce((sum, image) => sum + image.bytes, 0);
  const remove = vscode.l10n.t("Remove");
  const question = vscode.l10n.t("Remove {0} images that nothing needs any more ({1})?", going.length, size(bytes));
  const detail = going.map(({ image, bytes }) => `${image} · ${size(bytes)}`).join("\n");
  if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, remove)) === remove) {
    const options = { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t("Removing images") };
    await vscode.window.withProgress(options, () => sidecar.request("aml/pruneImages", { dryRun: false }));
    runs.refresh();
  }
};

async function theImage({ sidecar }: Parts, target: unknown): Promise<string | undefined> {
  const node = asNode(target);
  if (node?.kind === "image") {
    return node.image.image;
  }
  return (node?.kind === "run" && node.run.image) || chooseImage(sidecar);
}

function explained({ image, parts, comparedWith, changes }: WhyImageAnswer): string {
  const lines = [image.image, vscode.l10n.t("Built on {0}", image.base), ""];
  if (comparedWith === null) {
    lines.push(vscode.l10n.t("The first of its kind. It was built from:"));
    for (const [part, content] of parts) {
      lines.push(part, ...content.trimEnd().split("\n").map((line) => `  ${line}`));
    }
  } else {
    lines.push(vscode.l10n.t("Compared with {0}:", comparedWith));
    for (const { part, added, removed } of changes) {
      lines.push(part, ...removed.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`));
    }
  }
  return `${lines.join("\n")}\n`;
}
