/** Trips with every history over three windows and three entities, and rows to try them on. */
import { Column, Contract } from "@ml-pipe/core";
import { assert } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as fc from "fast-check";
import { Duckdb } from "../src/Duckdb.ts";
import * as FeatureSet from "../src/FeatureSet.ts";
import * as FeatureStore from "../src/FeatureStore.ts";
import * as History from "../src/History.ts";
import * as OnlineFeatures from "../src/OnlineFeatures.ts";
import { featureSql } from "../src/internal/featureSql.ts";
import { relationOf, tableOf } from "./tables.ts";

export const Trip = Contract.make("trip", {
  version: "1",
  owner: "lab",
  eventTime: "at",
  columns: {
    id: Column.int(),
    /** Rows of different tests share a table, and know nothing of one another. */
    test: Column.int(),
    at: Column.timestamp(),
    known: Column.timestamp({ nullable: true, availableAt: "outcome" }),
    from: Column.string({ nullable: true }),
    line: Column.int({ nullable: true }),
    minutes: Column.float({ nullable: true, availableAt: "outcome" }),
  },
});

export interface TripRow {
  readonly [column: string]: unknown;
  readonly id: number;
  readonly test: number;
  readonly at: Date;
  readonly known: Date | null;
  readonly from: string | null;
  readonly line: number | null;
  readonly minutes: number | null;
}

export const hour = 3_600_000;
export const windows = [
  { window: 3 * hour, hop: hour },
  { window: 24 * hour, hop: 24 * hour },
  { window: 5 * 60_000, hop: 60_000 },
] as const;
export const entities = [["test"], ["test", "from"], ["from", "line", "test"]] as const;

/** All kinds of histories, over some of the {@link windows} of some of the {@link entities}. */
const featuresOver = (
  name: string,
  ofWindows: ReadonlySet<number>,
  ofEntities: ReadonlySet<number>,
) =>
  FeatureSet.make(name, {
    version: "1",
    of: Trip,
    decidedAt: "at",
    keep: ["id"],
    label: ($) => $.minutes.gt(10),
    features: ($) =>
      Object.fromEntries(
        windows.flatMap(({ window, hop }, w) =>
          entities.flatMap((by, e) => {
            if (!ofWindows.has(w) || !ofEntities.has(e)) return [];
            const options = { by: by.map((name) => $[name]), knownAt: $.known, window, hop };
            return [
              [`mean_${w}_${e}`, History.mean($.minutes, options)],
              [`late_${w}_${e}`, History.mean($.minutes.gt(10), options)],
              [`count_${w}_${e}`, History.count(options)],
              [`sum_${w}_${e}`, History.sum($.minutes, options)],
              [`min_${w}_${e}`, History.min($.minutes, options)],
              [`max_${w}_${e}`, History.max($.minutes, options)],
              [`variance_${w}_${e}`, History.variance($.minutes, options)],
              [`distinct_${w}_${e}`, History.distinct($.minutes, options)],
              [`first_${w}_${e}`, History.first($.minutes, options)],
              [`last_${w}_${e}`, History.last($.minutes, options)],
              [`quantile_${w}_${e}`, History.quantile($.minutes, { ...options, share: 0.25 })],
              [
                `decayedSum_${w}_${e}`,
                History.decayedSum($.minutes, { ...options, halfLife: 2 * hop }),
              ],
              [
                `decayedMean_${w}_${e}`,
                History.decayedMean($.minutes, { ...options, halfLife: 2 * hop }),
              ],
            ];
          }),
        ),
      ),
  });

export const TripFeatures = featuresOver("trip-features", new Set([0, 1, 2]), new Set([0, 1, 2]));

/** Fewer of them, for what takes a while. */
export const SomeFeatures = featuresOver("some-features", new Set([0, 2]), new Set([0, 2]));

export const namesOf = ({ spec }: FeatureSet.FeatureSet): ReadonlyArray<string> =>
  spec.features.map(({ name }) => name);
export const names = namesOf(TripFeatures);

/** Features by SQL, in the order of `id`. */
export const bySql = Effect.fnUntraced(function* (
  rows: ReadonlyArray<TripRow>,
  set: FeatureSet.FeatureSet = TripFeatures,
) {
  const db = yield* Duckdb;
  const found = yield* db.rows(
    "compute",
    `FROM (${featureSql(set.spec, relationOf(Trip, rows))}) ORDER BY id`,
  );
  return found.map((row) =>
    namesOf(set).map((name) => (row[name] === null ? null : Number(row[name]))),
  );
});

