import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as fc from "fast-check";
import {
  bySql,
  growing,
  hour,
  namesOf,
  prunes,
  same,
  together,
  Trip,
  SomeFeatures,
  type TripRow,
  tripRows,
} from "../test-fixtures/histories.ts";
import { services, tableOf } from "../test-fixtures/tables.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as FeatureStore from "./FeatureStore.ts";
import * as History from "./History.ts";
import * as OnlineFeatures from "./OnlineFeatures.ts";

const withStore = Effect.provide(Layer.mergeAll(services, FeatureStore.FeatureStore.layerMemory));

/** Another store for a part of a test. */
const inAnotherStore = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provide(effect, Layer.fresh(FeatureStore.FeatureStore.layerMemory));

const served = Effect.fnUntraced(function* (rows: ReadonlyArray<TripRow>) {
  const online = yield* OnlineFeatures.fromStore(SomeFeatures.spec);
  const found = yield* online.rows(rows);
  return found.map((one) => Result.getOrThrow(one));
});

const names = namesOf(SomeFeatures);

/** A permutation by seed. */
const shuffled = <A>(values: ReadonlyArray<A>, seed: number): ReadonlyArray<A> => {
  const [order = []] = fc.sample(
    fc.array(fc.nat(), { minLength: values.length, maxLength: values.length }),
    { numRuns: 1, seed },
  );
  return values
    .map((value, index) => ({ value, at: order[index] ?? 0 }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
};

describe("FeatureStore", () => {
  it.live("serves what the batch computes, however the rows came in", () =>
    Effect.gen(function* () {
      const rows = together(fc.sample(tripRows, { numRuns: 25, seed: 45 }));
      const table = yield* tableOf(Trip, "checked", rows);
      const batch = yield* bySql(rows, SomeFeatures);
      let compared = 0;
      const compare = Effect.fnUntraced(function* (at: number, how: string) {
        const asked = rows.filter((row) => Math.floor(row.at.getTime() / 60_000) === at / 60_000);
        for (const [index, { features, stale }] of (yield* served(asked)).entries()) {
          const id = asked[index]?.id ?? -1;
          assert.deepStrictEqual(stale, [], how);
          for (const [f, value] of features.entries()) {
            const expected = batch[id]?.[f] ?? null;
            const online = Number.isNaN(value) ? null : value;
            assert.isTrue(
              same(online, expected),
              `${how}, ${names[f]}: served ${online}, batch ${expected}`,
            );
            compared++;
          }
        }
      });
      for (const at of [-20, 10]) {
        const until = new Date(at * hour);
        yield* inAnotherStore(
          Effect.gen(function* () {
            yield* FeatureStore.materialise(SomeFeatures, { data: table }, { until });
            yield* compare(at * hour, "materialised");
          }),
        );
        // Nothing before -31 hours: all of it streams.
        for (const from of [-40, at - 5]) {
          yield* inAnotherStore(
            Effect.gen(function* () {
              yield* FeatureStore.materialise(
                SomeFeatures,
                { data: table },
                {
                  until: new Date(from * hour),
                },
              );
              const inAnyOrder = shuffled([...rows, ...rows.slice(0, 100)], at + from);
              const half = inAnyOrder.length >> 1;
              for (const some of [inAnyOrder.slice(0, half), inAnyOrder.slice(half)]) {
                yield* FeatureStore.append(SomeFeatures, some);
              }
              const again = yield* FeatureStore.append(SomeFeatures, inAnyOrder, {
                knownUntil: until,
              });
              assert.strictEqual(again.applied, 0);
              assert.strictEqual(again.changed, 0);
              yield* compare(at * hour, `streamed from ${from} h`);
              // A batch takes over what was streamed, and changes no value.
              yield* FeatureStore.materialise(SomeFeatures, { data: table }, { until });
              yield* compare(at * hour, `streamed from ${from} h, then materialised`);
            }),
          );
        }
      }
      assert.isAbove(compared, 700);
    }).pipe(withStore),
  );

  it.live("writes only the hops that changed", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 6 }, (_, id): TripRow => ({
        id,
        test: 0,
        at: new Date(id * hour),
        known: new Date(id * hour),
        from: "A",
        line: 1,
        minutes: id,
      }));
      const until = new Date(5 * hour);
      const first = yield* FeatureStore.materialise(
        SomeFeatures,
        { data: yield* tableOf(Trip, "checked", rows) },
        { until },
      );
      // 3 hops and one more of an hour, by two kinds of entities.
      const hourly = first.series.filter(({ features }) => features[0]?.startsWith("mean_0"));
      assert.deepStrictEqual(
        hourly.map((one) => one.hopsWritten),
        [4, 4],
      );
      const again = yield* FeatureStore.materialise(
        SomeFeatures,
        { data: yield* tableOf(Trip, "checked", rows) },
        { until },
      );
      assert.isTrue(again.series.every((one) => one.hopsWritten === 0));
      // An outcome was corrected: one hop of each series is another.
      const corrected = rows.map((row) => (row.id === 3 ? { ...row, minutes: 100 } : row));
      const late = yield* FeatureStore.materialise(
        SomeFeatures,
        { data: yield* tableOf(Trip, "checked", corrected) },
        { until: new Date(6 * hour) },
      );
      assert.deepStrictEqual(
        late.series
          .filter(({ features }) => features[0]?.startsWith("mean_0"))
          .map((one) => [one.hopsWritten, one.hopsKept]),
        Array.from({ length: 2 }, () => [2, 2]),
      );
      const at = new Date(6 * hour);
      const [found] = yield* served([{ ...rows[0]!, at }]);
      assert.strictEqual(found?.features[names.indexOf("sum_0_0")], 100 + 4 + 5);
    }).pipe(withStore),
  );

  it.live("says what became of the rows of a stream", () =>
    Effect.gen(function* () {
      const row = (id: number, hours: number, minutes: number | null): TripRow => ({
        id,
        test: 0,
        at: new Date(hours * hour),
        known: new Date(hours * hour),
        from: "A",
        line: 1,
        minutes,
      });
      const nothing = yield* tableOf(Trip, "checked", []);
      const missing = yield* Effect.flip(FeatureStore.append(SomeFeatures, [row(0, 1, 1)]));
      assert.strictEqual(missing._tag, "StateMissing");
      assert.include(missing.message, "Materialise the feature set");
      yield* FeatureStore.materialise(SomeFeatures, { data: nothing }, { until: new Date(0) });
      const told = yield* FeatureStore.append(SomeFeatures, [
        row(0, 25, 5),
        row(0, 25, 5),
        row(1, -1, 5),
        { ...row(2, 25, 5), known: null },
      ]);
      assert.deepStrictEqual(told, {
        rows: 4,
        applied: 1,
        repeated: 1,
        covered: 1,
        changed: 0,
        unknown: 1,
      });
    }).pipe(withStore),
  );

  it.live("keeps what an event said first, and says so if it changed", () =>
    Effect.gen(function* () {
      const Sale = Contract.make("sale", {
        version: "1",
        owner: "shop",
        eventTime: "at",
        key: ["id"],
        columns: {
          id: Column.int(),
          at: Column.timestamp(),
          paid: Column.float({ availableAt: "outcome" }),
        },
      });
      const SaleFeatures = FeatureSet.make("sales", {
        version: "1",
        of: Sale,
        decidedAt: "at",
        label: ($) => $.paid.gt(1),
        features: ($) => ({
          paid: History.sum($.paid, { by: [], knownAt: $.at, window: "1 day", hop: "1 hour" }),
        }),
      });
      const table = yield* tableOf(Sale, "checked", []);
      yield* FeatureStore.materialise(SaleFeatures, { data: table }, { until: new Date(0) });
      const sale = { id: 1, at: new Date(hour), paid: 10 };
      yield* FeatureStore.append(SaleFeatures, [sale, { ...sale, id: 2 }]);
      const told = yield* FeatureStore.append(SaleFeatures, [{ ...sale, paid: 11 }]);
      assert.deepStrictEqual([told.applied, told.changed], [0, 1]);
      const online = yield* OnlineFeatures.fromStore(SaleFeatures.spec);
      const [found] = yield* online.rows([{ at: new Date(2 * hour) }]);
      assert.deepStrictEqual([...Result.getOrThrow(found!).features], [20]);

      const broken = yield* Effect.flip(
        // @ts-expect-error a sale has an id
        FeatureStore.append(SaleFeatures, [{ at: new Date(), paid: "1" }]),
      );
      assert.strictEqual(broken._tag, "RowsInvalid");
      assert.match(broken.message, /^ {2}row 0: .* at \["paid"\]$/m);
      assert.include(broken.message, "ask shop");
    }).pipe(withStore),
  );

  it.live("takes rows in all histories or in none, if one was never materialised", () =>
    Effect.gen(function* () {
      const nothing = yield* tableOf(Trip, "checked", []);
      yield* FeatureStore.materialise(growing([1]), { data: nothing }, { until: new Date(0) });
      const trip = {
        id: 0,
        test: 0,
        at: new Date(hour),
        known: new Date(hour),
        from: "A",
        line: 1,
      };
      const rows = [{ ...trip, minutes: 1 }];
      const missing = yield* Effect.flip(FeatureStore.append(growing([1, 2]), rows));
      assert.strictEqual(missing._tag, "StateMissing");
      assert.include(missing.message, "no state of count2 of");
      const told = yield* FeatureStore.append(growing([1]), rows);
      assert.strictEqual(told.applied, 1);
    }).pipe(withStore),
  );

  it.live("drops what nobody needs or wrote to lately", () => prunes.pipe(withStore));

  it.live("keeps a window and forgets what is older", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 48 }, (_, id): TripRow => ({
        id,
        test: 0,
        at: new Date(id * hour),
        known: new Date(id * hour),
        from: "A",
        line: 1,
        minutes: 1,
      }));
      const nothing = yield* tableOf(Trip, "checked", []);
      yield* FeatureStore.materialise(SomeFeatures, { data: nothing }, { until: new Date(0) });
      for (const row of rows) {
        yield* FeatureStore.append(SomeFeatures, [row], { knownUntil: row.at });
      }
      const at = new Date(47 * hour);
      const ask = (date: Date) => served([{ ...rows[0]!, at: date }]);
      const [now] = yield* ask(at);
      assert.strictEqual(now?.features[names.indexOf("count_0_0")], 3);
      assert.deepStrictEqual(now?.stale, []);
      // Three hours ago the window began before what is kept: that is said, not answered as if it were all.
      const [before] = yield* ask(new Date(44 * hour));
      assert.include(before?.stale ?? [], "count_0_0");
      const [later] = yield* ask(new Date(47 * hour + 60_000));
      assert.include(later?.stale ?? [], "count_2_0");
      assert.notInclude(later?.stale ?? [], "count_0_0");
    }).pipe(withStore),
  );
});

