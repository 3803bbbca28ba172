// The command table. Each command asks what only a person knows and sends one request.

import type * as vscode from "vscode";
import type { Sidecar } from "./ctx";
import type { Deployments } from "./deployments";
import type { RunLogs } from "./output";
import type { Pages } from "./pages";
import type { RemoteSteps } from "./remote";
import type { RunPages } from "./run_page";
import type { NamedExperiments, Node, RunsView } from "./runs_view";
import type { Specs } from "./specs";
import type { Starter } from "./started";
import * as deployment from "./commands/deployment";
import * as experiment from "./commands/experiment";
import * as health from "./commands/health";
import * as image from "./commands/image";
import * as pipeline from "./commands/pipeline";
import * as remote from "./commands/remote";
import * as run from "./commands/run";
import * as sample from "./commands/sample";
import * as spec from "./commands/spec";
import * as wizard from "./commands/wizard";

/** Everything that a command may need. */
export interface Parts {
  sidecar: Sidecar;
  specs: Specs;
  runs: RunsView;
  named: NamedExperiments;
  pages: Pages;
  runPages: RunPages;
  logs: RunLogs;
  starter: Starter;
  deployments: Deployments;
  remote: RemoteSteps;
  log: vscode.LogOutputChannel;
  /** The folder of the extension. */
  extension: vscode.Uri;
}

/** A command; `target` is what it was called on, nothing from the palette; `more` says which part of it. */
export type Command = (parts: Parts, target?: unknown, more?: unknown) => Promise<void>;

/** Every command of package.json and no other; a test compares the two. */
export const COMMANDS: Record<string, Command> = {
  "amlDebug.submitExperiment": spec.submitExperiment,
  "amlDebug.createExperiment": experiment.createExperiment,
  "amlDebug.removeExperiment": experiment.removeExperiment,
  "amlDebug.runExperiment": spec.runExperiment,
  "amlDebug.newConfiguration": wizard.newConfiguration,
  "amlDebug.run": spec.run,
  "amlDebug.debug": spec.debug,
  "amlDebug.check": spec.check,
  "amlDebug.debugPipeline": pipeline.debugPipeline,
  "amlDebug.debugStep": pipeline.debugStep,
  "amlDebug.prepareVariant": pipeline.prepareVariant,
  "amlDebug.instrument": remote.instrument,
  "amlDebug.attachRemote": remote.attachRemote,
  "amlDebug.deploy": deployment.deploy,
  "amlDebug.debugDeployment": deployment.debugDeployment,
  "amlDebug.deployImage": deployment.deployImage,
  "amlDebug.deploymentOfScript": deployment.deploymentOfScript,
  "amlDebug.sendRequest": deployment.sendRequest,
  "amlDebug.sendDocument": deployment.sendDocument,
  "amlDebug.showAnswers": deployment.showAnswers,
  "amlDebug.copyScoringUri": deployment.copyScoringUri,
  "amlDebug.restartDeployment": deployment.restartDeployment,
  "amlDebug.stopDeployment": deployment.stopDeployment,
  "amlDebug.removeDeployment": deployment.removeDeployment,
  "amlDebug.startDebugger": run.startDebugger,
  "amlDebug.startDebugpy": run.startDebugpy,
  "amlDebug.cancel": run.cancel,
  "amlDebug.rerun": run.rerun,
  "amlDebug.submitAgain": run.submitAgain,
  "amlDebug.attachContainer": run.attachContainer,
  "amlDebug.showRun": run.showRun,
  "amlDebug.openLog": run.openLog,
  "amlDebug.openOutput": run.openOutput,
  "amlDebug.openSpec": run.openSpec,
  "amlDebug.copyId": run.copyId,
  "amlDebug.saveConfiguration": run.saveConfiguration,
  "amlDebug.remove": run.remove,
  "amlDebug.refresh": run.refresh,
  "amlDebug.loadMore": run.loadMore,
  "amlDebug.createSample": sample.createSample,
  "amlDebug.whyImage": image.whyImage,
  "amlDebug.pruneImages": image.pruneImages,
  "amlDebug.restart": health.restart,
  "amlDebug.doctor": health.doctor,
  "amlDebug.showLog": health.showLog,
};

/** The row that a command was called on, if it was called on one. */
export function asNode(target: unknown): Node | undefined {
  return typeof target === "object" && target !== null && "kind" in target ? (target as Node) : undefined;
}
