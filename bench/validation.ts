/**
 * Validation of three million flights against what an engineer would write by hand in SQL, knowing
 * the file: side by side in one process, in turns.
 *
 *     npx node --conditions=@ml-pipe/source bench/validation.ts
 */
import { Artifact, Column, Contract, Stage } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import { Ingest } from "@ml-pipe/ingest";
import { Validate } from "@ml-pipe/validate";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

const rounds = 7;

const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  columns: {
    date: Column.timestamp(),
    delay: Column.int({ unit: "min", min: -120, max: 1440, availableAt: "outcome" }),
    distance: Column.int({ unit: "mi", min: 1, max: 5000 }),
    origin: Column.string({ pattern: "[A-Z]{3}" }),
    destination: Column.string({ pattern: "[A-Z]{3}" }),
  },
  eventTime: "date",
  freshness: "2 days",
  minRows: 1_000_000,
});

/** The same numbers. */
const aggregates = (relation: string): string => `
  SELECT count(*), max(date), count_if(date > TIMESTAMP '2001-07-01'),
    count_if(date IS NULL), approx_count_distinct(date), min(date),
    count_if(delay IS NULL), approx_count_distinct(delay), min(delay), max(delay), avg(delay),
    count_if(delay NOT BETWEEN -120 AND 1440), count_if(abs(delay) > 9007199254740991),
    count_if(distance IS NULL), approx_count_distinct(distance), min(distance), max(distance),
    avg(distance), count_if(distance NOT BETWEEN 1 AND 5000), count_if(abs(distance) > 9007199254740991),
    count_if(origin IS NULL), approx_count_distinct(origin), min(origin), max(origin),
    count_if(NOT regexp_full_match(origin, '[A-Z]{3}')),
    count_if(destination IS NULL), approx_count_distinct(destination), min(destination), max(destination),
    count_if(NOT regexp_full_match(destination, '[A-Z]{3}'))
  FROM ${relation}`;

const duplicates = (relation: string): string => `
  SELECT sum(n - 1) FROM (SELECT count(*) AS n FROM ${relation}
    GROUP BY date, delay, distance, origin, destination HAVING count(*) > 1)`;

const rewrite = (relation: string, to: string): string => `
  COPY (SELECT DISTINCT * FROM ${relation} WHERE delay BETWEEN -120 AND 1440
    ORDER BY date, delay, distance, origin, destination)
  TO '${to}' (FORMAT parquet, COMPRESSION zstd)`;

/** Milliseconds of each operation, one for each round. */
const timings = new Map<string, Array<number>>();
const timed = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now();
    const note = Effect.sync(() => {
      timings.set(name, [...(timings.get(name) ?? []), performance.now() - begun]);
    });
    return Effect.ensuring(effect, note);
  });

/** DuckDB that notes how long each operation takes. */
const timedDuckdb = Layer.effect(
  Duckdb.Duckdb,
  Effect.map(Duckdb.Duckdb, (db) =>
    Duckdb.Duckdb.of({
      ...db,
      execute: (operation, sql) => timed(`execute: ${operation}`, db.execute(operation, sql)),
      rows: (operation, sql) => timed(`rows: ${operation}`, db.rows(operation, sql)),
    }),
  ),
).pipe(Layer.provide(Duckdb.Duckdb.layer({ threads: 2 })));

const path = Ingest.packageFile("vega-datasets", "data/flights-3m.parquet", import.meta.url);
const ingest = Ingest.parquet(Flight, { path });
const validate = Validate.table(Flight, { asOf: "2001-07-01" });

const program = Effect.gen(function* () {
  const db = yield* Duckdb.Duckdb;
  const store = yield* Artifact.ArtifactStore;
  const raw = yield* ingest.run({});
  const relation = yield* Table.relation(raw);
  for (let round = 0; round < rounds; round++) {
    yield* db.rows("aggregates by hand", aggregates(relation));
    yield* db.rows("duplicates by hand", duplicates(relation));
    yield* timed(
      "rewrite by hand",
      store.put("application/vnd.apache.parquet", (file) =>
        db.execute("copy by hand", rewrite(relation, file)),
      ),
    );
    yield* timed("validate", validate.run({ data: raw }));
  }
}).pipe(
  Effect.provideService(Stage.Reporter, () => Effect.void),
  Effect.provide(Layer.mergeAll(timedDuckdb, Artifact.ArtifactStore.layerTemporary)),
);

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Prints the median time of an operation and the median of its ratios to others, round by round. */
const compare = (title: string, own: string, ...others: ReadonlyArray<string>): void => {
  const times = timings.get(own) ?? [];
  const ratios = times.map(
    (ms, round) => ms / others.reduce((sum, other) => sum + (timings.get(other)?.[round] ?? 0), 0),
  );
  const ms = median(times).toFixed(0).padStart(6);
  console.log(`${title.padEnd(22)} ${ms} ms   ${median(ratios).toFixed(2)}× by hand`);
};

await Effect.runPromise(program);
compare("one scan", "rows: check all rows", "rows: aggregates by hand");
compare(
  "duplicates",
  "execute: find rows that are not unique (rows.unique)",
  "rows: duplicates by hand",
);
compare(
  "the whole stage",
  "validate",
  "rows: aggregates by hand",
  "rows: duplicates by hand",
  "rewrite by hand",
);
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, both together`);
