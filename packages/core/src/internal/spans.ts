/**
 * Runs and stages as spans, for whatever tracer there is. The names follow the conventions of
 * OpenTelemetry; what exports them is not known here.
 */
import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import type { Run, StageRun } from "../Run.ts";
import { statusOf } from "./failure.ts";

/** A span about one run: around everything that is done in it. */
export const runSpan =
  (run: Pick<Run, "id" | "pipeline" | "causedBy">) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    inSpan(
      `run ${run.pipeline}`,
      { ...identity(run), ...causeOf(run) },
      (exit: Exit.Exit<A, E>) => exit,
    )(work);

/** A span about one stage, also one that is reused. It ends as the stage does. */
export const stageSpan =
  (run: Pick<Run, "id" | "pipeline">, stage: string) =>
  <A, E, E2, R>(
    work: Effect.Effect<Exit.Exit<A, E>, E2, R>,
  ): Effect.Effect<Exit.Exit<A, E>, E2, R> =>
    inSpan(
      `stage ${stage}`,
      { ...identity(run), "ml_pipe.stage.name": stage },
      (exit: Exit.Exit<Exit.Exit<A, E>, E2>) => (Exit.isSuccess(exit) ? exit.value : exit),
    )(work);

const identity = ({ id, pipeline }: Pick<Run, "id" | "pipeline">) => ({
  "ml_pipe.run.id": id,
  "ml_pipe.pipeline.name": pipeline,
});

const causeOf = ({ causedBy }: Pick<Run, "causedBy">) => {
  if (causedBy === undefined) return {};
  return "trigger" in causedBy
    ? { "ml_pipe.run.trigger": causedBy.trigger }
    : { "ml_pipe.run.caused_by": causedBy.run };
};

/** What says no, or not yet, is not an error: its span says what it said, as an event. */
const inSpan =
  <A, E>(
    name: string,
    attributes: Record<string, unknown>,
    endOf: (exit: Exit.Exit<A, E>) => Exit.Exit<unknown, unknown>,
  ) =>
  <R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Effect.makeSpan(name, { attributes }), (span) =>
      Effect.onExit(Effect.withParentSpan(work, span), (exit) =>
        Effect.map(Clock.currentTimeNanos, (now) => {
          const end = endOf(exit);
          if (Exit.isSuccess(end)) return span.end(now, Exit.void);
          const status = statusOf(end.cause);
          if (status === "failed" || status === "interrupted") return span.end(now, end);
          const error = Cause.squash(end.cause);
          if (error instanceof Error) {
            span.event("exception", now, {
              "exception.type": error.name,
              "exception.message": error.message,
            });
          }
          span.end(now, Exit.void);
        }),
      ),
    );

/** Says on the current span how the run ended. */
export const annotateRun = (run: Pick<Run, "status" | "resumedAt">): Effect.Effect<void> =>
  Effect.annotateCurrentSpan({
    "ml_pipe.run.status": run.status,
    ...(run.resumedAt === undefined ? {} : { "ml_pipe.run.resumptions": run.resumedAt.length }),
  });

/** Says on the current span how the stage ended. */
export const annotateStage = (stage: StageRun): Effect.Effect<void> =>
  Effect.suspend(() => Effect.annotateCurrentSpan(stageAttributes(stage)));

/** What a span says of a stage that has ended. */
export const stageAttributes = (stage: StageRun): Record<string, unknown> => {
  const { rows, bytes, items, attempts, reusedFrom } = stage;
  const attributes: Record<string, unknown> = {
    "ml_pipe.stage.status": stage.status,
    "ml_pipe.cache.outcome": cacheOutcome(stage),
    "ml_pipe.cache.note": stage.cacheNote,
    // The first one too, which is not in the record.
    "ml_pipe.stage.attempts": stage.status === "cached" ? 0 : (attempts?.length ?? 0) + 1,
  };
  for (const severity of ["fail", "warn", "info"] as const) {
    attributes[`ml_pipe.findings.${severity}`] = stage.findings.filter(
      (finding) => finding.severity === severity,
    ).length;
  }
  if (stage.stoppedEarly === true) attributes["ml_pipe.stage.stopped_early"] = true;
  if (rows !== undefined) attributes["ml_pipe.rows"] = rows;
  if (bytes !== undefined) attributes["ml_pipe.bytes"] = bytes;
  if (reusedFrom !== undefined) attributes["ml_pipe.cache.reused_from"] = reusedFrom;
  if (items !== undefined) {
    for (const [name, count] of Object.entries(items)) {
      attributes[`ml_pipe.items.${name}`] = count;
    }
  }
  if (stage.failure !== undefined) attributes["error.type"] = stage.failure.tag;
  return attributes;
};

/** `hit`, `miss`, `never` (it acts on the outside world) or `unknown` (its code was not identified). */
const cacheOutcome = ({ status, thisRunOnly, stoppedEarly, cacheKey }: StageRun): string => {
  if (status === "cached") return "hit";
  if (thisRunOnly === true && stoppedEarly !== true) return "never";
  return cacheKey === undefined ? "unknown" : "miss";
};
