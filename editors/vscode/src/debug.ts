// Our own debug type. A session of it is a connection to the gateway of a run: `launch` starts the run first,
// so its Stop ends the run; `attach` joins one that is there, and its Disconnect leaves it.

import * as path from "node:path";
import * as vscode from "vscode";
import { justMyCode } from "./config";
import type { Sidecar } from "./ctx";
import { chooseEnvironment, chooseRun, chooseSpec, chooseSteps } from "./choose";
import type { MappingProposal, RunSnapshot } from "./protocol";
import { runName } from "./rows";
import { shown, type Specs } from "./specs";
import { say, sentence } from "./words";
import { showError, type Starter, type Wish } from "./started";

export const DEBUG_TYPE = "aml-debug";

/** The type of the Python debugger's extension. */
const DEBUGPY_TYPE = "debugpy";
const DEBUGPY_EXTENSION = "ms-python.debugpy";

/** Whether that extension is installed; menus ask for it. */
export function offerDebugpy(): vscode.Disposable {
  const look = () => void vscode.commands.executeCommand("setContext", "amlDebug.debugpy", vscode.extensions.getExtension(DEBUGPY_EXTENSION) !== undefined);
  look();
  return vscode.extensions.onDidChange(look);
}

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
  /** Whether the processes that the program starts are debugged too, as debugpy calls it. */
  subProcess?: boolean;
  /** Internal: an earlier run whose plan is started again. */
  rerun?: string;
  /** Of a pipeline: the steps to stop in. */
  steps?: string[];
  /** Internal: only this step of the earlier run. */
  step?: string;
  /** Internal: a step on a node, which the sidecar follows under this name. */
  remote?: string;
  /** The run of the session. */
  run?: string;
  /** Its gateway. */
  port?: number;
  /** Where a child of a program that is debugged listens, as debugpy says it. */
  connect?: { port: number };
  /** The process, of a session for a child of the program. */
  subProcessId?: number;
}

export class DebugType implements vscode.DebugConfigurationProvider, vscode.DebugAdapterDescriptorFactory {
  /** Runs that this window has debugged. What is proposed for one may come before VS Code knows its session. */
  private readonly debugged = new Set<string>();

  constructor(
    private readonly sidecar: Sidecar,
    private readonly specs: Specs,
    private readonly starter: Starter,
    private readonly log: vscode.LogOutputChannel,
    private readonly memory: vscode.Memento,
  ) {}

  /** Registers the type, once for a new launch.json and once for lists that are made without one: for those VS Code asks for
   * each folder, and for none, where all of them would come once more. */
  register(): vscode.Disposable {
    const { Initial, Dynamic } = vscode.DebugConfigurationProviderTriggerKind;
    return vscode.Disposable.from(
      vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, this, Initial),
      vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, { provideDebugConfigurations: (folder) => (folder ? this.provideDebugConfigurations(folder) : []) }, Dynamic),
      vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, this),
      this.sidecar.on("aml/mappingProposed", (proposal) => void this.proposeMapping(proposal)),
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

  async createDebugAdapterDescriptor(session: vscode.DebugSession): Promise<vscode.DebugAdapterDescriptor | undefined> {
    const before = session.configuration as Configuration;
    // A session comes here again with what it was started with; where its run is over meanwhile, another is started.
    const configuration = (await this.isOver(before)) ? await this.resolveDebugConfigurationWithSubstitutedVariables(undefined, before) : before;
    if (!configuration) {
      return undefined;
    }
    const { connect, port, run } = configuration as Configuration;
    if (run !== undefined) {
      this.debugged.add(run);
    }
    return new vscode.DebugAdapterServer(Number(connect?.port ?? port), "127.0.0.1");
  }

  /** A breakpoint in a file that the container has elsewhere. */
  private async proposeMapping({ run, message, localRoot, remoteRoot }: MappingProposal): Promise<void> {
    if (!this.debugged.has(run)) {
      return;
    }
    const apply = vscode.l10n.t("Apply Mapping");
    const choice = await vscode.window.showWarningMessage(sentence(say(message)), apply);
    if (choice === apply) {
      await this.sidecar.request("aml/applyMapping", { run, localRoot, remoteRoot }).catch((error: unknown) => showError(error, this.log));
    }
  }

  private async isOver({ request, run }: Configuration): Promise<boolean> {
    if (request !== "launch" || run === undefined) {
      return false;
    }
    const { actions } = await this.sidecar.request("aml/showRun", { run });
    return !actions.includes("attach") && !actions.includes("takeOver");
  }

  private async attach(configuration: Configuration): Promise<vscode.DebugConfiguration | undefined> {
    // A child of a program that is debugged: the gateway has named its port.
    if (configuration.subProcessId !== undefined) {
      return configuration;
    }
    // A step on a node: its gateway is open already.
    if (configuration.remote !== undefined) {
      return { ...defaults(), ...configuration };
    }
    const run = configuration.run ?? (await chooseRun(this.sidecar, "attach", "takeOver"))?.run;
    if (!run) {
      return undefined;
    }
    let snapshot = await this.sidecar.request("aml/showRun", { run });
    if (snapshot.debug && snapshot.gatewayPort === null) {
      snapshot = await this.starter.takenOver(run);
    }
    if (snapshot.actions.includes("takeOver")) {
      if (!(await this.mayTakeOver(snapshot))) {
        return undefined;
      }
      snapshot = await this.starter.released(run);
    }
    if (snapshot.gatewayPort === null) {
      throw new Error(vscode.l10n.t("No debugger can attach to the run {0}: it is over, or it was not started for a debugger.", run));
    }
    return { ...defaults(), ...configuration, run: snapshot.run, port: snapshot.gatewayPort };
  }

  /** A run has one session: whoever has it, here or in another window, loses it. */
  private async mayTakeOver(run: RunSnapshot): Promise<boolean> {
    const take = vscode.l10n.t("Take Over");
    const question = vscode.l10n.t("A debugger is attached to the run {0} already.", runName(run));
    const detail = vscode.l10n.t("Its session ends and this one begins. The run goes on.");
    return (await vscode.window.showWarningMessage(question, { modal: true, detail }, take)) === take;
  }

  private async launch(configuration: Configuration): Promise<vscode.DebugConfiguration | undefined> {
    if (!vscode.workspace.isTrusted) {
      // VS Code asks for trust before it debugs; this is for whoever gets past that question.
      throw new Error(vscode.l10n.t("Running a specification executes its code, and this workspace is not trusted."));
    }
    const debug = configuration["noDebug"] !== true;
    if (configuration.spec !== undefined && (await this.specs.reportOf(vscode.Uri.file(configuration.spec)))?.deployable) {
      // A deployment goes on when its debugger leaves: it is started first, and then attached to.
      void vscode.commands.executeCommand(debug ? "amlDebug.debugDeployment" : "amlDebug.deploy", vscode.Uri.file(configuration.spec));
      return undefined;
    }
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
      return { again: { run: configuration.rerun, step: configuration.step ?? null }, debug };
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
    const steps = debug && report ? (configuration.steps ?? (await chooseSteps(report))) : [];
    if (!steps) {
      return undefined;
    }
    const breaks = steps.length > 0 ? [] : filesWithBreakpoints();
    const { experiment = null, process = null, inputs = {}, env = {}, rebuild = false, pull = false, subProcess = false } = configuration;
    return { start: { spec, environment, experiment, process, inputs, env, rebuild, pull, children: subProcess, steps, breaks }, debug };
  }
}

