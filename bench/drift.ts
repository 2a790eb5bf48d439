/**
 * A full drift report of two tables, and the profile of one, against what an engineer would write by hand
 * in DuckDB for the same figures: side by side in one process, in turns.
 *
 *     npx node --conditions=@ml-pipe/source bench/drift.ts [rows] [rounds]
 *
 * Default: 5,000,000 rows each, ten columns, 3 rounds.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Artifact, Column, Contract, Stage } from "@ml-pipe/core";
import { Duckdb, Profile, Table } from "@ml-pipe/data";
import { Compare } from "@ml-pipe/validate";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

const [rows = 5_000_000, rounds = 3] = process.argv.slice(2).map(Number);

const numbers = ["normal", "skewed", "price", "age", "key"] as const;
const Wide = Contract.make("wide", {
  version: "1.0.0",
  owner: "bench",
  columns: {
    since: Column.timestamp(),
    normal: Column.float(),
    skewed: Column.float(),
    price: Column.float({ nullable: true }),
    age: Column.int(),
    key: Column.int(),
    city: Column.string(),
    kind: Column.string(),
    flag: Column.boolean(),
    code: Column.string(),
  },
});

/** Uniform numbers from hashes, so that both tables are the same on every machine. */
const uniform = (salt: number) => `((hash(i * 10 + ${salt}) % 1000003) / 1000003.0)`;
const query = (shift: number) => `
  SELECT TIMESTAMP '2001-01-01' + to_seconds(i) AS since,
    sqrt(-2 * ln(${uniform(1)} + 1e-9)) * cos(6.283185 * ${uniform(2)}) + ${shift} AS normal,
    exp(2 * ${uniform(3)} * ${uniform(4)} * 3) AS skewed,
    CASE WHEN hash(i * 10 + 5) % 20 = 0 THEN NULL ELSE round(${uniform(6)} * 500 + ${shift}, 2) END AS price,
    CAST(hash(i * 10 + 7) % 90 AS BIGINT) AS age,
    i + CAST(${shift} * 1000000 AS BIGINT) AS key,
    'city ' || CAST(hash(i * 10 + 8) % 300 AS VARCHAR) AS city,
    CASE hash(i * 10 + 9) % 4 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END AS kind,
    hash(i * 10) % 3 = 0 AS flag,
    'code ' || CAST(hash(i * 10 + 3) % 100000 AS VARCHAR) AS code
  FROM range(${rows}) r(i) ORDER BY i`;

/** The figures of a profile by hand: approximate quantiles and distinct values, moments, nulls, extremes. */
const profileByHand = (relation: string) =>
  `SELECT count(*), ${Object.entries(Wide.spec.columns)
    .map(([name, { type }]) =>
      [
        `count(${name})`,
        `approx_count_distinct(${name})`,
        ...(type === "boolean" ? [`count_if(${name})`] : [`min(${name})`, `max(${name})`]),
        ...(type === "string"
          ? [
              `min(length(${name}))`,
              `max(length(${name}))`,
              `avg(length(${name}))`,
              `count_if(${name} = '')`,
            ]
          : []),
        ...(type === "float" || type === "int"
          ? [
              `avg(${name})`,
              `stddev_samp(${name})`,
              `skewness(${name})`,
              `kurtosis_pop(${name})`,
              `approx_quantile(${name}, [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])`,
            ]
          : []),
      ].join(", "),
    )
    .join(", ")} FROM ${relation}`;

/** Drift by hand: deciles of the reference, then counts of both by bin; counts of both by category. */
const driftByHand = Effect.fnUntraced(function* (before: string, now: string) {
  const db = yield* Duckdb.Duckdb;
  const [cuts] = yield* db.rows(
    "cut bins by hand",
    `SELECT ${numbers.map((name) => `approx_quantile(${name}, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) AS ${name}`).join(", ")} FROM ${before}`,
  );
  for (const relation of [before, now]) {
    for (const name of numbers) {
      const edges = cuts?.[name];
      const bins = Array.isArray(edges)
        ? edges.map((edge) => `(${name} > ${String(edge)})::INTEGER`).join(" + ")
        : "0";
      yield* db.rows(
        "count bins by hand",
        `SELECT ${bins} AS bin, count(*), avg(${name}), stddev_samp(${name}) FROM ${relation} GROUP BY bin`,
      );
    }
    for (const name of ["city", "kind", "flag"]) {
      yield* db.rows(
        "count categories by hand",
        `SELECT ${name}, count(*) FROM ${relation} GROUP BY 1`,
      );
    }
    yield* db.rows(
      "the rest by hand",
      `SELECT count(*), approx_count_distinct(code), count(since), min(since), max(since), count(code) FROM ${relation}`,
    );
  }
});

const timings = new Map<string, Array<number>>();
const timed = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now();
    return Effect.ensuring(
      effect,
      Effect.sync(() =>
        timings.set(name, [...(timings.get(name) ?? []), performance.now() - begun]),
      ),
    );
  });

const state = mkdtempSync(join(tmpdir(), "ml-pipe-bench-"));
const compare = Compare.tables(Wide, {
  reference: "train",
  current: "live",
  columns: { since: false },
});
const exact = Compare.tables(Wide, {
  reference: "train",
  current: "live",
  columns: { since: false },
  exactKs: true,
});

const program = Effect.gen(function* () {
  const db = yield* Duckdb.Duckdb;
  const reference = yield* Table.write(Wide, "train", { query: query(0) });
  const current = yield* Table.write(Wide, "live", { query: query(0.1) });
  const before = yield* Table.relation(reference);
  const now = yield* Table.relation(current);
  for (let round = 0; round < rounds; round++) {
    yield* timed("profile by hand", db.rows("profile by hand", profileByHand(before)));
    yield* timed("profile", Profile.of(before));
    yield* timed("drift by hand", driftByHand(before, now));
    yield* timed("drift report", compare.run({ reference, current }));
    yield* timed("drift report, exact KS", exact.run({ reference, current }));
  }
}).pipe(
  Effect.provideService(Stage.Reporter, () => Effect.void),
  Effect.provide(
    Layer.mergeAll(Duckdb.Duckdb.layer({ threads: 2 }), Artifact.ArtifactStore.layer(state)),
  ),
);

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const report = (own: string, other: string): void => {
  const times = timings.get(own) ?? [];
  const ratios = times.map((ms, round) => ms / (timings.get(other)?.[round] ?? Number.NaN));
  console.log(
    `${own.padEnd(24)} ${(median(times) / 1000).toFixed(2).padStart(7)} s   ${median(ratios).toFixed(2)}× ${other}`,
  );
};

try {
  await Effect.runPromise(program);
  console.log(`2 × ${rows} rows × ${Object.keys(Wide.columns).length} columns`);
  report("profile", "profile by hand");
  report("drift report", "drift by hand");
  report("drift report, exact KS", "drift by hand");
  console.log(
    `peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, all together`,
  );
} finally {
  rmSync(state, { recursive: true, force: true });
}
