import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Duckdb, FeatureSet, OutOfFold, Split, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { rowsOf, services, telling } from "../test-fixtures/tables.ts";
import * as Labels from "./Labels.ts";

const provided = Effect.provide(services());

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  columns: {
    row: Column.int({ min: 0 }),
    x: Column.float(),
    late: Column.boolean({ availableAt: "outcome", nullable: true }),
  },
});
const TripFeatures = FeatureSet.make("trip-features", {
  version: "1",
  of: Trip,
  keep: ["row"],
  features: ($) => ({ x: $.x }),
  label: ($) => $.late,
});

const wrong = [17, 40, 93];
const given = (i: number) => (wrong.includes(i) ? i % 2 !== 0 : i % 2 === 0);
/** What an honest model says: nearly always right about the truth, a little differently for each row. */
const probability = (i: number) => (i % 2 === 0 ? 0.9 + i / 2000 : 0.1 - i / 2000);

/** 100 rows, true where even but for three; row 7 has no label. */
const tableOf = (rows = 100) =>
  Table.write(TripFeatures.contract, "train", {
    query: `SELECT i / 10.0 AS x, i + 1000 AS row,
      CASE WHEN i = 7 THEN NULL ELSE (i % 2 = 0) <> (i IN (${wrong.join(", ")})) END AS label
      FROM range(${rows}) t(i) ORDER BY i`,
    split: "split-one",
  });

const outOfFoldOf = (table: Table.AnyTable, p = probability, label = given) => {
  const rows = Float64Array.from({ length: table.rows }, (_, i) => i).filter((i) => i !== 7);
  return OutOfFold.write(TripFeatures, {
    kind: "hand-made model",
    signature: { _tag: "probability" },
    folds: { count: 5, by: "random" },
    table,
    columns: {
      row: rows,
      fold: rows.map((i) => i % 5),
      label: rows.map((i) => Number(label(i))),
      scores: rows.map(p),
    },
  });
};

