/** Out-of-fold predictions of numbers and classes. */
import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, type Exhibit, Stage } from "@ml-pipe/core";
import {
  Duckdb,
  type Expr,
  FeatureSet,
  OutOfFold,
  Regression,
  Table,
  Transform,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import linear from "../test-fixtures/linear.json" with { type: "json" };
import sklearn from "../test-fixtures/out_of_fold.json" with { type: "json" };
import { Amount, Kind, partsOf, services } from "../test-fixtures/visits.ts";
import * as Train from "./Train.ts";

const provided = Effect.provide(services);
const logistic = { kind: "linear" } as const;

/** Fourteen numbers, in the order of their time, with a number and a class as outcomes. */
const Ordered = Contract.make("ordered", {
  version: "1",
  owner: "lab",
  eventTime: "at",
  columns: {
    at: Column.timestamp(),
    ...Object.fromEntries(
      Array.from({ length: 13 }, (_, j) => [`f${j}`, Column.float({ nullable: true })]),
    ),
    progression: Column.float({ availableAt: "outcome" }),
    cultivar: Column.string({ availableAt: "outcome" }),
  },
});
const numbered = {
  version: "1",
  of: Ordered,
  decidedAt: "at",
  features: ($: unknown) => {
    // Names that are made have no types of their own.
    const all = $ as { readonly [name: string]: Expr.NumberExpr<"decision"> };
    return Object.fromEntries(Array.from({ length: 13 }, (_, j) => [`f${j}`, all[`f${j}`]!]));
  },
} as const;
const Progression = FeatureSet.make("progression", { ...numbered, label: ($) => $.progression });
const Cultivar = FeatureSet.make("cultivar", { ...numbered, label: ($) => $.cultivar });

describe("numbers and classes", () => {
  it.effect("are scikit-learn's cross_val_predict", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const of = Effect.fnUntraced(function* <Out extends FeatureSet.Labelled>(
          set: FeatureSet.FeatureSet<typeof Ordered, Out>,
          {
            featureNames,
            columns,
            labels,
          }: Pick<typeof linear.wine, "featureNames" | "columns" | "labels">,
          place: (i: number) => number,
          label: string,
        ) {
          const db = yield* Duckdb.Duckdb;
          const taken = (column: ReadonlyArray<number>) =>
            Float64Array.from(labels, (_, i) => column[place(i)]!);
          const relation = yield* db.fromColumns("write", {
            i: Float64Array.from(labels.keys()),
            y: taken(labels),
            ...Object.fromEntries(columns.map((column, j) => [`f${j}`, taken(column)])),
          });
          const features = set.spec.features.map(({ name }) =>
            Number(name.slice(1)) < featureNames.length ? name : `NULL::DOUBLE AS ${name}`,
          );
          const data = yield* Table.write(set.contract, "train", {
            query: `SELECT ${features.join(", ")}, epoch_ms(i::BIGINT) AS at, ${label} AS label FROM ${relation} ORDER BY i`,
            split: "split-one",
          });
          const found = yield* Train.outOfFold(set, { estimator: logistic }).run({ data });
          return { found, ...(yield* OutOfFold.read(found)) };
        });
        const { diabetes, wine } = linear;
        const number = yield* of(Progression, diabetes, (i) => i, "y");
        assert.deepStrictEqual(number.found.signature, { _tag: "value" });
        assert.strictEqual(number.found.kind, "linear regression");
        assert.deepStrictEqual([...number.label], diabetes.labels);
        for (const [row, expected] of sklearn.value.entries()) {
          assert.closeTo(number.scores[row]!, expected, 1e-6, `row ${row}`);
        }
        const rows = wine.labels.length;
        const kind = yield* of(Cultivar, wine, (i) => (i * 37) % rows, "'c' || y::INTEGER");
        assert.deepStrictEqual(kind.found.signature, {
          _tag: "classes",
          classes: ["c0", "c1", "c2"],
        });
        assert.deepStrictEqual(
          [...kind.label],
          wine.labels.map((_, i) => wine.labels[(i * 37) % rows]),
        );
        for (const [at, expected] of sklearn.probabilities.flat().entries()) {
          assert.closeTo(kind.scores[at]!, expected, 1e-6);
        }
        const db = yield* Duckdb.Duckdb;
        const store = yield* Artifact.ArtifactStore;
        const [first] = yield* db.rows(
          "read",
          `SELECT label, probabilities[1] AS p FROM ${Table.parquet(yield* store.path(kind.found.data))} ORDER BY row LIMIT 1`,
        );
        assert.deepStrictEqual({ ...first }, { label: "c0", p: kind.scores[0] });
      }),
    ).pipe(provided),
  );

  it.effect("are predicted by trees and by the links and quantiles that are asked for", () =>
    Effect.gen(function* () {
      const { train: amounts } = yield* partsOf(Amount, 300);
      const of = (estimator: Train.FoldEstimator<typeof Amount.contract>) =>
        Effect.flatMap(
          Train.outOfFold(Amount, { estimator, folds: 2 }).run({ data: amounts }),
          (found) => Effect.map(OutOfFold.read(found), (read) => ({ ...found, ...read })),
        );
      const poisson = yield* of({ kind: "linear", link: "log", exposure: "days" });
      assert.strictEqual(poisson.kind, "Poisson regression");
      assert.isTrue(poisson.scores.every((one) => one > 0));
      const few = { kind: "boosted-trees", maxTrees: 5, minSamplesLeaf: 5 } as const;
      const high = yield* of({ ...few, quantile: 0.9 });
      const below = high.label.filter((label, row) => label <= high.scores[row]!).length;
      assert.isTrue(below > 0.8 * high.rows && below < high.rows, `${below}`);
    }).pipe(provided),
  );

  it.effect("tell by the figures that suit them, and are never fitted on their own fold", () =>
    Effect.gen(function* () {
      const exhibits: Array<Exhibit.Exhibit> = [];
      const telling = Effect.provideService(Stage.Reporter, (event) =>
        Effect.sync(() => {
          if (event._tag === "Exhibit") exhibits.push(event.exhibit);
        }),
      );
      // A shop for each row: its mean is the row's own label, or says nothing.
      const { train: data } = yield* partsOf(Amount, 200);
      const own = yield* Table.write(Amount.contract, "train", {
        query: `SELECT * REPLACE ('s' || (row_number() OVER ()) AS shop) FROM ${yield* Table.relation(data)}`,
        split: data.split,
      });
      const prepare = Transform.make(Amount, ($) => ({
        shop: Transform.targetMean($.shop, { smoothing: 0 }),
      }));
      const stage = Train.outOfFold(Amount, { estimator: logistic, prepare });
      const { label, scores } = yield* OutOfFold.read(
        yield* stage.run({ data: own }).pipe(telling),
      );
      const { r2 } = Result.getOrThrow(Regression.errors(scores, label));
      assert.isBelow(r2 ?? 1, 0.05);
      yield* Train.outOfFold(Kind, { estimator: logistic })
        .run({ data: (yield* partsOf(Kind, 200)).train })
        .pipe(telling);
      assert.deepStrictEqual(
        exhibits.map((one) => (one._tag === "table" ? one.columns.slice(3) : [])),
        [
          ["mean absolute error", "root mean squared error", "R²"],
          ["accuracy", "log loss"],
        ],
      );
    }).pipe(provided),
  );

  it.effect("need every class, or two numbers, in what is left to train on", () =>
    Effect.gen(function* () {
      const { train: kinds } = yield* partsOf(Kind, 100);
      const with_ = <C extends Contract.Contract, Out extends Contract.Contract>(
        set: FeatureSet.FeatureSet<C, Out>,
        table: Table.Table<Out, "train">,
        label: string,
      ) =>
        Effect.flatMap(Table.relation(table, { rowNumbers: true }), (relation) =>
          Table.write(set.contract, "train", {
            query: `SELECT * EXCLUDE file_row_number REPLACE (${label} AS label) FROM ${relation}`,
            split: table.split,
          }),
        );
      const rare = yield* with_(Kind, kinds, "if(file_row_number = 5, 'rare', label)");
      const error = yield* Effect.flip(
        Train.outOfFold(Kind, { estimator: logistic }).run({ data: rare }),
      );
      assert.include(error.message, 'none has the label "rare". There are too few rows');
      const { train: amounts } = yield* partsOf(Amount, 100);
      const same = yield* with_(Amount, amounts, "3.0");
      const constant = yield* Effect.flip(
        Train.outOfFold(Amount, { estimator: logistic }).run({ data: same }),
      );
      assert.include(constant.message, "none has the label above or below 3");
      const infinite = yield* with_(
        Amount,
        amounts,
        "if(file_row_number = 5, 'inf'::DOUBLE, label)",
      );
      const wrong = yield* Effect.flip(
        Train.outOfFold(Amount, { estimator: logistic }).run({ data: infinite }),
      );
      assert.include(wrong.message, "label Infinity is not a finite number");
    }).pipe(provided),
  );
});
