/** Which run a stage is part of. Public as `Stage.CurrentRun`. */
import * as Context from "effect/Context";

/** A stage's place in a run. */
export interface CurrentRun {
  readonly run: string;
  readonly pipeline: string;
  readonly stage: string;
  readonly startedBy?: string;
}

/**
 * The run that a stage is part of; nothing outside an engine.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const id: Effect.Effect<string> = Effect.map(Stage.CurrentRun, (run) => run?.run ?? "embedded");
 * ```
 */
export const CurrentRun: Context.Reference<CurrentRun | undefined> = Context.Reference<
  CurrentRun | undefined
>("@ml-pipe/core/Stage/CurrentRun", { defaultValue: () => undefined });
