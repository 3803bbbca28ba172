// A folder that its user does not trust: specs are read and checked, nothing of it is run.

import type { Story } from "../stories.ts";
import { nothingIsLeft } from "./ground.ts";

export const untrusted: Story = {
  locale: "en",
  trusts: false,
  steps: {
    "the user does not trust the folder": async (vscode) => {
      await vscode.confirm("No, I don't trust the authors");
      await vscode.page.locator(".statusbar", { hasText: "Restricted Mode" }).waitFor();
    },

    "its specifications are checked all the same": async (vscode) => {
      await vscode.openFile("job.yml");
      await vscode.lens("Check").first().click();
      await vscode.toast("nothing to complain about").waitFor();
      await vscode.clearToasts();
    },

    "they are not run": async (vscode) => {
      await vscode.lens("Run").first().click();
      await vscode.toast("this workspace is not trusted").waitFor();
    },

    "nothing has run": async (_vscode, ground) => nothingIsLeft(ground, 0),
  },
};
