/**
 * Commands that are too heavy for start-up. They are files of their own beside the bundle, with their
 * own copy of every library (the one that pipeline files use too), so only plain values and promises
 * cross this border.
 */
import type * as Check from "./commands/check.ts";
import type * as Codegen from "./commands/codegen.ts";
import type * as Compare from "./commands/compare.ts";
import type * as Contracts from "./commands/contracts.ts";
import type * as Daemon from "./commands/daemon.ts";
import type * as Decide from "./commands/decide.ts";
import type * as Export from "./commands/export.ts";
import type * as Features from "./commands/features.ts";
import type * as Init from "./commands/init.ts";
import type * as Plan from "./commands/plan.ts";
import type * as Predict from "./commands/predict.ts";
import type * as Releases from "./commands/releases.ts";
import type * as Report from "./commands/report.ts";
import type * as Resume from "./commands/resume.ts";
import type * as Run from "./commands/run.ts";
import type * as Serve from "./commands/serve.ts";
import type * as Show from "./commands/show.ts";
import type * as Why from "./commands/why.ts";

interface Commands {
  readonly check: typeof Check;
  readonly codegen: typeof Codegen;
  readonly compare: typeof Compare;
  readonly contracts: typeof Contracts;
  readonly daemon: typeof Daemon;
  readonly decide: typeof Decide;
  readonly export: typeof Export;
  readonly features: typeof Features;
  readonly init: typeof Init;
  readonly plan: typeof Plan;
  readonly predict: typeof Predict;
  readonly releases: typeof Releases;
  readonly report: typeof Report;
  readonly resume: typeof Resume;
  readonly run: typeof Run;
  readonly serve: typeof Serve;
  readonly show: typeof Show;
  readonly why: typeof Why;
}

/** Loads one. */
export const heavy = <K extends keyof Commands>(name: K): Promise<Commands[K]> =>
  import(new URL(`./commands/${name}.js`, import.meta.url).href);
