/** Transformations of feature sets whose label is a number or a class. */
import { assert, describe, it } from "@effect/vitest";
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { close } from "../test-fixtures/statistics.ts";
import { tableOf, withTables } from "../test-fixtures/tables.ts";
import fixture from "../test-fixtures/transform.json" with { type: "json" };
import { applied, Person, same } from "../test-fixtures/transforms.ts";
import { Duckdb } from "./Duckdb.ts";
import * as Expr from "./Expr.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as Table from "./Table.ts";
import * as Transform from "./Transform.ts";
import { select, type Told } from "./transform/select.ts";

describe("labels that are not yes or no", () => {
  const common = {
    version: "1",
    of: Person,
    keep: ["city"],
    features: ($: Expr.Columns<typeof Person>) => ({ x: $.x, gaps: $.gaps }),
  } as const;
  const Amount = FeatureSet.make("amount", { ...common, label: ($) => $.happy.toNumber() });
  const Mood = FeatureSet.make("mood", {
    ...common,
    label: ($) => Expr.when($.happy, "good", "bad"),
  });

  for (const [set, label] of [
    [Amount, 3],
    [Mood, "good"],
  ] as const) {
    it.effect(`are left alone by what does not ask for them: ${set.spec.name}`, () =>
      Effect.gen(function* () {
        const of: FeatureSet.FeatureSet<typeof Person> = set;
        const prepare = Transform.make(of, () => {
          const $ = Expr.columns(set.contract);
          return {
            gaps: Transform.scale(Transform.impute($.gaps, { with: "median" })),
            city: Transform.oneHot($.city),
            often: Transform.frequency($.city),
          };
        });
        const rows = ["A", "A", "B"].map((city, x) => ({
          x,
          gaps: x === 1 ? null : x,
          city,
          label,
        }));
        const train = yield* tableOf(of.contract, "train", rows);
        const fitted = yield* Transform.fit(prepare, train);
        assert.strictEqual(fitted.rows, 3);
        assert.includeMembers(
          fitted.outputs.map(({ name }) => name),
          ["gaps", "city=A", "city=B", "often"],
        );
      }).pipe(withTables),
    );
  }

  const trainedOn = (set: FeatureSet.FeatureSet<typeof Person>, labels: ReadonlyArray<unknown>) =>
    tableOf(
      set.contract,
      "train",
      fixture.rows.city.map((city, row) => ({
        x: fixture.rows.x[row],
        gaps: fixture.rows.gaps[row],
        city,
        label: labels[row],
      })),
    );
  const $ = Expr.columns(Amount.contract);

  for (const [name, set, labels, smoothing, expected] of [
    ["a number, auto", Amount, fixture.amount, undefined, fixture.targetAmountAuto],
    ["a number, smooth", Amount, fixture.amount, 5, fixture.targetAmountSmooth],
    ["three classes, auto", Mood, fixture.mood, undefined, fixture.targetMoodAuto],
    ["three classes, smooth", Mood, fixture.mood, 5, fixture.targetMoodSmooth],
  ] as const) {
    it.effect(`encode text as scikit-learn's TargetEncoder: ${name}`, () =>
      Effect.gen(function* () {
        const of: FeatureSet.FeatureSet<typeof Person> = set;
        const train = yield* trainedOn(of, labels);
        const options = smoothing === undefined ? {} : { smoothing };
        const prepare = Transform.make(of, () => ({ c: Transform.targetMean($.city, options) }));
        const fitted = yield* Transform.fit(prepare, train);
        assert.deepStrictEqual(
          fitted.outputs.map((one) => one.name),
          set === Mood ? ["c: bad", "c: good", "c: so-so"] : ["c"],
        );
        same(yield* applied(fitted, train), expected.train);
        const later = fixture.new.city.map((city, x) => ({ x, gaps: 1, city, label: labels[x] }));
        same(yield* applied(fitted, yield* tableOf(of.contract, "test", later)), expected.new);
      }).pipe(withTables),
    );
  }

  it.effect("never tell a training row its own label", () =>
    Effect.gen(function* () {
      const of: FeatureSet.FeatureSet<typeof Person> = Amount;
      const rows = Array.from({ length: 30 }, (_, x) => ({ x, gaps: 1, city: `c${x}`, label: x }));
      const train = yield* tableOf(of.contract, "train", rows);
      const prepare = Transform.make(of, () => ({
        c: Transform.targetMean($.city, { smoothing: 0, folds: 3 }),
      }));
      const fitted = yield* Transform.fit(prepare, train);
      const found = (yield* applied(fitted, train, { group: undefined })).flat();
      // Every city once: a row knows the mean of the other folds, one of three numbers.
      assert.strictEqual(new Set(found).size, 3);
    }).pipe(withTables),
  );

  it.effect("of two classes there is one column, with the share of the second", () =>
    Effect.gen(function* () {
      const of: FeatureSet.FeatureSet<typeof Person> = Mood;
      const prepare = Transform.make(of, () => ({ c: Transform.targetMean($.city) }));
      const labels = fixture.rows.label.map((yes) => (yes ? "yes" : "no"));
      const fitted = yield* Transform.fit(prepare, yield* trainedOn(of, labels));
      const train = yield* trainedOn(of, labels);
      assert.deepStrictEqual(
        fitted.outputs.map((one) => one.name),
        ["c"],
      );
      same(yield* applied(fitted, train), fixture.targetAuto.train);
    }).pipe(withTables),
  );

  it.effect("give the same bytes on any number of threads, far from 0 too", () =>
    Effect.gen(function* () {
      const of: FeatureSet.FeatureSet<typeof Person> = Amount;
      const bytes = (threads: number) =>
        Effect.gen(function* () {
          const train = yield* Table.write(of.contract, "train", {
            query:
              "SELECT i % 7 AS x, 1.0 AS gaps, 'c' || hash(i) % 5 AS city, 1e9 + sin(i) AS label FROM range(5000) t(i) ORDER BY i",
            split: "one",
          });
          const prepare = Transform.make(of, () => ({ c: Transform.targetMean($.city) }));
          return JSON.stringify(yield* Transform.fit(prepare, train));
        }).pipe(
          Effect.provide(
            Layer.merge(Duckdb.layer({ threads }), Artifact.ArtifactStore.layerTemporary),
          ),
        );
      assert.strictEqual(yield* bytes(1), yield* bytes(4));
    }),
  );

  it("score columns as scikit-learn's f_regression, f_classif and chi2", () => {
    const { amountF, moodF, moodChiSquare, moodInformationNats } = fixture.otherScores;
    const moods = ["bad", "good", "so-so"];
    const mood = Float64Array.from(fixture.mood, (one) => moods.indexOf(one));
    const amount = Float64Array.from(fixture.amount);
    const score = (
      by: "anovaF" | "chiSquare" | "mutualInformation",
      column: ReadonlyArray<number>,
      told: Told,
    ) => {
      const columns = [told.values, Float64Array.from(column)];
      const found = select([{ _tag: "best", count: 1, by }], ["better", "this"], columns, told);
      return Number(/ (\S+) is not among/.exec(found.dropped[0]?.because ?? "")?.[1]);
    };
    const numbers = { values: amount, classes: undefined };
    const classes = { values: mood, classes: 3 };
    close(score("anovaF", fixture.rows.x, numbers), amountF[0]!, 1e-3);
    close(score("anovaF", fixture.rows.count, numbers), amountF[1]!, 1e-3);
    close(score("anovaF", fixture.rows.x, classes), moodF[0]!, 1e-3);
    close(score("anovaF", fixture.rows.count, classes), moodF[1]!, 1e-3);
    close(score("chiSquare", fixture.rows.count, classes), moodChiSquare[0]!, 1e-3);
    const nats = score("mutualInformation", fixture.rows.count, classes) * Math.LN2;
    close(nats, moodInformationNats[0]!, 1e-3);
  });

  it.effect("are what the best columns are selected by", () =>
    Effect.gen(function* () {
      for (const [set, labels] of [
        [Amount, fixture.amount],
        [Mood, fixture.mood],
      ] as const) {
        const of: FeatureSet.FeatureSet<typeof Person> = set;
        for (const by of ["anovaF", "mutualInformation"] as const) {
          const prepare = Transform.make(
            of,
            () => ({ noise: Transform.impute($.gaps, { with: 0 }), x: $.x }),
            { select: [{ _tag: "best", count: 1, by }] },
          );
          const fitted = yield* Transform.fit(prepare, yield* trainedOn(of, labels));
          assert.deepStrictEqual(
            fitted.outputs.map(({ name }) => name),
            ["x"],
          );
        }
      }
      const best = { _tag: "best", count: 1, by: "chiSquare" } as const;
      const of: FeatureSet.FeatureSet<typeof Person> = Amount;
      assert.throws(
        () => Transform.make(of, () => ({ x: $.x }), { select: [best] }),
        /chi-square compares classes, and the label is a number; select by "anovaF"/,
      );
    }).pipe(withTables),
  );

  it.effect("that are infinite are named", () =>
    Effect.gen(function* () {
      const of: FeatureSet.FeatureSet<typeof Person> = Amount;
      const train = yield* Table.write(of.contract, "train", {
        query: "SELECT 1.0 AS x, 1.0 AS gaps, 'a' AS city, 'inf'::DOUBLE AS label FROM range(9)",
        split: "one",
      });
      const prepare = Transform.make(of, () => ({ c: Transform.targetMean($.city) }));
      const error = yield* Effect.flip(Transform.fit(prepare, train));
      assert.include(error.message, "the label of a training row is Infinity");
    }).pipe(withTables),
  );
});