describe("FeatureStore on disk", () => {
  const folder = Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-features-"))),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
  );
  const row: TripRow = {
    id: 1,
    test: 0,
    at: new Date(hour),
    known: new Date(hour),
    from: "A",
    line: 1,
    minutes: 7,
  };

  it.live("shows at once what another process wrote, although it caches", () =>
    Effect.gen(function* () {
      const at = yield* folder;
      const open = () => Layer.fresh(FeatureStore.FeatureStore.layer(at));
      const table = yield* tableOf(Trip, "checked", []);
      yield* FeatureStore.materialise(SomeFeatures, { data: table }, { until: new Date(0) }).pipe(
        Effect.provide(open()),
      );
      yield* Effect.gen(function* () {
        const asked = { ...row, at: new Date(2 * hour) };
        const online = yield* OnlineFeatures.fromStore(SomeFeatures.spec);
        const ask = Effect.map(online.rows([asked]), ([one]) => Result.getOrThrow(one!));
        assert.include((yield* ask).unseen, "sum_0_0");
        yield* FeatureStore.append(SomeFeatures, [row], { knownUntil: new Date(2 * hour) }).pipe(
          Effect.provide(open()),
        );
        const { features, unseen, stale } = yield* ask;
        assert.strictEqual(features[names.indexOf("sum_0_0")], 7);
        assert.deepStrictEqual([unseen, stale], [[], []]);
      }).pipe(Effect.provide(open()));
    }).pipe(Effect.provide(services)),
  );

  it.live("lays a file of an older form out anew, and asks for its state", () =>
    Effect.gen(function* () {
      const at = yield* folder;
      const old = new DatabaseSync(FeatureStore.fileIn(at));
      old.exec(
        "CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE bucket (hop)",
      );
      old.close();
      const table = yield* tableOf(Trip, "checked", []);
      yield* Effect.gen(function* () {
        const missing = yield* Effect.flip(FeatureStore.freshness(SomeFeatures.spec, new Date(0)));
        assert.strictEqual(missing._tag, "StateMissing");
        yield* FeatureStore.materialise(SomeFeatures, { data: table }, { until: new Date(0) });
      }).pipe(Effect.provide(FeatureStore.FeatureStore.layer(at)));
      const newer = new DatabaseSync(FeatureStore.fileIn(at));
      newer.exec("PRAGMA user_version = 3");
      newer.close();
      const error = yield* FeatureStore.freshness(SomeFeatures.spec, new Date(0)).pipe(
        Effect.provide(Layer.fresh(FeatureStore.FeatureStore.layer(at))),
        Effect.flip,
      );
      assert.include(error.message, "newer version of ml-pipe. Use that version");
    }).pipe(Effect.provide(services)),
  );

  it.live("says what to do about a file that is none", () =>
    Effect.gen(function* () {
      const at = yield* folder;
      fs.writeFileSync(FeatureStore.fileIn(at), "not a database ".repeat(100));
      const error = yield* Effect.flip(
        FeatureStore.freshness(SomeFeatures.spec, new Date(0)).pipe(
          Effect.provide(FeatureStore.FeatureStore.layer(at)),
        ),
      );
      assert.strictEqual(error._tag, "FeatureStoreError");
      assert.include(error.message, "move it away and materialise the features again");
    }),
  );
});
