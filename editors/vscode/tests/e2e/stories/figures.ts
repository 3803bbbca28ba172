// Figures: how long the extension takes to be there, and a tree with ten thousand runs. They are printed; a step fails
// where one is far from what it should be, since other work may slow this machine down.

import type { Story } from "../stories.ts";
import type { Workbench } from "../workbench.ts";
import { disperse, firstPages, multiply } from "../crowd.ts";
import { listRuns } from "../engine.ts";

/** How far a figure may be from what it should be before it is called wrong. */
const SLACK = 10;

export const figures: Story = {
  locale: "en",
  steps: {
    "the extension is activated": async (vscode) => {
      await vscode.openFile("job.yml");
      await vscode.lens("Debug").first().waitFor();
      judge("activation", await vscode.activation(), 100);
    },

    "ten thousand runs are there": async (vscode, ground) => {
      await vscode.openFile("learn.yml");
      await vscode.lens("Run").first().click();
      await vscode.toast(/is completed/).waitFor();
      await vscode.clearToasts();
      multiply(ground);
      await vscode.openView("Azure ML Debug");
      await vscode.command("Azure ML: Refresh runs");
      await vscode.row("Experiment leaves, 10000 runs").waitFor();
    },

    "their first page is there at once": async (_vscode, ground) => {
      const times = await firstPages(ground, "leaves", 20);
      judge("first page of ten thousand runs", times.toSorted((one, other) => one - other)[10] ?? NaN, 50);
    },

    "the tree scrolls, and has more at its end": async (vscode) => {
      await vscode.row(/^Run learn.yml, completed/).first().click();
      await vscode.row(/^Phases/).first().waitFor();
      await toTheEnd(vscode);
      await vscode.row("Load more…").click();
      await vscode.row("Load more…").waitFor({ state: "detached" });
      await vscode.row(/^Run learn.yml, completed/).last().click();
      await toTheEnd(vscode);
    },

    "they are forgotten again": async (_vscode, ground) => {
      disperse(ground);
      if (listRuns(ground).length !== 1) {
        throw new Error("one run should be left");
      }
    },
  },
};

/** The rows of a run that has been opened may come a moment later: then the end is further down, and the row that was drawn
 * there lies below what is seen, or is gone. */
async function toTheEnd(vscode: Workbench): Promise<void> {
  const isSeen = (rows: Element[]) =>
    rows.some((row) => row.getBoundingClientRect().bottom <= (row.closest(".customview-tree")?.getBoundingClientRect().bottom ?? 0));
  await vscode.insist(() => vscode.page.keyboard.press("End"), () => vscode.row("Load more…").evaluateAll(isSeen));
}

function judge(what: string, figure: number, wanted: number): void {
  console.log(`figure: ${what}: ${figure.toFixed(1)} ms (wanted: at most ${wanted} ms)`);
  if (!(figure <= wanted * SLACK)) {
    throw new Error(`${what} took ${figure} ms`);
  }
}
