/**
 * Splits of three million flights against writing the same parts by hand, with no proof that they are
 * apart: side by side in one process, in turns.
 *
 *     npx node --conditions=@ml-pipe/source bench/split.ts
 */
import { Artifact, Column, Contract } from "@ml-pipe/core";
import { Duckdb, Split, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { fileURLToPath } from "node:url";

const rounds = Number(process.argv[2] ?? 3);

const about = {
  version: "1",
  owner: "flight-operations",
  columns: {
    date: Column.timestamp(),
    delay: Column.int({ availableAt: "outcome" }),
    distance: Column.int(),
    origin: Column.string(),
    destination: Column.string(),
  },
} as const;
const Row = Contract.make("row", about);
const Dated = Contract.make("dated", { ...about, eventTime: "date" });
const OfOrigin = Contract.make("of-origin", { ...about, group: "origin" });

const path = fileURLToPath(
  new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")),
);
const relation = Table.parquet(path, { rowNumbers: true });
const columns = Object.keys(about.columns).join(", ");
const shares = { validation: 0.2, test: 0.2 };
const cuts = { validation: "2001-04-15", test: "2001-05-01", live: "2001-06-01" };

/** The parts that a condition makes, each written in the order of the table. */
const byHand = (conditions: ReadonlyArray<string>) =>
  Effect.forEach(
    conditions,
    (condition) =>
      Table.write(Row, "train", {
        query: `SELECT ${columns} FROM ${relation} WHERE ${condition} ORDER BY file_row_number`,
      }),
    { discard: true },
  );
const drawn = "hash(date, delay, distance, origin, destination) % 10";

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const begun = performance.now();
    yield* effect;
    return performance.now() - begun;
  });
const median = (values: ReadonlyArray<number>) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const program = Effect.gen(function* () {
  const tableOf = <C extends Contract.Contract>(contract: C) =>
    Table.write(contract, "checked", {
      query: `SELECT ${columns} FROM ${relation} ORDER BY file_row_number`,
    });
  const data = {
    row: yield* tableOf(Row),
    dated: yield* tableOf(Dated),
    of: yield* tableOf(OfOrigin),
  };
  const months = ["< '2001-04-15'", "BETWEEN '2001-04-15' AND '2001-05-01'"];
  const cases: {
    readonly [name: string]: ReadonlyArray<
      Effect.Effect<unknown, unknown, Duckdb.Duckdb | Artifact.ArtifactStore>
    >;
  } = {
    "at random": [
      Split.random(Row, shares).run({ data: data.row }),
      byHand([`${drawn} < 2`, `${drawn} IN (2, 3)`, `${drawn} > 3`]),
    ],
    "at random, stratified by origin": [
      Split.random(Row, { ...shares, stratify: "origin" }).run({ data: data.row }),
      byHand([`${drawn} < 2`, `${drawn} IN (2, 3)`, `${drawn} > 3`]),
    ],
    "by group": [
      Split.byGroup(OfOrigin, { ...shares, stratify: "origin" }).run({ data: data.of }),
      byHand([`hash(origin) % 10 < 2`, `hash(origin) % 10 IN (2, 3)`, `hash(origin) % 10 > 3`]),
    ],
    "by time": [
      Split.byTime(Dated, cuts).run({ data: data.dated }),
      byHand([
        ...months.map((month) => `date ${month}`),
        "date BETWEEN '2001-05-01' AND '2001-06-01'",
        "date > '2001-06-01'",
      ]),
    ],
    "five folds": [
      Split.kFold(Row).run({ data: data.row }),
      byHand([0, 2, 4, 6, 8].map((fold) => `${drawn} IN (${fold}, ${fold + 1})`)),
    ],
  };
  for (const [name, [ours = Effect.void, theirs = Effect.void]] of Object.entries(cases)) {
    const times: { ours: Array<number>; theirs: Array<number> } = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round++) {
      times.ours.push(yield* timed(ours));
      times.theirs.push(yield* timed(theirs));
    }
    const [a, b] = [median(times.ours), median(times.theirs)];
    console.log(
      `${name}: ${(a / 1000).toFixed(1)} s, ${(a / b).toFixed(2)}x by hand (${(b / 1000).toFixed(1)} s)`,
    );
  }
  console.log(`peak memory: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
});

await Effect.runPromise(
  program.pipe(
    Effect.provide(
      Layer.mergeAll(Duckdb.Duckdb.layer({ threads: 2 }), Artifact.ArtifactStore.layerTemporary),
    ),
  ),
);
