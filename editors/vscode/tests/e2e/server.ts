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

export class Server {
  private process: ChildProcess | undefined;
  private port = 0;

  private readonly place: Place;
  private readonly environment: Record<string, string>;

  constructor(place: Place, environment: Record<string, string>) {
    this.place = place;
    this.environment = environment;
  }

  /** Installs the packed extension. */
  install(vsix: string): void {
    const user = path.join(this.place.scratch, "user");
    fs.mkdirSync(path.join(user, "User"), { recursive: true });
    fs.writeFileSync(path.join(user, "User/settings.json"), JSON.stringify(SETTINGS, null, 2));
    knowJapanese(user);
    const { status, stdout, stderr } = spawnSync(this.program(), [...this.folders(), "--install-extension", vsix], {
      env: this.variables(),
      encoding: "utf8",
    });
    if (status !== 0) {
      throw new Error(`the extension could not be installed: ${stdout}${stderr}`);
    }
  }

  async start(name: string, locale: string, environment: Record<string, string>): Promise<void> {
    this.port = await freePort();
    const config = path.join(this.place.scratch, "code-server.yaml");
    const options = {
      "bind-addr": `127.0.0.1:${this.port}`,
      auth: "none",
      cert: false,
      "disable-telemetry": true,
      "disable-update-check": true,
      "disable-workspace-trust": true,
      "disable-getting-started-override": true,
      "disable-proxy": true,
    };
    fs.writeFileSync(config, Object.entries(options).map(([key, value]) => `${key}: ${value}\n`).join(""));
    const log = fs.openSync(path.join(this.place.results, `code-server-${name}.log`), "w");
    this.process = spawn(this.program(), [...this.folders(), "--locale", locale], {
      stdio: ["ignore", log, log],
      detached: true,
      env: { ...this.variables(), ...environment },
    });
    await this.answers();
  }

  url(folder: string): string {
    return `http://127.0.0.1:${this.port}/?folder=${encodeURIComponent(folder)}`;
  }

  async stop(): Promise<void> {
    const { process: server } = this;
    this.process = undefined;
    if (server?.pid === undefined) {
      return;
    }
    const ended = new Promise((resolve) => server.once("exit", resolve));
    // Its own group, which nothing else is in.
    process.kill(-server.pid, "SIGTERM");
    await ended;
  }

  private program(): string {
    return path.join(this.place.tools, "cs/node_modules/.bin/code-server");
  }

  private folders(): string[] {
    const inside = (name: string) => path.join(this.place.scratch, name);
    return ["--config", inside("code-server.yaml"), "--user-data-dir", inside("user"), "--extensions-dir", inside("extensions")];
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
