// The stories: what a person does and sees, step by step. Names of stories and steps name the screenshots.

import type { Store } from "./engine.ts";
import type { Workbench } from "./workbench.ts";
import { firstRun } from "./stories/first_run.ts";
import { housekeeping } from "./stories/housekeeping.ts";
import { interrupted } from "./stories/interrupted.ts";
import { japanese } from "./stories/japanese.ts";
import { language } from "./stories/language.ts";
import { publishedPage } from "./stories/published_page.ts";

/** What the steps need to know of the place they are in. */
export interface Ground extends Store {
  project: string;
  /** Where another window on a folder opens. */
  url: (folder: string) => string;
}

export interface Story {
  locale: "en" | "ja";
  steps: Record<string, (workbench: Workbench, ground: Ground) => Promise<void>>;
}

/** By name, in the order in which they are told: the first one sees the image being built. */
export const STORIES: Record<string, Story> = {
  "first-run": firstRun,
  "published-page": publishedPage,
  language,
  housekeeping,
  interrupted,
  japanese,
};
