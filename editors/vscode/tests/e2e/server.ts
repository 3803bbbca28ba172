// A real VS Code to drive: code-server with our packed extension, in folders of its own under `target/e2e`.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import * as path from "node:path";

const EXTENSION = path.resolve(import.meta.dirname, "../..");

/** Where everything of this test stands; made by `cargo xtask setup --for test`. */
export interface Place {
  /** The folder with `cs` and `node24`. */
  tools: string;
  /** Screenshots and logs of this test. */
  results: string;
  /** Everything that is made anew each time. */
  scratch: string;
}

/** No welcome page, no trust dialog, no news: only what the test is about. */
const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "chat.disableAIFeatures": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.enableExperiments": false,
  "workbench.tips.enabled": false,
  "workbench.reduceMotion": "on",
  "window.commandCenter": false,
  "window.menuBarVisibility": "classic",
  "git.enabled": false,
  "git.openRepositoryInParentFolders": "never",
  "editor.accessibilitySupport": "off",
  "editor.minimap.enabled": false,
  "npm.autoDetect": "off",
  "window.confirmBeforeClose": "never",
  "files.autoSave": "off",
  "debug.openDebug": "openOnDebugBreak",
  "debug.toolBarLocation": "docked",
  "debug.console.closeOnEnd": false,
  "remote.autoForwardPorts": false,
  "remote.restoreForwardedPorts": false,
};

/** A workspace that nobody has trusted yet, and no dialog about it in the way. */
const UNTRUSTED = {
  "security.workspace.trust.enabled": true,
  "security.workspace.trust.startupPrompt": "never",
  "security.workspace.trust.banner": "always",
};

/** How a story wants its VS Code. */
export interface Wanted {
  locale: string;
  /** Variables of the server, and with it of the sidecar. */
  environment: Record<string, string>;
  /** Settings of the user. */
  settings?: Record<string, unknown>;
  /** The workspace is not trusted when it opens. */
  untrusted?: boolean;
  /** Beside ours, a Python debugger's extension is installed. */
  debugpy?: boolean;
  /** The extension host may be told to run tests. */
  driver?: boolean;
}

/** How long a server may take to end when it is asked to, in milliseconds. */
const ENDS_WITHIN = 10_000;

export class Server {
  private process: ChildProcess | undefined;
  private port = 0;
  private vsix = "";
  private readonly installed = new Set<boolean>();

  private readonly place: Place;
  private readonly environment: Record<string, string>;

  constructor(place: Place, environment: Record<string, string>) {
    this.place = place;
    this.environment = environment;
  }

  /** Takes the packed extension, which is installed into a set of extensions when that set is first used. */
  install(vsix: string): void {
    this.vsix = vsix;
    knowJapanese(this.user());
  }

  private ensureInstalled(debugpy: boolean): void {
    if (this.installed.has(debugpy)) {
      return;
    }
    this.installed.add(debugpy);
    const fixture = path.join(this.place.scratch, "debugpy.vsix");
    if (debugpy) {
      pack(path.join(import.meta.dirname, "debugpy"), fixture);
    }
    this.installInto(debugpy, this.vsix, ...(debugpy ? [fixture] : []));
  }

  private installInto(debugpy: boolean, ...packages: string[]): void {
    const options = packages.flatMap((file) => ["--install-extension", file]);
    const { status, stdout, stderr } = spawnSync(this.program(), [...this.folders(debugpy), ...options], {
      env: this.variables(),
      encoding: "utf8",
    });
    if (status !== 0) {
      throw new Error(`the extension could not be installed: ${stdout}${stderr}`);
    }
  }

  async start(name: string, wanted: Wanted): Promise<void> {
    this.ensureInstalled(wanted.debugpy === true);
    this.port = await freePort();
    this.set({ ...(wanted.untrusted ? UNTRUSTED : {}), ...wanted.settings });
    const config = path.join(this.place.scratch, "code-server.yaml");
    const options = {
      "bind-addr": `127.0.0.1:${this.port}`,
      auth: "none",
      cert: false,
      "disable-telemetry": true,
      "disable-update-check": true,
      // To be named at all is to be on.
      ...(wanted.untrusted ? {} : { "disable-workspace-trust": true }),
      "disable-getting-started-override": true,
      "disable-proxy": true,
    };
    fs.writeFileSync(config, Object.entries(options).map(([key, value]) => `${key}: ${value}\n`).join(""));
    const log = fs.openSync(path.join(this.place.results, `code-server-${name}.log`), "w");
    const driver = wanted.driver ? ["--vscode-option", "enable-smoke-test-driver"] : [];
    this.process = spawn(this.program(), [...this.folders(wanted.debugpy === true), "--locale", wanted.locale, ...driver], {
      stdio: ["ignore", log, log],
      detached: true,
      env: { ...this.variables(), ...wanted.environment },
    });
    await this.answers();
  }

