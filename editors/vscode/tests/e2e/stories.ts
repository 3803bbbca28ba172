// The stories: what a person does and sees, step by step. Names of stories and steps name the screenshots.

import type { Store } from "./engine.ts";
import type { Wanted } from "./server.ts";
import type { Workbench } from "./workbench.ts";
import { children } from "./stories/children.ts";
import { debugging } from "./stories/debugging.ts";
import { deployments } from "./stories/deployments.ts";
import { figures } from "./stories/figures.ts";
import { firstRun } from "./stories/first_run.ts";
import { housekeeping } from "./stories/housekeeping.ts";
import { interrupted } from "./stories/interrupted.ts";
import { japanese } from "./stories/japanese.ts";
import { language } from "./stories/language.ts";
import { mapping } from "./stories/mapping.ts";
import { menus } from "./stories/menus.ts";
import { multiRoot } from "./stories/multi_root.ts";
import { palette } from "./stories/palette.ts";
import { pipelines } from "./stories/pipelines.ts";
import { publishedPage } from "./stories/published_page.ts";
import { remote } from "./stories/remote.ts";
import { runPage } from "./stories/run_page.ts";
import { settings } from "./stories/settings.ts";
import { untrusted } from "./stories/untrusted.ts";
import { walkthrough } from "./stories/walkthrough.ts";
import { wizard } from "./stories/wizard.ts";

/** What the steps need to know of the place they are in. */
export interface Ground extends Store {
  project: string;
  /** Where another window on a folder opens. */
  url: (folder: string) => string;
  /** Changes the settings of the user. */
  set: (settings: Record<string, unknown>) => void;
}

export interface Story extends Omit<Wanted, "environment" | "settings"> {
  locale: "en" | "ja";
  /** The folder of `examples` to work on, instead of the project of the stories. Its image is everybody's, so it stays. */
  example?: string;
  /** Settings of the user when the window opens; with them, the sidecar has no variables in their place. */
  settings?: (ground: Ground) => Record<string, unknown>;
  /** What the window opens, where that is not the project. */
  opens?: (ground: Ground) => string;
  steps: Record<string, (workbench: Workbench, ground: Ground) => Promise<void>>;
}

/** By name, in the order in which they are told: the first one sees the image being built. */
export const STORIES: Record<string, Story> = {
  "first-run": firstRun,
  "published-page": publishedPage,
  wizard,
  language,
  housekeeping,
  "run-page": runPage,
  walkthrough,
  debugging,
  children,
  mapping,
  "multi-root": multiRoot,
  untrusted,
  interrupted,
  deployments,
  pipelines,
  remote,
  menus,
  palette,
  settings,
  figures,
  japanese,
};