/** The configuration that debugs a spec or a script. */
export function launchConfiguration(spec: string): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: "launch", name: `Azure ML: ${shown(spec)}`, spec };
}

/** The configuration that debugs steps of a pipeline. */
export function stepsConfiguration(spec: string, steps: string[]): vscode.DebugConfiguration {
  return { ...launchConfiguration(spec), name: `Azure ML: ${shown(spec)} (${steps.join(", ")})`, steps };
}

/** The configuration that repeats one step of a pipeline run alone, with the inputs that it had. */
export function stepConfiguration(run: RunSnapshot, step: string): vscode.DebugConfiguration {
  return { ...rerunConfiguration(run), name: `Azure ML: ${runName(run)} (${step})`, step };
}

/** The configuration that joins a step on a node. */
export function remoteConfiguration(remote: string, port: number, name: string): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: "attach", name, remote, port };
}

/** The configuration that starts an earlier run's plan again under the debugger. */
export function rerunConfiguration(run: RunSnapshot): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: "launch", name: `Azure ML: ${runName(run)}`, rerun: run.run };
}

/** The configuration by which the Python debugger's own extension joins a run. */
export function debugpyConfiguration(run: RunSnapshot): vscode.DebugConfiguration {
  return {
    type: DEBUGPY_TYPE,
    request: "attach",
    name: `Azure ML: ${runName(run)}`,
    connect: { host: "127.0.0.1", port: run.gatewayPort },
    pathMappings: run.mapping ? [run.mapping] : [],
    justMyCode: justMyCode(),
    redirectOutput: true,
  };
}

/** Whoever joins a program that runs already has nothing to save for it: VS Code would ask what a request is to be called
 * that stands in front and has no name. */
export const JOINING: vscode.DebugSessionOptions = { suppressSaveBeforeStart: true };

/** The configuration that joins a run. */
export function attachConfiguration(run: RunSnapshot): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: "attach", name: `Azure ML: ${runName(run)}`, run: run.run };
}

function defaults(): Partial<vscode.DebugConfiguration> {
  // What the program prints comes to the debug console as well as to its log.
  return { justMyCode: justMyCode(), redirectOutput: true };
}

function nameOf(configuration: Configuration): string {
  return configuration.spec ? shown(configuration.spec) : configuration.name.replace("Azure ML: ", "");
}

/** Of a pipeline those steps are debugged whose code has a breakpoint. */
function filesWithBreakpoints(): string[] {
  const of = vscode.debug.breakpoints.filter((breakpoint) => breakpoint instanceof vscode.SourceBreakpoint && breakpoint.enabled);
  return [...new Set(of.map((breakpoint) => (breakpoint as vscode.SourceBreakpoint).location.uri.fsPath))];
}

/** The sidecar reads files: what stands in the editor has to be in the file. */
async function saveIfOpen(file: string): Promise<void> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.fsPath === file);
  if (open?.isDirty) {
    await open.save();
  }
}