  /** Changes the settings of the user; a window that is open sees it. */
  set(settings: Record<string, unknown>): void {
    const ours = (name: string) => name.startsWith("amlDebug.");
    const entries = Object.entries({ ...SETTINGS, ...settings });
    // Those of a machine are read where the machine is, which a browser is not on.
    for (const [folder, those] of [["User", entries.filter(([name]) => !ours(name))], ["Machine", entries.filter(([name]) => ours(name))]] as const) {
      fs.mkdirSync(path.join(this.user(), folder), { recursive: true });
      fs.writeFileSync(path.join(this.user(), folder, "settings.json"), JSON.stringify(Object.fromEntries(those), null, 2));
    }
  }

  get authority(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Where a window on a folder, or on a file that lists several, opens. */
  url(place: string): string {
    const kind = place.endsWith(".code-workspace") ? "workspace" : "folder";
    return `http://${this.authority}/?${kind}=${encodeURIComponent(place)}`;
  }

  async stop(): Promise<void> {
    const { process: server } = this;
    this.process = undefined;
    if (server?.pid === undefined) {
      return;
    }
    const { pid } = server;
    const ended = new Promise((resolve) => server.once("exit", resolve));
    // Its own group, which nothing else is in.
    process.kill(-pid, "SIGTERM");
    const late = setTimeout(() => process.kill(-pid, "SIGKILL"), ENDS_WITHIN);
    await ended;
    clearTimeout(late);
  }

  private program(): string {
    return path.join(this.place.tools, "cs/node_modules/.bin/code-server");
  }

  private folders(debugpy: boolean): string[] {
    const inside = (name: string) => path.join(this.place.scratch, name);
    const extensions = inside(debugpy ? "extensions-debugpy" : "extensions");
    return ["--config", inside("code-server.yaml"), "--user-data-dir", this.user(), "--extensions-dir", extensions];
  }

  private user(): string {
    return path.join(this.place.scratch, "user");
  }

  private variables(): NodeJS.ProcessEnv {
    const node = path.join(this.place.tools, "node24/node_modules/.bin");
    return {
      ...process.env,
      ...this.environment,
      PATH: `${node}:${process.env["PATH"]}`,
      XDG_CONFIG_HOME: path.join(this.place.scratch, "xdg/config"),
      XDG_DATA_HOME: path.join(this.place.scratch, "xdg/data"),
    };
  }

  private async answers(): Promise<void> {
    const end = Date.now() + 60_000;
    while (!(await isThere(`http://127.0.0.1:${this.port}/healthz`))) {
      if (Date.now() > end) {
        throw new Error("code-server does not answer");
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A language pack without a word of its own: the workbench is Japanese to the extension, and says its own texts
 * in English. */
function knowJapanese(user: string): void {
  fs.mkdirSync(user, { recursive: true });
  const translations = path.join(user, "ja.json");
  fs.writeFileSync(translations, JSON.stringify({ version: "1.0.0", contents: {} }));
  const pack = {
    hash: "empty",
    label: "日本語",
    extensions: [{ extensionIdentifier: { id: "tests.japanese" }, version: "0.0.1" }],
    translations: { vscode: translations },
  };
  fs.writeFileSync(path.join(user, "languagepacks.json"), JSON.stringify({ ja: pack }));
}

/** Packs a folder as an extension, as it is. */
export function pack(folder: string, file: string): void {
  const vsce = path.join(EXTENSION, "node_modules/@vscode/vsce/vsce");
  const options = ["package", "--no-dependencies", "--skip-license", "--allow-missing-repository", "--out", file];
  const { status, stdout, stderr } = spawnSync(process.execPath, [vsce, ...options], { cwd: folder, encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`the extension could not be packed: ${stdout}${stderr}`);
  }
}

function isThere(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(url, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) < 500);
    });
    request.on("error", () => resolve(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = net.createServer().listen(0, "127.0.0.1", () => {
      const address = listener.address();
      listener.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
