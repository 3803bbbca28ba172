// What a person does in the workbench, by what a person sees. Every wait is on something that appears.

import * as path from "node:path";
import { chromium, type Browser, type FrameLocator, type Locator, type Page } from "playwright-core";

/** The machine is shared: what takes a second alone may take half a minute. */
export const PATIENCE = 60_000;

/** What a run may take: an image is built in it. */
export const RUN_PATIENCE = 120_000;

/** Where questions are answered and commands are typed: VS Code has one such box, for all of them. */
const BOX = ".quick-input-widget:visible .quick-input-box input";

/** What is offered there. */
const ENTRY = ".quick-input-widget:visible .quick-input-list .monaco-list-row";

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
    await workbench.restored();
    return workbench;
  }

  /** Waits until the window is as it shall be: before that, VS Code moves the focus about, and a question goes away with
   * its focus. */
  private async restored(): Promise<void> {
    for (const sign of [".monaco-workbench", ".activitybar [role=tab]", ".explorer-folders-view .monaco-list-row"]) {
      await this.page.locator(sign).first().waitFor({ timeout: RUN_PATIENCE });
    }
  }

  /** Loads the window anew. The view that was open opens again. */
  async reload(): Promise<void> {
    await this.page.reload({ waitUntil: "domcontentloaded" });
    await this.page.locator(".activitybar [role=tab]").first().waitFor({ timeout: RUN_PATIENCE });
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
    const input = this.page.locator(BOX);
    let given = false;
    await this.insist(async () => {
      given = false;
      await this.page.keyboard.press("Escape");
      await this.page.keyboard.press("F1");
      await input.fill(`>${title}`, { timeout: 5000 });
      await this.focus(this.page.locator(ENTRY, { hasText: title }));
      await input.press("Enter", { timeout: 5000 });
      given = true;
    }, async () => given && (await this.asked())?.startsWith(">") !== true);
  }

  /** What stands in the box at the top of the window; nothing where there is no box. */
  private async asked(): Promise<string | undefined> {
    // Whoever asks for one element's value waits for it, and the box may go at any moment.
    const values = await this.page.locator(BOX).evaluateAll((boxes) => boxes.map((box) => (box as HTMLInputElement).value));
    return values[0];
  }

  /** Goes to an entry of the list: what was used lately stands above it. */
  private async focus(wanted: Locator): Promise<void> {
    await wanted.first().waitFor({ timeout: 5000 });
    const focused = wanted.and(this.page.locator(".focused"));
    for (let step = await this.page.locator(ENTRY).count(); step > 0 && (await focused.count()) === 0; step -= 1) {
      await this.page.keyboard.press("ArrowDown");
    }
    await focused.waitFor({ timeout: 1000 });
  }

  /** Calls a command and takes an entry of the list that it shows. The list is made when it opens: one that was made too
   * early for the entry is closed and opened again. */
  async choose(title: string, label: string): Promise<void> {
    let taken = false;
    await this.insist(async () => {
      if (!(await this.option(label).isVisible())) {
        await this.command(title);
      }
      await this.option(label).click({ timeout: 5000 });
      taken = true;
    }, async () => taken);
  }

  /** Takes an entry of a list that is longer than what is to be seen of it. */
  async search(label: string): Promise<void> {
    await this.page.locator(BOX).fill(label);
    await this.option(label).click();
  }

  async pick(label: string): Promise<void> {
    await this.option(label).click();
  }

  /** Takes an entry if there is a question before something else is to be seen. */
  async pickUnless(label: string, sign: Locator): Promise<void> {
    await this.option(label).or(sign).first().waitFor({ timeout: RUN_PATIENCE });
    if (await this.option(label).isVisible()) {
      await this.option(label).click();
    }
  }

  async openFile(name: string): Promise<void> {
    const base = path.basename(name);
    const tab = this.page.locator(`.tab.active[data-resource-name="${base}"]`);
    // Files whose names end like this one are offered as well.
    const named = this.page.locator(".label-name", { hasText: new RegExp(`^${base.replaceAll(".", "\\.")}$`) });
    const input = this.page.locator(BOX);
    let given = false;
    await this.insist(async () => {
      given = false;
      await this.page.keyboard.press("Escape");
      await this.page.keyboard.press("Control+P");
      await input.fill(name, { timeout: 5000 });
      await this.focus(this.page.locator(ENTRY).filter({ has: named }));
      await input.press("Enter", { timeout: 5000 });
      given = true;
    }, async () => given && (await tab.count()) > 0);
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
    const isOpen = async () => (await tab.getAttribute("aria-selected")) === "true";
    await this.insist(async () => {
      if (!(await isOpen())) {
        await tab.click({ timeout: 5000 });
      }
      // At a stop VS Code opens a view of its own, a moment after it has marked the line.
      if ((await this.debugging().count()) > 0) {
        await this.page.waitForTimeout(300);
      }
    }, isOpen);
  }

  /** The number of debug sessions, which is there while there is one. */
  debugging(): Locator {
    return this.page.locator(".activitybar").getByRole("tab", { name: "Run and Debug" }).locator(".badge:visible");
  }

  async breakpoint(line: number): Promise<void> {
    const front = this.page.locator(".editor-group-container.active");
    const number = front.locator(".margin-view-overlays .line-numbers", { hasText: new RegExp(`^${line}$`) });
    const place = async () => {
      const box = await number.boundingBox({ timeout: 5000 });
      if (!box) {
        throw new Error(`line ${line} is not visible`);
      }
      return { x: box.x - 10, y: box.y + box.height / 2, height: box.height };
    };
    const isSet = async () => {
      const { y, height } = await place();
      const marks = await front.locator('.glyph-margin-widgets [class*="codicon-debug-breakpoint"]').evaluateAll((found) =>
        found.map((mark) => mark.getBoundingClientRect()).map((mark) => mark.y + mark.height / 2),
      );
      return marks.some((mark) => Math.abs(mark - y) < height / 2);
    };
    await this.insist(async () => {
      if (!(await isSet())) {
        const { x, y } = await place();
        await this.page.mouse.click(x, y);
      }
    }, isSet);
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

  /** Opens a row of a tree. A tree is drawn anew whenever something changes, so the row is looked for each time. */
  async expand(row: Locator): Promise<void> {
    const isOpen = async () => (await row.getAttribute("aria-expanded", { timeout: 5000 })) !== "false";
    await row.waitFor();
    await this.insist(async () => {
      if (!(await isOpen())) {
        await row.locator(".monaco-tl-twistie").click({ timeout: 5000 });
      }
    }, () => isOpen().catch(() => false));
  }

  /** Presses an icon of a row, which is there while the mouse is on the row. */
  async inline(row: Locator, action: string): Promise<void> {
    const icon = row.locator(`.actions a.action-label[aria-label="${action}"]`);
    let pressed = false;
    await this.insist(async () => {
      await row.hover({ timeout: 5000 });
      await icon.click({ timeout: 2000 });
      pressed = true;
    }, async () => pressed);
  }

  /** Takes an entry of a row's context menu. */
  async menu(row: Locator, action: string): Promise<void> {
    const menu = this.page.locator(".monaco-menu");
    const entry = menu.locator(".action-item", { hasText: action }).first();
    let pressed = false;
    await this.insist(async () => {
      if (!(await entry.isVisible())) {
        await this.page.keyboard.press("Escape");
        await row.click({ button: "right", timeout: 5000 });
        await entry.waitFor({ timeout: 5000 });
      }
      // A menu ignores the mouse for its first tenth of a second.
      await this.page.waitForTimeout(200);
      await entry.click({ timeout: 5000 });
      pressed = true;
    }, async () => pressed && (await menu.count()) === 0);
  }

  /** An entry of the list at the top of the window. */
  option(label: string): Locator {
    return this.page.locator(ENTRY, { hasText: label }).first();
  }

  /** What is offered while typing. */
  offer(label: string): Locator {
    return this.page.locator(".suggest-widget.visible .monaco-list-row", { hasText: label }).first();
  }

  /** Answers the question at the top of the window. */
  async answer(text: string): Promise<void> {
    await this.page.locator(BOX).fill(text);
    await this.insist(() => this.page.locator(BOX).press("Enter", { timeout: 5000 }), async () => text === "" || (await this.asked()) !== text);
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
        // One that comes in a moment is waited for: while a file opens, it takes the focus from whatever is typed into.
        if (!pressed && !(await found.waitFor({ timeout: 3000 }).then(() => true, () => false))) {
          await this.command("Notifications: Show Notifications");
        }
        await found.click({ timeout: 5000 });
        pressed = true;
      },
      async () => pressed && !(await found.isVisible()),
      RUN_PATIENCE,
    );
  }

  /** What stands in the webview in front, which an extension draws. */
  webview(): FrameLocator {
    return this.page.frameLocator("iframe.webview:visible").last().frameLocator("iframe#active-frame");
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
    for (let time = 0; time < 20 && (await close.count()) > 0; time += 1) {
      // One that goes by itself meanwhile is gone all the same.
      const hover = this.page.locator(".notification-toast").first().hover({ timeout: 2000 });
      await hover.then(() => close.first().click({ timeout: 2000 })).catch(() => undefined);
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
