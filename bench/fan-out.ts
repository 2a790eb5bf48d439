/**
 * What an item of a fan-out costs, recorded on disk, against the same work without ml-pipe:
 *
 *   node --conditions=@ml-pipe/source bench/fan-out.ts
 *
 * Each line is a process of its own, so that its memory is that of so many items.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Artifact, Engine, LocalEngine, Pipeline, Stage, Store, StoredList } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { charter } from "./charter.ts";

/** Some hundred microseconds. */
const work = (n: number) =>
  Effect.sync(() => {
    let sum = n;
    for (let step = 0; step < 100_000; step++) sum = (sum * 31 + step) % 1_000_003;
    return { sum };
  });

const item = Stage.make("item", {
  input: { n: Schema.Int },
  output: Schema.Struct({ sum: Schema.Int }),
  run: ({ n }) => work(n),
});

/** How the lists are kept: in arrays, or in files. */
type Form = "arrays" | "stored";

const each = { each: "n", key: String } as const;

const pipelines = {
  arrays: (count: number) =>
    Pipeline.make("fan", { charter }, () => {
      const numbers = Stage.make("numbers", {
        input: {},
        output: Schema.Array(Schema.Int),
        params: { count },
        run: () => Effect.succeed(Array.from({ length: count }, (_, n) => n)),
      });
      return { out: Stage.forEach("items", item, each)({ n: numbers() }) };
    }),
  stored: (count: number) =>
    Pipeline.make("fan", { charter }, () => {
      const numbers = Stage.make("numbers", {
        input: {},
        output: StoredList.of(Schema.Int),
        params: { count },
        run: () => StoredList.write(Stream.range(0, count - 1), Schema.Int),
      });
      return { out: Stage.forEachStored("items", item, each)({ n: numbers() }) };
    }),
};

const known = Effect.provideService(Engine.CodeOf, () =>
  Effect.succeed({ _tag: "Known", parts: { bench: "1" } } as const),
);

const seconds = async (run: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
};

const peakMegabytes = (): number => process.resourceUsage().maxRSS / 1024;

const measure = async (form: Form, count: number): Promise<void> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-bench-"));
  try {
    const engine = LocalEngine.layer.pipe(
      Layer.provide([Store.Store.layer(folder), Artifact.ArtifactStore.layer(folder)]),
    );
    const run = (items: number) =>
      seconds(() =>
        Effect.runPromise(
          Engine.Engine.use((engine) =>
            form === "arrays"
              ? Effect.asVoid(engine.run(pipelines.arrays(items)))
              : Effect.asVoid(engine.run(pipelines.stored(items))),
          ).pipe(known, Effect.provide(engine)),
        ),
      );
    const numbers = Stream.range(0, count - 1);
    const plain = await seconds(() => Effect.runPromise(Stream.runForEach(numbers, work)));
    // Both are warm: the code of the engine is compiled.
    await run(10);
    const before = peakMegabytes();
    const durable = await run(count);
    const peak = peakMegabytes();
    // One more item: all others come from the record.
    const again = await run(count + 1);
    const files = fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile());
    const cells = [
      form,
      String(count),
      plain.toFixed(2),
      durable.toFixed(2),
      `${(durable / plain).toFixed(1)} ×`,
      (((durable - plain) / count) * 1e6).toFixed(0),
      (count / durable).toFixed(0),
      again.toFixed(2),
      `${before.toFixed(0)} → ${peak.toFixed(0)}`,
      String(files.length),
    ];
    console.log(cells.map((cell) => cell.padStart(12)).join(""));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
};

const [, file = "", form, count] = process.argv;
if (form !== "arrays" && form !== "stored") {
  const titles = [
    "lists",
    "items",
    "plain s",
    "durable s",
    "ratio",
    "µs/item",
    "items/s",
    "again s",
    "peak MB",
    "files",
  ];
  console.log(titles.map((title) => title.padStart(12)).join(""));
  for (const form of ["arrays", "stored"]) {
    for (const count of [1000, 10_000, 50_000]) {
      const options = ["--conditions=@ml-pipe/source", file, form, String(count)];
      spawnSync(process.execPath, options, { stdio: "inherit" });
    }
  }
} else await measure(form, Number(count));
