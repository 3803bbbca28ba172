// What a person does in the workbench, by what a person sees. Every wait is on something that appears.

import * as path from "node:path";
import { chromium, type Browser, type Locator, type Page } from "playwright-core";

/** The machine is shared: what takes a second alone may take half a minute. */
export const PATIENCE = 60_000;

/** What a run may take: an image is built in it. */
export const RUN_PATIENCE = 120_000;

export class Workbench {
  private shots = 0;

  readonly page: Page;
  private readonly browser: Browser;
  private readonly results: string;

  private constructor(browser: Browser, page: Page, results: string) {
    this.browser = browser;
    this.page = page;
    this.results = results;
  }

  static async open(url: string, locale: string, results: string, shots = 0): Promise<Workbench> {
    const browser = await chromium.launch({
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      headless: true,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    const context = await browser.newContext({
      viewport: { width: 1400, height: 900 },
      locale: locale === "ja" ? "ja-JP" : "en-US",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(url, { waitUntil: "domcontentloaded" });
    const workbench = new Workbench(browser, page, results);
    workbench.shots = shots;
    await page.locator(".monaco-workbench").waitFor({ timeout: RUN_PATIENCE });
    await workbench.page.locator(".activitybar").getByRole("tab").first().waitFor({ timeout: RUN_PATIENCE });
    return workbench;
  }

  /** Another window, with a state of its own, beside this one. */
  async window(url: string): Promise<Workbench> {
    return Workbench.open(url, "en", this.results, this.shots);
  }

  /** Keeps what is to be seen now. */
  async shot(name: string): Promise<void> {
    this.shots += 1;
    const number = String(this.shots).padStart(2, "0");
    await this.page.screenshot({ path: path.join(this.results, `${number}-${name}.png`) });
  }

  /** What the window says besides, for whoever looks for the reason of a failure. */
  async said(): Promise<string> {
    const texts = await this.page.locator(".notification-toast, .monaco-dialog-box, .quick-input-widget:visible .quick-input-title").allInnerTexts().catch(() => []);
    return texts.map((text) => `  in the window: ${text.replaceAll(/\s+/g, " ")}\n`).join("");
  }

  async close(): Promise<void> {
    await this.browser.close();
  }

  /** The status-bar item, which is there as soon as the extension is. */
  status(): Locator {
    return this.page.locator('[id="aml-debug.aml-debug.amlDebug.status"]');
  }

  async command(title: string): Promise<void> {
    const input = this.page.locator(".quick-input-widget:visible .quick-input-box input");
    const asks = async () => (await input.count()) > 0 && (await input.inputValue()).startsWith(">");
    await this.insist(async () => {
      await this.page.keyboard.press("Escape");
      await this.page.keyboard.press("F1");
      await input.fill(`>${title}`, { timeout: 5000 });
      await this.focus(title);
      await this.page.keyboard.press("Enter");
    }, async () => !(await asks()));
  }

  /** Goes to an entry of the list: what was used lately stands above it. */
  private async focus(text: string): Promise<void> {
    const rows = this.page.locator(".quick-input-list .monaco-list-row");
    await rows.filter({ hasText: text }).first().waitFor({ timeout: 5000 });
    const focused = this.page.locator(".quick-input-list .monaco-list-row.focused", { hasText: text });
    for (let step = await rows.count(); step > 0 && (await focused.count()) === 0; step -= 1) {
      await this.page.keyboard.press("ArrowDown");
    }
    await focused.waitFor({ timeout: 1000 });
  }

  async pick(label: string): Promise<void> {
    await this.option(label).click();
  }

  /** Takes an entry if there is a question, and goes on if there is none. */
  async pickIfAsked(label: string): Promise<void> {
    await this.option(label).click({ timeout: 3000 }).catch(() => undefined);
  }

  async openFile(name: string): Promise<void> {
    const tab = this.page.locator(".tab.active", { hasText: path.basename(name) });
    await this.insist(async () => {
      await this.page.keyboard.press("Escape");
      await this.page.keyboard.press("Control+P");
      await this.page.locator(".quick-input-widget:visible .quick-input-box input").fill(name, { timeout: 5000 });
      await this.page.locator(".quick-input-list .monaco-list-row.focused", { hasText: path.basename(name) }).waitFor({ timeout: 5000 });
      await this.page.keyboard.press("Enter");
    }, async () => (await tab.count()) > 0);
  }

  /** Does something until it has come about: a list that is drawn anew at that moment swallows a key, and one that
   * was made before the extensions were known does not have their commands. */
  async insist(attempt: () => Promise<void>, cameAbout: () => Promise<boolean>, patience = PATIENCE): Promise<void> {
    const end = Date.now() + patience;
    for (;;) {
      const hindered = await attempt().then(() => undefined, String);
      for (let look = 0; look < 20; look += 1) {
        if (await cameAbout()) {
          return;
        }
        await this.page.waitForTimeout(100);
      }
      if (Date.now() > end) {
        throw new Error(hindered ?? "it did not come about");
      }
    }
  }

  async openView(name: string): Promise<void> {
    const tab = this.page.locator(".activitybar").getByRole("tab", { name });
    if ((await tab.getAttribute("aria-selected")) !== "true") {
      await tab.click();
    }
  }

  async breakpoint(line: number): Promise<void> {
    const number = this.page.locator(".margin-view-overlays .line-numbers", { hasText: new RegExp(`^${line}$`) });
    const box = await number.boundingBox();
    if (!box) {
      throw new Error(`line ${line} is not visible`);
    }
    await this.page.mouse.click(box.x - 10, box.y + box.height / 2);
    await this.page.locator(".codicon-debug-breakpoint").first().waitFor();
  }

  lens(title: string): Locator {
    return this.page.locator(".codelens-decoration a", { hasText: title });
  }

  welcome(text: string): Locator {
    return this.page.locator(".sidebar .welcome-view", { hasText: text });
  }

  row(name: RegExp | string): Locator {
    return this.page.locator(".sidebar .customview-tree").getByRole("treeitem", { name });
  }

  async expand(row: Locator): Promise<void> {
    if ((await row.getAttribute("aria-expanded")) === "false") {
      await row.locator(".monaco-tl-twistie").click();
      await this.page.waitForFunction((element) => element?.getAttribute("aria-expanded") === "true", await row.elementHandle());
    }
  }

  async inline(row: Locator, action: string): Promise<void> {
    await row.hover();
    await row.locator(`.actions a.action-label[aria-label="${action}"]`).click();
  }

  /** An entry of a row's context menu. */
  async menu(row: Locator, action: string): Promise<void> {
    await row.click({ button: "right" });
    const entry = this.page.locator(".monaco-menu .action-item", { hasText: action }).first();
    await entry.waitFor();
    // A menu ignores the mouse for its first tenth of a second.
    await this.page.waitForTimeout(200);
    await entry.click();
    await this.page.locator(".monaco-menu").waitFor({ state: "detached" });
  }

  /** An entry of the list at the top of the window. */
  option(label: string): Locator {
    return this.page.locator(".quick-input-widget:visible .quick-input-list .monaco-list-row", { hasText: label }).first();
  }

  /** What is offered while typing. */
  offer(label: string): Locator {
    return this.page.locator(".suggest-widget.visible .monaco-list-row", { hasText: label }).first();
  }

  /** Answers the question at the top of the window. */
  async answer(text: string): Promise<void> {
    const input = this.page.locator(".quick-input-widget:visible .quick-input-box input");
    await input.waitFor();
    await input.fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Presses a button of the dialog in the middle of the window. */
  async confirm(button: string): Promise<void> {
    await this.page.locator(".monaco-dialog-box .dialog-buttons a.monaco-button", { hasText: button }).click();
  }

  /** Waits until a command has asked something, said something or opened something, or has been given the time for it. */
  async answered(): Promise<void> {
    const signs = this.page.locator(".quick-input-widget:visible, .monaco-dialog-box, .notification-toast");
    await signs.first().waitFor({ timeout: 1000 }).catch(() => undefined);
  }

  /** Takes questions, dialogs and notifications away unanswered. */
  async dismiss(): Promise<void> {
    const open = this.page.locator(".quick-input-widget:visible, .monaco-dialog-box");
    for (let time = 0; time < 5 && (await open.count()) > 0; time += 1) {
      await this.page.keyboard.press("Escape");
      await this.page.waitForTimeout(100);
    }
    await this.clearToasts();
  }

  /** Presses a button of a notification, which is behind the bell when it has been there for a while. */
  async press(text: string | RegExp, button: string): Promise<void> {
    const found = this.page.locator(".notification-list-item", { hasText: text }).locator("a.monaco-button", { hasText: button }).first();
    let pressed = false;
    await this.insist(
      async () => {
        if (!pressed && !(await found.isVisible())) {
          await this.command("Notifications: Show Notifications");
        }
        await found.click({ timeout: 5000 });
        pressed = true;
      },
      async () => pressed && !(await found.isVisible()),
      RUN_PATIENCE,
    );
  }

  tab(name: string | RegExp): Locator {
    return this.page.locator(".tabs-container .tab", { hasText: name });
  }

  /** A line of a text in an editor. */
  line(text: string | RegExp): Locator {
    return this.page.locator(".editor-instance .view-line", { hasText: text });
  }

  clipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  /** A line in the panel's output. */
  output(text: string | RegExp): Locator {
    return this.page.locator(".output-view .view-line", { hasText: text });
  }

  toast(text: string | RegExp): Locator {
    return this.page.locator(".notification-toast", { hasText: text });
  }

  async clearToasts(): Promise<void> {
    const close = this.page.locator(".notification-toast .codicon-notifications-clear");
    while ((await close.count()) > 0) {
      await this.page.locator(".notification-toast").first().hover();
      await close.first().click();
    }
  }

  /** Waits until the debugger stands on a line of the file in front. */
  async stoppedOn(line: number, patience = RUN_PATIENCE): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => {
        const mark = document.querySelector(".debug-top-stack-frame-line, .debug-top-stack-frame-column");
        const top = mark?.closest<HTMLElement>("[style*=top]")?.style.top;
        const numbers = [...document.querySelectorAll<HTMLElement>(".margin-view-overlays .line-numbers")];
        return numbers.some((number) => number.textContent === String(wanted) && number.closest<HTMLElement>("[style*=top]")?.style.top === top);
      },
      line,
      { timeout: patience },
    );
  }

  /** Brings a line of the file in front into sight. */
  async scrollTo(text: string): Promise<void> {
    await this.page.keyboard.press("Control+F");
    await this.page.locator(".find-widget.visible textarea").first().fill(text);
    await this.page.keyboard.press("Enter");
    await this.page.keyboard.press("Escape");
    await this.line(text).first().waitFor();
  }

  /** How long the extension took to be there, in milliseconds, as VS Code has it. */
  async activation(): Promise<number> {
    await this.command("Developer: Show Running Extensions");
    const row = this.page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "Debugger for Azure ML" });
    await row.waitFor();
    return Number(/(\d+)\s*ms/.exec(await row.locator(".activation-time").innerText())?.[1]);
  }

  variable(text: string): Locator {
    return this.page.locator(`.debug-variables .monaco-list-row[aria-label^="${text}"]`);
  }

  async expandLocals(): Promise<void> {
    const scope = this.page.locator('.debug-variables .monaco-list-row[aria-label^="Scope Locals"]');
    await scope.waitFor();
    await this.expand(scope);
  }
}