describe("suspect labels", () => {
  it.effect("are set aside, the least credible first, and no row is lost", () =>
    Effect.gen(function* () {
      const data = yield* tableOf();
      const outOfFold = yield* outOfFoldOf(data);
      const { value, told } = yield* telling(
        Labels.suspects(TripFeatures).run({ data, outOfFold }),
      );
      assert.isDefined(value);
      const review = yield* rowsOf(value.review);
      assert.deepStrictEqual(Object.keys(review[0] ?? {}), [
        "row_",
        "given",
        "suggested",
        "score",
        "reasons",
        "x",
        "row",
        "label",
      ]);
      assert.deepStrictEqual(
        review.map(({ row_ }) => Number(row_)),
        [40, 93, 17].toSorted(
          (a, b) => Math.abs(0.5 - probability(b)) - Math.abs(0.5 - probability(a)),
        ),
      );
      const [first] = review;
      assert.strictEqual(Number(first?.["row"]), 1000 + Number(first?.["row_"]));
      assert.strictEqual(first?.["suggested"], !first?.["given"]);
      const reasons: unknown = JSON.parse(String(first?.["reasons"]));
      assert.match(
        String(reasons),
        /not trained on this row gives (true|false) a probability of 0\.0\d+/,
      );

      const trusted = yield* rowsOf(value.trusted);
      assert.strictEqual(value.trusted.split, "split-one");
      const kept = trusted.map(({ row }) => Number(row) - 1000);
      assert.deepStrictEqual(
        kept,
        Array.from({ length: 100 }, (_, i) => i).filter((i) => !wrong.includes(i)),
      );
      const [finding] = told.findings;
      assert.strictEqual(finding?.rows, 3);
      assert.strictEqual(finding?.owner, "fleet");
      assert.include(finding?.found, "3 rows of 99 rows (3.03 %)");
      assert.deepStrictEqual(finding?.sample, [17, 40, 93]);
    }).pipe(provided),
  );

  it.effect("are set aside from a fold too, whose rows are part of a file", () =>
    Effect.gen(function* () {
      const whole = yield* tableOf();
      const folds = yield* Split.kFold(TripFeatures.contract, { folds: 2 }).run({ data: whole });
      const data = folds[0]!.train;
      const db = yield* Duckdb.Duckdb;
      const rows = yield* db.rows(
        "read",
        `SELECT file_row_number::DOUBLE AS n FROM ${yield* Table.relation(data, { rowNumbers: true })} WHERE label IS NOT NULL`,
      );
      const row = Float64Array.from(rows, ({ n }) => Number(n));
      const outOfFold = yield* OutOfFold.write(TripFeatures, {
        kind: "hand-made model",
        signature: { _tag: "probability" },
        folds: { count: 5, by: "random" },
        table: data,
        columns: {
          row,
          fold: row.map(() => 0),
          label: row.map((i) => Number(given(i))),
          scores: row.map(probability),
        },
      });
      const stage = Labels.suspects(TripFeatures, { filter: "predictedNotGiven" });
      const { trusted, review } = yield* stage.run({ data, outOfFold });
      assert.strictEqual(trusted.rows + review.rows, data.rows);
      const found = yield* rowsOf(review);
      assert.isTrue(found.every(({ row_ }) => wrong.includes(Number(row_))));
      assert.isAbove(found.length, 0);
      const audited = yield* Labels.audit(TripFeatures.contract, { role: "train" }).run({ data });
      assert.strictEqual(audited.rows, data.rows);
    }).pipe(provided),
  );

  it.effect("are none where the model agrees: everything is trusted, and nothing is told", () =>
    Effect.gen(function* () {
      const data = yield* tableOf();
      const outOfFold = yield* outOfFoldOf(data, (i) => (given(i) ? 0.8 : 0.2));
      const { value, told } = yield* telling(
        Labels.suspects(TripFeatures, { filter: "both" }).run({ data, outOfFold }),
      );
      assert.strictEqual(value?.review.rows, 0);
      assert.strictEqual(value?.trusted.rows, 100);
      assert.deepStrictEqual(told.findings, []);
    }).pipe(provided),
  );

  it.effect("were not looked for by a model that says nothing of labels: a finding", () =>
    Effect.gen(function* () {
      const data = yield* tableOf();
      for (const says of [
        () => 0.5,
        (i: number) => (i % 10) / 10,
        (i: number) => (given(i) ? 0.3 : 0.7),
      ]) {
        const outOfFold = yield* outOfFoldOf(data, says);
        const { told } = yield* telling(Labels.suspects(TripFeatures).run({ data, outOfFold }));
        const finding = told.findings.find(({ check }) => check === "labels.learned");
        assert.strictEqual(finding?.severity, "warn");
        // 0.5 + 1.645 sqrt((99 + 1) / (12 * 51 * 48)): 51 labels are true, 48 are false.
        assert.include(finding?.expected, "a ROC AUC above 0.59");
      }
    }).pipe(provided),
  );
});

describe("refuses", () => {
  it.effect("probabilities of another table, or of another feature set that a cast made fit", () =>
    Effect.gen(function* () {
      const data = yield* tableOf();
      const outOfFold = yield* outOfFoldOf(yield* tableOf(90));
      const stage = Labels.suspects(TripFeatures);
      const error = yield* Effect.flip(stage.run({ data, outOfFold }));
      assert.strictEqual(error._tag, "OtherTable");
      assert.include(error.message, "Wire the same training table to both stages");
      const other = {
        ...outOfFold,
        featureSet: { name: "trip-features", digest: data.contract.digest },
      };
      const mismatch = yield* Effect.flip(stage.run({ data, outOfFold: other as never }));
      assert.strictEqual(mismatch._tag, "InputMismatch");
    }).pipe(provided),
  );

  it.effect("probabilities that are none, and labels of one class", () =>
    Effect.gen(function* () {
      const data = yield* tableOf();
      for (const [p, label, reason] of [
        [() => NaN, given, "notFinite"],
        [() => 1.5, given, "outOfRange"],
        [probability, () => true, "oneClass"],
      ] as const) {
        const outOfFold = yield* outOfFoldOf(data, p, label);
        const error = yield* Effect.flip(Labels.suspects(TripFeatures).run({ data, outOfFold }));
        assert.strictEqual(error._tag, "StatisticsError");
        assert.strictEqual("reason" in error && error.reason, reason);
      }
    }).pipe(provided),
  );
});
