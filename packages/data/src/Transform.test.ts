import { assert, describe, it } from "@effect/vitest";
import { Artifact, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import { close } from "../test-fixtures/statistics.ts";
import { tableOf, withTables } from "../test-fixtures/tables.ts";
import { about, applied, Person, same } from "../test-fixtures/transforms.ts";
import fixture from "../test-fixtures/transform.json" with { type: "json" };
import { Duckdb } from "./Duckdb.ts";
import type * as Expr from "./Expr.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as Table from "./Table.ts";
import * as Transform from "./Transform.ts";
import { select } from "./transform/select.ts";

const Set_ = FeatureSet.make("person-features", {
  version: "1",
  of: Person,
  keep: ["city"],
  features: ($) => ({ x: $.x, count: $.count, constant: $.constant, gaps: $.gaps }),
  label: ($) => $.happy,
});
type Columns = Expr.Columns<typeof Set_.contract>;

const trainRows = fixture.rows.label.map((label, row) => ({
  label,
  x: fixture.rows.x[row],
  count: fixture.rows.count[row],
  constant: fixture.rows.constant[row],
  gaps: fixture.rows.gaps[row],
  city: fixture.rows.city[row],
}));
const newRows = fixture.new.city.map((city, row) => ({
  label: null,
  x: fixture.new.x[row],
  count: 0,
  constant: [0.1, 5, -1][row],
  gaps: fixture.new.gaps[row],
  city,
}));

const fitOn = Effect.fnUntraced(function* (
  columns: ($: Columns) => { readonly [name: string]: Transform.Numeric | Transform.EncodedColumn },
  options: { readonly select?: ReadonlyArray<Transform.Selection> } = {},
  rows: ReadonlyArray<{ readonly [column: string]: unknown }> = trainRows,
) {
  const train = yield* tableOf(Set_.contract, "train", rows);
  const fitted = yield* Transform.fit(Transform.make(Set_, columns, options), train);
  return { train, fitted };
});

describe("against scikit-learn", () => {
  const cases: {
    readonly [name: string]: readonly [
      ($: Columns) => Transform.Numeric | Transform.EncodedColumn,
      { readonly train: ReadonlyArray<number | null>; readonly new: ReadonlyArray<number | null> },
    ];
  } = {
    StandardScaler: [($) => Transform.scale($.x), fixture.standard],
    "StandardScaler of a constant": [($) => Transform.scale($.constant), fixture.standardConstant],
    "StandardScaler with gaps": [($) => Transform.scale($.gaps), fixture.standardGaps],
    MinMaxScaler: [($) => Transform.scale($.x, { by: "minMax" }), fixture.minMax],
    RobustScaler: [($) => Transform.scale($.x, { by: "robust" }), fixture.robust],
    "SimpleImputer mean": [($) => Transform.impute($.gaps, { with: "mean" }), fixture.imputeMean],
    "SimpleImputer median": [
      ($) => Transform.impute($.gaps, { with: "median" }),
      fixture.imputeMedian,
    ],
    "SimpleImputer most_frequent": [
      ($) => Transform.impute($.gaps, { with: "mostFrequent" }),
      fixture.imputeMostFrequent,
    ],
    "SimpleImputer constant, add_indicator": [
      ($) => Transform.impute($.gaps, { with: -1, indicator: true }),
      fixture.imputeIndicator,
    ],
    OneHotEncoder: [($) => Transform.oneHot($.city), fixture.oneHot],
    OrdinalEncoder: [($) => Transform.ordinal($.city), fixture.ordinal],
    "TargetEncoder auto": [($) => Transform.targetMean($.city), fixture.targetAuto],
    "TargetEncoder smooth": [
      ($) => Transform.targetMean($.city, { smoothing: 5 }),
      fixture.targetSmooth,
    ],
  };
  for (const [name, [column, expected]] of Object.entries(cases)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { train, fitted } = yield* fitOn(($) => ({ c: column($) }));
        same(yield* applied(fitted, train), expected.train);
        const later = yield* tableOf(Set_.contract, "test", newRows);
        same(yield* applied(fitted, later), expected.new);
      }).pipe(withTables),
    );
  }

  it.effect("the scores that columns are selected by", () =>
    Effect.gen(function* () {
      const of = (by: "anovaF" | "chiSquare" | "mutualInformation") =>
        fitOn(($) => ({ count: $.count, x: $.x }), { select: [{ _tag: "best", count: 1, by }] });
      const { scores } = fixture;
      const f = yield* of("anovaF");
      assert.deepStrictEqual(
        f.fitted.outputs.map(({ name }) => name),
        scores.bestF[0] === true ? ["x"] : ["count"],
      );
      const label = Float64Array.from(fixture.rows.label, Number);
      const score = (
        by: "anovaF" | "chiSquare" | "mutualInformation",
        column: ReadonlyArray<number>,
      ) => {
        const names = ["better", "this"];
        const better = Float64Array.from(label);
        const found = select(
          [{ _tag: "best", count: 1, by }],
          names,
          [better, Float64Array.from(column)],
          { values: label, classes: 2 },
        );
        return Number(/ (\S+) is not among/.exec(found.dropped[0]?.because ?? "")?.[1]);
      };
      close(score("anovaF", fixture.rows.x), scores.anovaF[0]!, 1e-3);
      close(score("anovaF", fixture.rows.count), scores.anovaF[1]!, 1e-3);
      close(score("chiSquare", fixture.rows.count), scores.chiSquare[0]!, 1e-3);
      const nats = score("mutualInformation", fixture.rows.count) * Math.LN2;
      close(nats, scores.mutualInformationNats[0]!, 1e-3);
      const varied = yield* fitOn(($) => ({ x: $.x, count: $.count, constant: $.constant }), {
        select: [{ _tag: "variance", above: 0 }],
      });
      assert.deepStrictEqual(varied.fitted.dropped, [
        { name: "constant", because: "its variance is 0" },
      ]);
      const alike = yield* fitOn(
        ($) => ({ x: $.x, twice: $.x.times(-2).plus(1), count: $.count }),
        { select: [{ _tag: "correlation", atMost: 0.99 }] },
      );
      assert.deepStrictEqual(alike.fitted.dropped, [
        { name: "twice", because: 'its correlation with "x" is -1' },
      ]);
      const strict = yield* fitOn(($) => ({ x: $.x, count: $.count }), {
        select: [{ _tag: "correlation", atMost: 0.001 }],
      });
      const found = Number(/is (\S+)$/.exec(strict.fitted.dropped[0]?.because ?? "")?.[1]);
      close(found, scores.correlation, 1e-3);
    }).pipe(withTables),
  );
});

