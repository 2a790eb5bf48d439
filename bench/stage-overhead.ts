/**
 * What a stage costs beside its own work, as ratios to a plain Effect call in the same process:
 *
 *   node --conditions=@ml-pipe/source bench/stage-overhead.ts
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { Artifact, Engine, LocalEngine, Pipeline, type Ref, Stage, Store } from "@ml-pipe/core";
import { charter } from "./charter.ts";

const stages = 200;
const rounds = 5;

const increment = (n: number) => Effect.succeed(n + 1);
const first = Stage.make("first", { input: {}, output: Schema.Int, run: () => Effect.succeed(0) });
const next = Stage.make("next", {
  input: { n: Schema.Int },
  output: Schema.Int,
  run: ({ n }) => increment(n),
});
const chain = Pipeline.make("chain", { charter }, () => {
  let last: Ref.Ref<number, never, never> = first();
  for (let index = 1; index < stages; index++)
    last = Stage.named(`next-${index}`, next)({ n: last });
  return { last };
});

/** The fastest of some rounds, in microseconds for each of `count` calls. */
const microseconds = async (count: number, round: () => Promise<unknown>): Promise<number> => {
  const times: Array<number> = [];
  for (let index = 0; index < rounds; index++) {
    const start = performance.now();
    await round();
    times.push(((performance.now() - start) / count) * 1000);
  }
  return Math.min(...times);
};

const calls = 20_000;
const repeat = (call: (n: number) => Effect.Effect<number, unknown>) => () =>
  Effect.runPromise(
    Effect.gen(function* () {
      let n = 0;
      while (n < calls) n = yield* call(n);
      return n;
    }),
  );

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-bench-"));
try {
  const plain = await microseconds(calls, repeat(increment));
  const embedded = await microseconds(
    calls,
    repeat((n) => next.run({ n })),
  );

  const engine = LocalEngine.layer.pipe(
    Layer.provide([Store.Store.layer(folder), Artifact.ArtifactStore.layer(folder)]),
  );
  const known = Effect.provideService(Engine.CodeOf, () =>
    Effect.succeed({ _tag: "Known", parts: { bench: "v1" } } as const),
  );
  const [durable, cached] = await Effect.runPromise(
    Effect.gen(function* () {
      const { run } = yield* Engine.Engine;
      const time = (force: boolean) =>
        Effect.promise(() =>
          microseconds(stages, () => Effect.runPromise(run(chain, { force }).pipe(known))),
        );
      return [yield* time(true), yield* time(false)] as const;
    }).pipe(Effect.provide(engine)),
  );

  const rows = [
    ["plain Effect call", plain, "–"],
    ["stage.run, no store", embedded, "20 µs"],
    ["run by the engine, recorded on disk", durable, "2000 µs"],
    ["cache hit", cached, "500 µs"],
  ] as const;
  for (const [what, time, aim] of rows) {
    const ratio = `${(time / plain).toFixed(0)} ×`;
    console.log(
      `${what.padEnd(38)}${ratio.padStart(8)}${time.toFixed(2).padStart(10)} µs   aim ${aim}`,
    );
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