/** Equal but for the rounding of sums: the values here are at most 120. */
export const same = (a: number | null, b: number | null): boolean =>
  a === b || (a !== null && b !== null && Math.abs(a - b) <= 1e-11 * Math.max(1, Math.abs(a)));

// Times on and beside the edges of hops, on both sides of 1970, and often equal.
const instant = fc
  .tuple(fc.integer({ min: -30, max: 30 }), fc.constantFrom(0, 0, 1, -1, 60_000, 1_800_000))
  .map(([hours, beside]) => new Date(hours * hour + beside));
export const minutes = fc.oneof(
  fc.integer({ min: -60, max: 120 }),
  fc.constantFrom(0.1, 0.2, 1 / 3, 10, 10.5),
);
export const tripRows: fc.Arbitrary<ReadonlyArray<TripRow>> = fc
  .array(
    fc.record({
      at: instant,
      // From an hour before the decision to four hours after it.
      delay: fc.option(fc.constantFrom(-hour, -1, 0, 1, 60_000, hour, 4 * hour), {
        nil: null,
        freq: 8,
      }),
      from: fc.option(fc.constantFrom("A", "B", "it's"), { nil: null, freq: 6 }),
      line: fc.option(fc.constantFrom(1, 2), { nil: null, freq: 6 }),
      minutes: fc.option(minutes, { nil: null, freq: 6 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((rows) =>
    rows.map(({ delay, ...row }, id) => ({
      ...row,
      id,
      test: 0,
      known: delay === null ? null : new Date(row.at.getTime() + delay),
    })),
  );

/** Several tests in one table. */
export const together = (tests: ReadonlyArray<ReadonlyArray<TripRow>>): ReadonlyArray<TripRow> =>
  tests
    .flatMap((rows, test) => rows.map((row) => ({ ...row, test })))
    .map((row, id) => ({ ...row, id }));

/** One count a trip's line has, over some windows: each is a series of its own. */
export const growing = (hours: ReadonlyArray<number>) =>
  FeatureSet.make("growing", {
    version: "1",
    of: Trip,
    decidedAt: "at",
    label: ($) => $.minutes.gt(10),
    features: ($) =>
      Object.fromEntries(
        hours.map((window) => [
          `count${window}`,
          History.count({ by: [$.line], knownAt: $.known, window: window * hour, hop: hour }),
        ]),
      ),
  });

/** Makes a store with two series and drops the one that is not needed, if nobody wrote to it lately. */
export const prunes = Effect.gen(function* () {
  const both = growing([1, 2]);
  const trip = { id: 0, test: 0, at: new Date(hour), known: new Date(hour), from: "A", line: 1 };
  const rows = [{ ...trip, minutes: 1 }];
  const table = yield* tableOf(Trip, "checked", rows);
  yield* FeatureStore.materialise(both, { data: table }, { until: new Date(2 * hour) });
  yield* FeatureStore.append(both, [{ ...rows[0]!, id: 1, known: new Date(2 * hour) }]);
  const served = [growing([1]).spec];
  const lately = yield* FeatureStore.prune(served, { idle: "1 hour" });
  assert.deepStrictEqual([lately.dropped.length, lately.lately.length, lately.needed], [0, 1, 1]);
  const dry = yield* FeatureStore.prune(served, { idle: 0, dry: true });
  assert.deepStrictEqual(
    dry.dropped.map(({ featureSet, knownUntil }) => [featureSet, knownUntil]),
    [["growing", new Date(2 * hour)]],
  );
  yield* FeatureStore.append(both, [{ ...rows[0]!, id: 2, known: new Date(2 * hour) }]);
  // It was written since it was looked at.
  const { drop } = yield* FeatureStore.FeatureStore;
  const [before] = dry.dropped;
  const touched = yield* drop([{ ...before!, writtenAt: new Date(0) }]);
  assert.deepStrictEqual(touched, []);
  const pruned = yield* FeatureStore.prune(served, { idle: 0 });
  assert.strictEqual(pruned.dropped.length, 1);
  const gone = yield* Effect.flip(FeatureStore.freshness(both.spec, new Date(0)));
  assert.strictEqual(gone._tag, "StateMissing");
  assert.include(gone.message, "no state of count2 of");
  const online = yield* OnlineFeatures.fromStore(growing([1]).spec, { timeout: "30 seconds" });
  const [kept] = yield* online.rows([{ ...rows[0]!, at: new Date(2 * hour) }]);
  assert.deepStrictEqual([...Result.getOrThrow(kept!).features], [1]);
  const again = yield* FeatureStore.prune(served, { idle: 0 });
  assert.deepStrictEqual([again.dropped, again.needed], [[], 1]);
});