describe("a fitted transformation", () => {
  it.live("is the same for a row of a table and for a request", () =>
    Effect.gen(function* () {
      const row = fc.record({
        label: fc.boolean(),
        x: fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
        count: fc.integer({ min: 0, max: 5 }),
        constant: fc.constant(1),
        gaps: fc.option(fc.double({ noNaN: true, min: -10, max: 10 })),
        city: fc.option(fc.constantFrom("a", "b", "c'c", "", "ü", "a=b", "\0")),
      });
      const rows = fc.array(row, { minLength: 8, maxLength: 30 });
      for (const [train, later] of fc.sample(fc.tuple(rows, rows), { numRuns: 5, seed: 7 })) {
        const some = train.map((one, index) => ({ ...one, gaps: index === 0 ? 1 : one.gaps }));
        const { fitted } = yield* fitOn(
          ($) => ({
            x: Transform.scale($.x.plus(1)),
            filled: Transform.scale(Transform.impute($.gaps, { with: "mean", indicator: true }), {
              by: "robust",
            }),
            many: $.count.gt(2),
            city: Transform.oneHot($.city, { atMost: 3 }),
            place: Transform.ordinal($.city),
            often: Transform.frequency($.city),
            mean: Transform.targetMean($.city, { folds: 2 }),
          }),
          {},
          some,
        );
        const again = yield* Schema.decodeUnknownEffect(Transform.Fitted)(
          JSON.parse(JSON.stringify(fitted)),
        );
        const prepare = Transform.compile(again, Set_.spec);
        const compute = FeatureSet.compileRow(Set_.spec);
        const table = yield* tableOf(Set_.contract, "live", later);
        const found = yield* applied(fitted, table);
        for (const [index, request] of later.entries()) {
          const served = [...prepare(compute(request), request)];
          assert.deepStrictEqual(
            served.map((value) => (Number.isNaN(value) ? null : value)),
            found[index],
          );
        }
      }
    }).pipe(withTables),
  );

  it.effect("gives a training row the mean of the others, never one with its own label", () =>
    Effect.gen(function* () {
      // Every city once: its own label is all there is to know of it.
      const rows = trainRows.map((row, index) => ({ ...row, city: `c${index}` }));
      const { train, fitted } = yield* fitOn(
        ($) => ({ mean: Transform.targetMean($.city, { smoothing: 0 }) }),
        {},
        rows,
      );
      const seen = yield* applied(fitted, train);
      assert.deepStrictEqual(
        seen.flat(),
        rows.map(({ label }) => Number(label)),
      );
      const trained = yield* applied(fitted, train, { group: undefined });
      const distinct = new Set(trained.flat());
      assert.isAtMost(distinct.size, 5);
      assert.isTrue([...distinct].every((mean) => mean !== null && mean > 0.2 && mean < 0.6));
    }).pipe(withTables),
  );

  it.effect("keeps groups whole in inner folds", () =>
    Effect.gen(function* () {
      const Grouped = Contract.make("grouped", { ...about, group: "city" });
      const set = FeatureSet.make("grouped-features", {
        version: "1",
        of: Grouped,
        features: ($) => ({ x: $.x }),
        label: ($) => $.happy,
      });
      const transform = Transform.make(set, ($) => ({
        mean: Transform.targetMean($.city, { folds: 3, smoothing: 2 }),
      }));
      const rows = trainRows.map((row, index) => ({ ...row, city: `c${index % 9}` }));
      const train = yield* tableOf(set.contract, "train", rows);
      const fitted = yield* Transform.fit(transform, train);
      const found = yield* applied(fitted, train, { group: "city" });
      // A city is in one inner fold, so that the others know nothing of it: they give their overall mean.
      assert.isAtMost(new Set(found.flat()).size, 3);
      const one = yield* tableOf(
        set.contract,
        "train",
        rows.map((row) => ({ ...row, city: "c" })),
      );
      const error = yield* Effect.flip(Transform.fit(transform, one));
      assert.match(error.message, /column "mean": all training rows are in one inner fold\. There/);
    }).pipe(withTables),
  );

  it.live("is the same on any number of threads", () =>
    Effect.gen(function* () {
      const transform = Transform.make(Set_, ($) => ({
        x: Transform.scale(Transform.impute($.x, { with: "mean" })),
        city: Transform.targetMean($.city),
      }));
      const digests = (threads: number) =>
        Effect.gen(function* () {
          const train = yield* Table.write(Set_.contract, "train", {
            query: `SELECT sin(i) AS x, 0.1 AS count, 1.0 AS constant, NULL::DOUBLE AS gaps, 'c' || (i % 7) AS city, i % 3 = 0 AS label
              FROM range(130000) t(i) ORDER BY i`,
          });
          return JSON.stringify(yield* Transform.fit(transform, train));
        }).pipe(
          Effect.provide(
            Layer.mergeAll(Duckdb.layer({ threads }), Artifact.ArtifactStore.layerTemporary),
          ),
        );
      assert.strictEqual(yield* digests(1), yield* digests(3));
    }),
  );

  it.effect("names all that cannot be fitted", () =>
    Effect.gen(function* () {
      const rows = trainRows.map((row) => ({ ...row, gaps: null }));
      const error = yield* Effect.flip(
        fitOn(
          ($) => ({
            filled: Transform.impute($.gaps, { with: "mean" }),
            scaled: Transform.scale($.gaps),
            "c=x": $.x,
            c: Transform.oneHot($.city),
          }),
          {},
          [...rows, { ...rows[0], city: "x" }],
        ),
      );
      assert.strictEqual(error._tag, "TransformError");
      assert.strictEqual(
        error.message,
        'the transformation of person-features cannot be fitted: column "filled": all training rows have it missing. Leave it out, or impute a number of your own. column "scaled": all training rows have it missing. Leave it out, or impute a number of your own. column "c=x": two columns of this name come out. Give the columns of the transformation names that no value makes alike.',
      );
      const none = yield* Effect.flip(fitOn(($) => ({ x: $.x }), {}, newRows));
      assert.include(none.message, "no training row has an outcome");
      const negative = yield* Effect.flip(
        fitOn(($) => ({ x: $.x.minus(100) }), {
          select: [{ _tag: "best", count: 1, by: "chiSquare" }],
        }),
      );
      assert.include(negative.message, 'column "x": chi-square needs counts or shares');
      const nothing = yield* Effect.flip(
        fitOn(($) => ({ constant: $.constant }), { select: [{ _tag: "variance", above: 1 }] }),
      );
      assert.include(nothing.message, "no column is selected");
    }).pipe(withTables),
  );

  it("refuses steps that are none, where they are written", () => {
    const make = (column: ($: Columns) => Transform.Numeric | Transform.EncodedColumn) => () =>
      Transform.make(Set_, ($) => ({ c: column($) }));
    assert.throws(
      make(($) => Transform.oneHot($.city, { atMost: 0 })),
      "atMost 0",
    );
    assert.throws(
      make(($) => Transform.targetMean($.city, { folds: 1 })),
      "1 folds are not",
    );
    assert.throws(
      make(($) => Transform.targetMean($.city, { smoothing: -1 })),
      "is negative",
    );
    assert.throws(
      make(($) => Transform.impute($.x, { with: Number.NaN })),
      "NaN cannot be filled",
    );
    assert.throws(() => Transform.make(Set_, () => ({})), "it has no columns");
    const label: Expr.NumberExpr<"decision"> = Object.assign(Object.create(null), {
      ast: { _tag: "column", name: "label", type: "boolean" },
    });
    assert.throws(
      make(() => label),
      '"label" is not known at the decision',
    );
  });
});
