/**
 * The leakage audit of three million flights (seven features, two million to train on and one to judge)
 * against the heart of it written by hand in SQL, knowing the columns: side by side in one process.
 *
 *     npx node --conditions=@ml-pipe/source bench/leakage.ts
 */
import { Artifact, Stage } from "@ml-pipe/core";
import { Duckdb, Features, Table, TestRows } from "@ml-pipe/data";
import { Leakage } from "@ml-pipe/evaluate";
import { Ingest } from "@ml-pipe/ingest";
import { Validate } from "@ml-pipe/validate";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { DelayFeatures, Flight } from "../examples/flight-delay/pipeline.ts";

const rounds = Number(process.argv[2] ?? 5);

const features = [
  "minuteOfDay",
  "dayOfWeek",
  "distance",
  "originLate6h",
  "destinationLate6h",
  "originLate28d",
  "routeLate28d",
];

/** Statistics of each feature, test rows that are in train, and likeness of outcomes by origin. */
const byHand = (train: string, test: string): ReadonlyArray<string> => [
  ...[train, test].map(
    (relation) =>
      `SELECT count(*), count_if(label), min("date"), max("date"), ${features
        .map(
          (name) =>
            `count("${name}"), min("${name}"), max("${name}"), avg("${name}"), stddev_pop("${name}")`,
        )
        .join(", ")} FROM ${relation}`,
  ),
  `WITH cells AS (SELECT hash(${features.join(", ")}, origin) AS h, avg(label::INTEGER) AS late FROM ${train} GROUP BY 1)
   SELECT count(h), avg(late) FILTER (label) FROM (SELECT hash(${features.join(", ")}, origin) AS v, label FROM ${test}) LEFT JOIN cells ON v = h`,
  `SELECT count(*), sum(n * n), sum(y * y / n) FROM (SELECT count(*)::DOUBLE AS n, count_if(label) AS y FROM ${train} GROUP BY origin)`,
];

const timings = new Map<string, Array<number>>();
const timed = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now();
    const note = Effect.sync(() => {
      timings.set(name, [...(timings.get(name) ?? []), performance.now() - begun]);
    });
    return Effect.ensuring(effect, note);
  });

const path = Ingest.packageFile("vega-datasets", "data/flights-3m.parquet", import.meta.url);

const program = Effect.gen(function* () {
  const db = yield* Duckdb.Duckdb;
  const raw = yield* Ingest.parquet(Flight, { path }).run({});
  const { checked } = yield* Validate.table(Flight, { asOf: "2001-07-01" }).run({ data: raw });
  const table = yield* Features.stage(DelayFeatures).run({ data: checked });
  const all = Table.parquet(yield* Table.pathOf(table), { rowNumbers: true });
  const part = <R extends "train" | "test">(role: R, where: string) =>
    Table.write(DelayFeatures.contract, role, {
      query: `SELECT * EXCLUDE (file_row_number) FROM ${all} WHERE ${where} ORDER BY file_row_number`,
    });
  const train = yield* part("train", `"date" < TIMESTAMP '2001-05-01'`);
  const test = yield* part("test", `"date" >= TIMESTAMP '2001-05-01'`);
  const relation = (one: Table.AnyTable) =>
    Effect.map(Table.pathOf(one), (file) => Table.parquet(file, { rowNumbers: true }));
  const queries = byHand(yield* relation(train), yield* relation(test));
  console.log(`${train.rows} train rows, ${test.rows} test rows, ${features.length} features`);
  for (let round = 0; round < rounds; round++) {
    yield* timed(
      "by hand",
      Effect.forEach(queries, (query) => db.rows("by hand", query)),
    );
    yield* timed("audit", Leakage.audit(DelayFeatures, { train, test }));
    yield* timed("rows of the ledger", TestRows.of(DelayFeatures, test));
  }
}).pipe(
  Effect.provideService(Stage.Reporter, () => Effect.void),
  Effect.provide(
    Layer.mergeAll(Duckdb.Duckdb.layer({ threads: 2 }), Artifact.ArtifactStore.layerTemporary),
  ),
);

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

await Effect.runPromise(program);
for (const name of ["by hand", "audit", "rows of the ledger"]) {
  const times = timings.get(name) ?? [];
  const ratio = median(times.map((ms, round) => ms / (timings.get("by hand")?.[round] ?? 1)));
  console.log(
    `${name.padEnd(20)} ${median(times).toFixed(0).padStart(6)} ms   ${ratio.toFixed(2)}×`,
  );
}
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, both together`);
