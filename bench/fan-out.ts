/**
 * What an item of a fan-out costs, recorded on disk, against the same work without ml-pipe:
 *
 *   node --conditions=@ml-pipe/source bench/fan-out.ts
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Artifact, Charter, Engine, LocalEngine, Pipeline, Stage, Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";

const charter = Charter.make({
  title: "fan-out",
  decision: { question: "?", madeAt: "now", actor: "nobody", outcomeKnownAfter: 0 },
  metric: {
    name: "cost",
    unit: "USD",
    costs: { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 },
  },
  baseline: { name: "none", description: "", rule: null },
  smallestGain: 1,
  surface: "none",
  kill: { on: "2100-01-01", criterion: "never" },
  owner: "bench",
});

const work = (n: number) => Effect.succeed({ square: n * n });
const square = Stage.make("square", {
  input: { n: Schema.Int },
  output: Schema.Struct({ square: Schema.Int }),
  run: ({ n }) => work(n),
});

const pipelineOf = (count: number) =>
  Pipeline.make("fan", { charter }, () => {
    const numbers = Stage.make("numbers", {
      input: {},
      output: Schema.Array(Schema.Int),
      params: { count },
      run: () => Effect.succeed(Array.from({ length: count }, (_, n) => n)),
    });
    return {
      out: Stage.forEach("squares", square, { each: "n", key: String })({ n: numbers() }),
    };
  });

const filesBelow = (folder: string): number =>
  fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
    .length;

const known = Effect.provideService(Engine.CodeOf, () =>
  Effect.succeed({ _tag: "Known", parts: { bench: "1" } } as const),
);

const seconds = async (run: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
};

const megabytes = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};

console.log(
  "items".padStart(8) +
    "plain s".padStart(10) +
    "durable s".padStart(11) +
    "items/s".padStart(9) +
    "again s".padStart(9) +
    "RSS MB".padStart(8) +
    "files".padStart(7),
);
for (const count of [1000, 10_000, 50_000]) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-bench-"));
  try {
    const engine = LocalEngine.layer.pipe(
      Layer.provide([Store.Store.layer(folder), Artifact.ArtifactStore.layer(folder)]),
    );
    const numbers = Array.from({ length: count }, (_, n) => n);
    const plain = await seconds(() =>
      Effect.runPromise(Effect.forEach(numbers, work, { concurrency: 2 })),
    );
    const run = (pipeline: ReturnType<typeof pipelineOf>) =>
      seconds(() =>
        Effect.runPromise(
          Engine.Engine.use((engine) => engine.run(pipeline)).pipe(known, Effect.provide(engine)),
        ),
      );
    const durable = await run(pipelineOf(count));
    // One more item: all others come from the record.
    const again = await run(pipelineOf(count + 1));
    console.log(
      String(count).padStart(8) +
        plain.toFixed(3).padStart(10) +
        durable.toFixed(2).padStart(11) +
        (count / durable).toFixed(0).padStart(9) +
        again.toFixed(2).padStart(9) +
        megabytes().toFixed(0).padStart(8) +
        String(filesBelow(folder)).padStart(7),
    );
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
