/** What a stage tells while it runs, and where that goes. */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import type { Exhibit } from "../Exhibit.ts";
import * as Finding from "../Finding.ts";
import type { Ask } from "../internal/approval.ts";
import type { Stoppable } from "../internal/stoppable.ts";
import type { Attempt, ItemCounts } from "../Run.ts";
import type { Emitted } from "../Signal.ts";

/** What one stage tells while it runs. */
export type StageEvent =
  | { readonly _tag: "Progress"; readonly progress: Progress }
  | { readonly _tag: "Finding"; readonly finding: Finding.Finding }
  | { readonly _tag: "Exhibit"; readonly exhibit: Exhibit }
  | { readonly _tag: "Signal"; readonly emitted: Emitted }
  /** An attempt failed, and the stage is going to try again. */
  | { readonly _tag: "Retry"; readonly attempt: Attempt }
  /** What a stage that suspends the run waits for. */
  | { readonly _tag: "Ask"; readonly ask: Ask };

/** How far a stage has come. */
export interface Progress {
  /** Such as `tree 40 of 100`. */
  readonly label: string;
  /** Share done, 0 to 1, where known. */
  readonly share?: number;
  /** Rows handled so far or in total, where the stage is about rows. */
  readonly rows?: number;
  /**
   * Some ten points of a figure from the beginning until now, such as the loss on validation rows, which
   * views draw as a line.
   */
  readonly curve?: ReadonlyArray<number>;
  /** How its items stand, where it fans out. */
  readonly items?: ItemCounts;
  /** Keys of the first items that failed. */
  readonly failedItems?: ReadonlyArray<string>;
}

/**
 * Where stage events go. The engine records them; outside an engine, findings and signals are logged
 * and the rest is dropped.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const silent = Effect.provideService(Stage.Reporter, () => Effect.void);
 * ```
 */
export const Reporter: Context.Reference<(event: StageEvent) => Effect.Effect<void>> =
  Context.Reference<(event: StageEvent) => Effect.Effect<void>>("@ml-pipe/core/Stage/Reporter", {
    defaultValue: () => (event) => {
      switch (event._tag) {
        case "Finding":
          return (event.finding.severity === "info" ? Effect.logInfo : Effect.logWarning)(
            Finding.toLine(event.finding),
          );
        case "Signal":
          return Effect.logWarning(`signal ${event.emitted.signal} = ${event.emitted.value}`);
        default:
          return Effect.void;
      }
    },
  });

/** What a stage's `run` may use besides its input. */
export interface StageContext<Signals> {
  /**
   * Emits one of the stage's declared signals. What cannot be observed (a value that is NaN, a payload
   * that does not fit) becomes a finding of severity `fail` instead.
   */
  readonly emit: <K extends keyof Signals & string>(
    signal: K,
    observation: { readonly at: Date; readonly value: number; readonly payload: Signals[K] },
  ) => Effect.Effect<void>;
  readonly finding: (finding: Finding.Finding) => Effect.Effect<void>;
  readonly exhibit: (exhibit: Exhibit) => Effect.Effect<void>;
  readonly progress: (progress: Progress) => Effect.Effect<void>;
  /**
   * Does work that can end early with something worth keeping, such as a training with its best model. The
   * work is given an effect that ends when the run is interrupted, and should end soon after, with what it
   * has; from its beginning on the stage is not interrupted any more. The record says that the stage was
   * stopped early, and no other run reuses its output. Say in a finding what is missing. In a stage that
   * another stage runs, nobody asks: that one is interrupted.
   */
  readonly stoppable: Stoppable;
}
