// The sidecar as the rest of the extension sees it: requests, notifications, health. The only file that
// knows the language client. Starts, restarts and stops are one chain, so no two of them overlap.

import * as vscode from "vscode";
import type { LanguageClient, LanguageClientOptions, State } from "vscode-languageclient/node";
import { findProgram } from "./bootstrap";
import { SPECS, inOurEditor } from "./language";
import { settingsForSidecar } from "./config";
import type { ErrorData, FailureText, Notifications, Requests } from "./protocol";
import { Remedied } from "./remedy";
import { sayFailure } from "./words";

/** The client is half of this extension's code, and nothing of it is needed before the first start. */
const loadClient = () => import("vscode-languageclient/node");
type Client = Awaited<ReturnType<typeof loadClient>>;

/** How the sidecar is. */
export type Health =
  | { is: "starting" }
  | { is: "ready"; version: string; program: string }
  | { is: "missing"; what: string }
  | { is: "down"; what: string };

/** An answer of the sidecar that says what failed and what to do. */
export class SidecarFailure extends Error {
  constructor(readonly failure: FailureText) {
    super(sayFailure(failure));
  }
}

/** A sidecar that ends so often within so many milliseconds is not started again by itself. */
const RESTARTS = { most: 3, within: 180_000 };

const NOTIFICATIONS = ["aml/runChanged", "aml/logAppended", "aml/progress", "aml/debugReady", "aml/mappingProposed", "aml/remoteChanged"] as const;

/** Fails to compile when the wire has a notification that is not in the list. */
const complete: Exclude<keyof Notifications, (typeof NOTIFICATIONS)[number]> extends never ? true : never = true;
void complete;

export class Sidecar implements vscode.Disposable {
  private library: Client | undefined;
  private client: LanguageClient | undefined;
  private chain: Promise<void> = Promise.resolve();
  private ends: number[] = [];
  private current: Health = { is: "starting" };
  private readonly healthChanged = new vscode.EventEmitter<Health>();
  private readonly emitters = new Map<string, vscode.EventEmitter<unknown>>(
    NOTIFICATIONS.map((method) => [method, new vscode.EventEmitter<unknown>()]),
  );

  /** Fires on every change of health. */
  readonly onHealth = this.healthChanged.event;

  constructor(
    private readonly extension: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  get health(): Health {
    return this.current;
  }

  /** Starts it, or ends it and starts it again; resolves when that is done or has failed. */
  restart(): Promise<void> {
    this.ends = [];
    return this.enqueue(async () => {
      await this.end();
      await this.begin();
    });
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.end());
  }

  dispose(): void {
    void this.stop();
    this.healthChanged.dispose();
    for (const emitter of this.emitters.values()) {
      emitter.dispose();
    }
  }

  /** Asks the sidecar; fields with a default may be left out. Waits for a start that is under way. */
  async request<M extends keyof Requests>(
    method: M,
    params: Partial<Requests[M]["params"]>,
  ): Promise<Requests[M]["answer"]> {
    await this.chain;
    await this.started();
    if (!this.client || this.current.is !== "ready") {
      throw this.unavailable();
    }
    try {
      return await this.client.sendRequest<Requests[M]["answer"]>(method, params);
    } catch (error) {
      throw this.asFailure(error);
    }
  }

  on<N extends keyof Notifications>(method: N, listener: (params: Notifications[N]) => void): vscode.Disposable {
    const emitter = this.emitters.get(method) as vscode.EventEmitter<Notifications[N]>;
    return emitter.event(listener);
  }

  /** One that has ended is started again by the client, and not in the chain. */
  private async started(): Promise<void> {
    while (this.current.is === "starting") {
      await new Promise<void>((resolve) => {
        const heard = this.onHealth(() => {
          heard.dispose();
          resolve();
        });
      });
    }
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.chain = this.chain.then(step).catch((error: unknown) => this.log.error(String(error)));
    return this.chain;
  }

  private async begin(): Promise<void> {
    this.set({ is: "starting" });
    const found = await findProgram(this.extension);
    if ("what" in found) {
      this.log.error(found.what);
      this.set({ is: "missing", what: found.what });
      return;
    }
    const library = await loadClient();
    this.library = library;
    const client = this.makeClient(library, found.program);
    this.client = client;
    client.onDidChangeState(({ newState }) => this.stateChanged(library, client, newState, found.version, found.program));
    try {
      await client.start();
      this.log.info(`aml-debug ${found.version} serves: ${found.program}`);
      this.set({ is: "ready", version: found.version, program: found.program });
    } catch (error) {
      this.set({ is: "down", what: vscode.l10n.t("aml-debug could not be started: {0}", String(error)) });
    }
  }

