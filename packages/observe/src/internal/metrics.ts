/** What is counted and measured of runs. */
import type { Engine, Run } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";

const boundaries = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 14_400,
];

const stageDuration = Metric.histogram("ml_pipe.stage.duration", {
  description: "How long stages ran",
  boundaries,
  attributes: { unit: "s" },
});

const runDuration = Metric.histogram("ml_pipe.run.duration", {
  description: "How long runs took",
  boundaries,
  attributes: { unit: "s" },
});

const stageRows = Metric.counter("ml_pipe.stage.rows", {
  description: "Rows that stages have handled",
  incremental: true,
  attributes: { unit: "{row}" },
});

/** Those that did not run have no duration. */
const executed = new Set<Run.StageStatus>(["succeeded", "failed", "stopped", "interrupted"]);

const secondsOf = ({ startedAt, endedAt = startedAt }: Pick<Run.Run, "startedAt" | "endedAt">) =>
  (endedAt.getTime() - startedAt.getTime()) / 1000;

/** Counts what the engine tells. Keeps the name of the pipeline that runs. */
export const measurer = (): ((event: Engine.RunEvent) => Effect.Effect<void>) => {
  let pipeline = "";
  return (event) => {
    switch (event._tag) {
      case "RunStarted":
        pipeline = event.run.pipeline;
        return Effect.void;
      case "StageEnded":
        return executed.has(event.stage.status) ? ofStage(pipeline, event.stage) : Effect.void;
      case "RunEnded":
        return ofRun(event.run);
      default:
        return Effect.void;
    }
  };
};

const ofRun = (run: Run.Run): Effect.Effect<void> =>
  Metric.update(
    Metric.withAttributes(runDuration, {
      "ml_pipe.pipeline.name": run.pipeline,
      "ml_pipe.run.status": run.status,
    }),
    secondsOf(run),
  );

const ofStage = (pipeline: string, stage: Run.StageRun): Effect.Effect<void> => {
  const place = { "ml_pipe.pipeline.name": pipeline, "ml_pipe.stage.name": stage.stage };
  const duration = Metric.update(
    Metric.withAttributes(stageDuration, { ...place, "ml_pipe.stage.status": stage.status }),
    secondsOf(stage),
  );
  return stage.rows === undefined
    ? duration
    : Effect.andThen(duration, Metric.update(Metric.withAttributes(stageRows, place), stage.rows));
};
