/** Small pipelines and a local engine in a folder of its own, for tests. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  Artifact,
  Charter,
  Engine,
  LocalEngine,
  type Pipeline,
  type Run,
  Store,
} from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";

export const charter = Charter.make({
  title: "Warn connecting passengers",
  decision: {
    question: "warn passengers?",
    madeAt: "departure",
    actor: "gate agent",
    outcomeKnownAfter: "1 day",
  },
  metric: {
    name: "expected cost",
    unit: "USD per flight",
    costs: { truePositive: 20, falsePositive: 20, falseNegative: 90, trueNegative: 0 },
  },
  baseline: { name: "never warn", description: "what happens today", rule: false },
  smallestGain: 0.5,
  surface: "gate display",
  kill: { on: "2037-06-30", criterion: "no measured gain" },
  owner: "passenger-care",
});

/** An empty folder, removed with the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-observe-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

/** Runs a pipeline in a folder, and gives its record and its events, whatever its end. */
export const runIn = Effect.fnUntraced(function* <A, E>(
  folder: string,
  pipeline: Pipeline.Pipeline<A, E, Engine.EngineServices>,
  options: Engine.RunOptions = {},
) {
  const events: Array<Engine.RunEvent> = [];
  const { onEvent = () => Effect.void } = options;
  const ended: Array<Run.Run> = [];
  const exit = yield* Engine.Engine.use((engine) =>
    engine.run(pipeline, {
      ...options,
      onEvent: (event) => {
        events.push(event);
        if (event._tag === "RunEnded") ended.push(event.run);
        return onEvent(event);
      },
    }),
  ).pipe(
    Effect.provideService(Engine.CodeOf, () =>
      Effect.succeed({ _tag: "Known", parts: { code: "v1" } } as const),
    ),
    Effect.provide(
      LocalEngine.layer.pipe(
        Layer.provide([Store.Store.layer(folder), Artifact.ArtifactStore.layer(folder)]),
      ),
    ),
    Effect.exit,
  );
  const run = ended.at(-1);
  if (run === undefined) throw new Error("the run has not ended");
  return { exit, events, run };
});

/** The one logger there is, and what it was told. */
export const keptLogs = () => {
  const lines: Array<string> = [];
  const layer = Logger.layer([
    Logger.make((entry) => void lines.push(Logger.formatLogFmt.log(entry))),
  ]);
  return { lines, layer };
};