  private makeClient({ LanguageClient, ErrorAction, CloseAction }: Client, program: string): LanguageClient {
    const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    const executable = {
      command: program,
      args: ["serve"],
      options: {
        ...(cwd === undefined ? {} : { cwd }),
        env: { ...process.env, AML_DEBUG_EDITOR_SETTINGS: JSON.stringify(settingsForSidecar()) },
      },
    };
    const options: LanguageClientOptions = {
      outputChannel: this.log,
      documentSelector: [{ scheme: "file", pattern: SPECS }, { scheme: "file", language: "python" }],
      middleware: inOurEditor(),
      // Failures are shown by whoever asked, with their buttons.
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({ action: this.closed() ? CloseAction.Restart : CloseAction.DoNotRestart, handled: true }),
      },
      initializationFailedHandler: () => false,
    };
    const client = new LanguageClient("amlDebug.sidecar", "Azure ML Debug", executable, options);
    for (const method of NOTIFICATIONS) {
      client.onNotification(method, (params: unknown) => this.emitters.get(method)?.fire(params));
    }
    return client;
  }

  /** It has ended by itself: whether it is started once more, which it is unless it ends again and again. */
  private closed(): boolean {
    const now = Date.now();
    this.ends = [...this.ends.filter((end) => now - end < RESTARTS.within), now];
    const again = this.ends.length <= RESTARTS.most;
    this.log.error(`aml-debug has ended unexpectedly (${this.ends.length})`);
    void this.tellOfEnd(again);
    return again;
  }

  private async tellOfEnd(again: boolean): Promise<void> {
    const [restart, log] = [vscode.l10n.t("Start Again"), vscode.l10n.t("Show Log")];
    const choice = again
      ? await vscode.window.showWarningMessage(
          vscode.l10n.t("aml-debug has ended unexpectedly and was started again. Runs go on; start the debugger again where one was attached."),
          log,
        )
      : await vscode.window.showErrorMessage(vscode.l10n.t("aml-debug ends again and again."), restart, log);
    if (choice === restart) {
      await this.restart();
    } else if (choice === log) {
      this.log.show();
    }
  }

  private stateChanged({ State }: Client, client: LanguageClient, state: State, version: string, program: string): void {
    if (client !== this.client) {
      return;
    }
    if (state === State.Running) {
      this.set({ is: "ready", version, program });
    } else if (state === State.Starting) {
      this.set({ is: "starting" });
    } else if (this.current.is === "ready" || this.current.is === "starting") {
      this.set({ is: "down", what: vscode.l10n.t("aml-debug has stopped.") });
    }
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client) {
      // A client whose start failed has nothing to stop and says so by throwing.
      await client.dispose().catch((error: unknown) => this.log.debug(String(error)));
    }
  }

  private set(health: Health): void {
    this.current = health;
    void vscode.commands.executeCommand("setContext", "amlDebug.health", health.is);
    this.healthChanged.fire(health);
  }

  /** Why nothing can be asked, with the way out of it. */
  private unavailable(): Error {
    const health = this.current;
    if (health.is === "missing") {
      const choose = { title: vscode.l10n.t("Choose the Program"), command: "workbench.action.openSettings", arguments: ["amlDebug.path"] };
      return new Remedied(health.what, choose);
    }
    const what = health.is === "down" ? health.what : vscode.l10n.t("aml-debug is not running.");
    return new Remedied(what, { title: vscode.l10n.t("Start Again"), command: "amlDebug.restart" });
  }

  private asFailure(error: unknown): Error {
    if (this.library && error instanceof this.library.ResponseError) {
      const data = error.data as ErrorData | undefined;
      if (data?.failure) {
        return new SidecarFailure(data.failure);
      }
      // It was stopped or started anew under the request.
      if (error.code === this.library.ErrorCodes.PendingResponseRejected) {
        return new Error(vscode.l10n.t("aml-debug ended before it answered. Do it once more; a run that has begun goes on."));
      }
    }
    return error instanceof Error ? error : new Error(String(error));
  }
}
