// Our own debug type. A session of it is a connection to the gateway of a run: `launch` starts the run first,
// so its Stop ends the run; `attach` joins one that is there, and its Disconnect leaves it.

import * as path from "node:path";
import * as vscode from "vscode";
import { justMyCode } from "./config";
import type { Sidecar } from "./ctx";
import { chooseEnvironment, chooseRun, chooseSpec } from "./choose";
import { shown, type Specs } from "./specs";
import { showError, type Starter, type Wish } from "./started";

export const DEBUG_TYPE = "aml-debug";

/** A configuration of our type, as far as it is filled in. */
interface Configuration extends vscode.DebugConfiguration {
  spec?: string;
  environment?: string;
  experiment?: string;
  process?: string;
  inputs?: Record<string, string>;
  env?: Record<string, string>;
  rebuild?: boolean;
  pull?: boolean;
  /** Internal: an earlier run whose plan is started again. */
  rerun?: string;
  /** The run of the session. */
  run?: string;
  /** Its gateway. */
  port?: number;
  /** The process, of a session for a child of the program. */
  subProcessId?: number;
}

export class DebugType implements vscode.DebugConfigurationProvider, vscode.DebugAdapterDescriptorFactory {
  constructor(
    private readonly sidecar: Sidecar,
    private readonly specs: Specs,
    private readonly starter: Starter,
    private readonly log: vscode.LogOutputChannel,
    private readonly memory: vscode.Memento,
  ) {}

  /** Registers the type, once for a new launch.json and once for lists that are made without one. */
  register(): vscode.Disposable {
    const { Initial, Dynamic } = vscode.DebugConfigurationProviderTriggerKind;
    return vscode.Disposable.from(
      vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, this, Initial),
      vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, { provideDebugConfigurations: (folder) => this.provideDebugConfigurations(folder) }, Dynamic),
      vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, this),
    );
  }

  async provideDebugConfigurations(folder?: vscode.WorkspaceFolder): Promise<vscode.DebugConfiguration[]> {
    const specs = await this.specs.runnable(folder);
    return specs.map(({ file }) => {
      const inside = folder && path.relative(folder.uri.fsPath, file).split(path.sep).join("/");
      const spec = inside && !inside.startsWith("..") ? `\${workspaceFolder}/${inside}` : file;
      return { type: DEBUG_TYPE, request: "launch", name: `Azure ML: ${inside ?? shown(file)}`, spec };
    });
  }

  /** F5 with no launch.json brings an empty configuration: then it is the active editor that is meant. */
  async resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: Configuration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (configuration.type || configuration.request || configuration.name) {
      return configuration;
    }
    const spec = await chooseSpec(this.specs);
    return spec && launchConfiguration(spec.fsPath);
  }

  async resolveDebugConfigurationWithSubstitutedVariables(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: Configuration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    try {
      return configuration.request === "attach" ? await this.attach(configuration) : await this.launch(configuration);
    } catch (error) {
      void showError(error, this.log);
      return undefined;
    }
  }

  createDebugAdapterDescriptor(session: vscode.DebugSession): vscode.DebugAdapterDescriptor {
    const { port } = session.configuration as Configuration;
    return new vscode.DebugAdapterServer(Number(port), "127.0.0.1");
  }

  private async attach(configuration: Configuration): Promise<vscode.DebugConfiguration | undefined> {
    // A child of a program that is debugged: the gateway has named its port.
    if (configuration.subProcessId !== undefined) {
      return configuration;
    }
    const run = configuration.run ?? (await chooseRun(this.sidecar, "attach"))?.run;
    if (!run) {
      return undefined;
    }
    const snapshot = await this.sidecar.request("aml/showRun", { run });
    if (snapshot.gatewayPort === null) {
      throw new Error(vscode.l10n.t("No debugger can attach to the run {0}: it is over, or it was not started for a debugger.", run));
    }
    return { ...defaults(), ...configuration, run: snapshot.run, port: snapshot.gatewayPort };
  }

  private async launch(configuration: Configuration): Promise<vscode.DebugConfiguration | undefined> {
    if (!vscode.workspace.isTrusted) {
      throw new Error(vscode.l10n.t("Running a specification executes its code, and this workspace is not trusted."));
    }
    const debug = configuration["noDebug"] !== true;
    const wish = await this.wish(configuration, debug);
    const begun = wish && (await this.starter.start(nameOf(configuration), wish));
    // Without a debugger there is no session to open: the run is in the tree and in its log.
    if (!begun?.ready) {
      return undefined;
    }
    return { ...defaults(), ...configuration, run: begun.run, port: begun.ready.port };
  }

  private async wish(configuration: Configuration, debug: boolean): Promise<Wish | undefined> {
    if (configuration.rerun) {
      return { again: { run: configuration.rerun, debug }, debug };
    }
    const spec = configuration.spec ?? (await chooseSpec(this.specs))?.fsPath;
    if (!spec) {
      return undefined;
    }
    await saveIfOpen(spec);
    const report = await this.specs.reportOf(vscode.Uri.file(spec));
    const environment = configuration.environment ?? (report?.wantsEnvironment ? await chooseEnvironment(spec, this.specs, this.memory) : null);
    if (environment === undefined) {
      return undefined;
    }
    const { experiment = null, process = null, inputs = {}, env = {}, rebuild = false, pull = false } = configuration;
    return { start: { spec, environment, experiment, process, inputs, env, rebuild, pull }, debug };
  }
}

/** The configuration that debugs a spec or a script. */
export function launchConfiguration(spec: string): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: "launch", name: `Azure ML: ${shown(spec)}`, spec };
}

/** The configuration that starts an earlier run's plan again under the debugger. */
export function rerunConfiguration(run: string): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: "launch", name: `Azure ML: ${run}`, rerun: run };
}

/** The configuration that joins a run. */
export function attachConfiguration(run: string): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: "attach", name: `Azure ML: ${run}`, run };
}

function defaults(): Partial<vscode.DebugConfiguration> {
  // What the program prints comes to the debug console as well as to its log.
  return { justMyCode: justMyCode(), redirectOutput: true };
}

function nameOf(configuration: Configuration): string {
  return configuration.rerun ?? (configuration.spec ? shown(configuration.spec) : configuration.name);
}

/** The sidecar reads files: what stands in the editor has to be in the file. */
async function saveIfOpen(file: string): Promise<void> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.fsPath === file);
  if (open?.isDirty) {
    await open.save();
  }
}
