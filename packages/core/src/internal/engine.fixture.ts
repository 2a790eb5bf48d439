/** A local engine on a disk of its own, for tests. */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { ArtifactStore } from "../Artifact.ts";
import { CodeOf, Engine, type RunEvent, type RunOptions } from "../Engine.ts";
import * as LocalEngine from "../LocalEngine.ts";
import type { Pipeline } from "../Pipeline.ts";
import type { Run, StageRun } from "../Run.ts";
import * as Stage from "../Stage.ts";
import { Store } from "../Store.ts";
import { temporaryFolder } from "./folder.fixture.ts";

/** Engine, store and artifacts in one folder. */
export const engineIn = (folder: string) =>
  LocalEngine.layer.pipe(
    Layer.provideMerge(Layer.merge(Store.layer(folder), ArtifactStore.layer(folder))),
  );

/** The same in a folder that is removed with the scope. */
export const engine = Layer.unwrap(Effect.map(temporaryFolder, engineIn));

/** Says that the code of every stage is known: `codes` by stage name, and `v1` for the others. */
export const withCode = (codes: { readonly [stage: string]: string } = {}) =>
  Effect.provideService(CodeOf, ({ info }) =>
    Effect.succeed({ _tag: "Known", parts: { code: codes[info.name] ?? "v1" } } as const),
  );

/** Runs a pipeline and gives its end, its events and what was recorded of it. */
export const observe = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline<A, E, R>,
  options: RunOptions = {},
) {
  const events: Array<RunEvent> = [];
  const exit = yield* Engine.use((engine) =>
    engine.run(pipeline, {
      ...options,
      onEvent: (event) => Effect.sync(() => void events.push(event)),
    }),
  ).pipe(Effect.exit);
  const run = yield* newest;
  return { exit, events, run, statuses: statuses(run) };
});

/** The newest run, as the store has it. */
export const newest: Effect.Effect<Run, unknown, Store> = Effect.flatMap(Store, (store) =>
  Effect.map(store.run(), Option.getOrThrow),
);

/** `stage status` for each stage, in graph order. */
export const statuses = (run: Run): ReadonlyArray<string> =>
  run.stages.map(({ stage, status }) => `${stage} ${status}`);

export const stageOf = (run: Run, name: string): StageRun => {
  const found = run.stages.find(({ stage }) => stage === name);
  if (found === undefined) throw new Error(`no record of stage ${name}`);
  return found;
};

/** A stage that adds its inputs, and counts how often it ran. */
export const adder = (name: string, add: number, change: { readonly cache?: "never" } = {}) => {
  let runs = 0;
  const stage = Stage.make(name, {
    input: { n: Schema.Int },
    output: Schema.Int,
    params: { add },
    ...change,
    run: ({ n }) => Effect.sync(() => (runs++, n + add)),
  });
  return { stage, runs: () => runs };
};

/** A stage without inputs that gives a number, and counts how often it ran. */
export const source = (name: string, value: number) => {
  let runs = 0;
  const stage = Stage.make(name, {
    input: {},
    output: Schema.Int,
    run: () => Effect.sync(() => (runs++, value)),
  });
  return { stage, runs: () => runs };
};
