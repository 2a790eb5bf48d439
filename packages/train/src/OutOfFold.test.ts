import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, Stage, Store } from "@ml-pipe/core";
import { Duckdb, type Expr, FeatureSet, GoldenSet, OutOfFold, Split, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import sklearn from "../test-fixtures/out_of_fold.json" with { type: "json" };
import { breastCancer, reference } from "../test-fixtures/reference.ts";
import * as Train from "./Train.ts";

const services = (threads = 2) =>
  Layer.mergeAll(Duckdb.Duckdb.layer({ threads }), Artifact.ArtifactStore.layerTemporary);
const provided = Effect.provide(services());
const logistic = { kind: "linear" } as const;

const columns = {
  at: Column.timestamp(),
  x: Column.float(),
  who: Column.string(),
  late: Column.boolean({ availableAt: "outcome", nullable: true }),
};
const options = { version: "1", owner: "fleet", columns };

const Timed = Contract.make("timed", { ...options, eventTime: "at" });
const Grouped = Contract.make("grouped", { ...options, eventTime: "at", group: "who" });
const Still = Contract.make("still", {
  version: "1",
  owner: "fleet",
  columns: { x: Column.float(), late: columns.late },
});
const Seen = Contract.make("seen", {
  version: "1",
  owner: "fleet",
  group: "who",
  columns: { i: Column.int(), who: Column.string(), label: columns.late },
});
const TimedFeatures = FeatureSet.make("timed-features", {
  version: "1",
  of: Timed,
  decidedAt: "at",
  features: ($) => ({ x: $.x }),
  label: ($) => $.late,
});
const GroupedFeatures = FeatureSet.make("grouped-features", {
  version: "1",
  of: Grouped,
  decidedAt: "at",
  features: ($) => ({ x: $.x }),
  label: ($) => $.late,
});
const StillFeatures = FeatureSet.make("still-features", {
  version: "1",
  of: Still,
  features: ($) => ({ x: $.x }),
  label: ($) => $.late,
});

/** Rows i of `rows` by SQL over i; x is a hash of i, the label mostly x > 0.5. */
const tableOf = <C extends Contract.Contract>(contract: C, rows: number, label?: string) => {
  const sql = {
    at: "TIMESTAMP '2001-01-01' + to_hours(i)",
    x: "x",
    who: "'p' || (i % 7)",
    label: label ?? "CASE WHEN i % 11 = 0 THEN NULL ELSE (x > 0.5) <> (i % 5 = 0) END",
  };
  const select = Object.keys(contract.columns).map(
    (name) => `${Object.entries(sql).find(([key]) => key === name)?.[1]} AS ${name}`,
  );
  return Table.write(contract, "train", {
    query: `SELECT ${select.join(", ")} FROM (SELECT i, hash(i * 7919) / 18446744073709551615.0 AS x FROM range(${rows}) t(i)) ORDER BY i`,
    split: "split-one",
  });
};

describe("the predictions", () => {
  const { featureNames } = reference.breastCancer;
  const Cell = Contract.make("cell", {
    version: "1",
    owner: "lab",
    eventTime: "at",
    columns: {
      at: Column.timestamp(),
      ...Object.fromEntries(featureNames.map((name) => [name, Column.float()])),
      benign: Column.boolean({ availableAt: "outcome" }),
    },
  });
  const CellFeatures = FeatureSet.make("cell-features", {
    version: "1",
    of: Cell,
    decidedAt: "at",
    features: ($) => {
      // Names from a file have no types of their own.
      const all = $ as unknown as { readonly [name: string]: Expr.NumberExpr<"decision"> };
      return Object.fromEntries(featureNames.map((name) => [name, all[name]!]));
    },
    label: ($) => $.benign,
  });

  it.effect("are scikit-learn's with five folds of consecutive rows", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const db = yield* Duckdb.Duckdb;
        const data = breastCancer();
        const relation = yield* db.fromColumns("write", {
          i: Float64Array.from(data.labels.keys()),
          y: data.labels,
          ...Object.fromEntries(featureNames.map((name, j) => [name, data.columns[j]!])),
        });
        const names = featureNames.map(Duckdb.identifier).join(", ");
        const table = yield* Table.write(CellFeatures.contract, "train", {
          query: `SELECT ${names}, epoch_ms(i::BIGINT) AS at, y = 1 AS label FROM ${relation} ORDER BY i`,
          split: "split-one",
        });
        const stage = Train.outOfFold(CellFeatures, { estimator: logistic });
        const { scores, fold } = yield* OutOfFold.read(yield* stage.run({ data: table }));
        assert.deepStrictEqual(
          [0, 1, 2, 3, 4].map((k) => fold.filter((one) => one === k).length),
          [114, 114, 114, 114, 113],
        );
        for (const [row, expected] of sklearn.probability.entries()) {
          assert.closeTo(scores[row]!, expected, 1e-6, `row ${row}`);
        }
      }),
    ).pipe(provided),
  );

  it.live("are the same bytes on any number of threads, by either estimator", () =>
    Effect.gen(function* () {
      const digestOf = (threads: number, estimator: Train.FoldEstimator) =>
        Effect.gen(function* () {
          const data = yield* tableOf(StillFeatures.contract, 3000);
          const stage = Train.outOfFold(StillFeatures, { estimator, folds: 2 });
          return (yield* stage.run({ data })).data.digest;
        }).pipe(Effect.provide(services(threads)));
      assert.strictEqual(yield* digestOf(1, logistic), yield* digestOf(4, logistic));
      const trees = { kind: "boosted-trees", maxTrees: 3 } as const;
      assert.notStrictEqual(yield* digestOf(2, trees), yield* digestOf(2, logistic));
    }),
  );
});

describe("the folds", () => {
  const foldsOf = Effect.fnUntraced(function* <
    C extends Contract.Contract,
    Out extends FeatureSet.Labelled<boolean>,
  >(set: FeatureSet.FeatureSet<C, Out>, rows: number, more: Train.OutOfFoldOptions = {}) {
    const data = yield* tableOf(set.contract, rows);
    const found = yield* Train.outOfFold(set, { estimator: logistic, ...more }).run({ data });
    return { found, ...(yield* OutOfFold.read(found)) };
  });

  it.effect("are periods where rows have a time; rows without a label are in none", () =>
    Effect.gen(function* () {
      const { found, row, fold } = yield* foldsOf(TimedFeatures, 220, { folds: 4 });
      assert.deepStrictEqual(found.folds, { count: 4, by: "time" });
      assert.strictEqual(found.rows, 200);
      assert.isFalse([...row].some((one) => one % 11 === 0));
      assert.deepStrictEqual([...fold], [...fold].toSorted());
      assert.deepStrictEqual(
        [0, 1, 2, 3].map((k) => fold.filter((one) => one === k).length),
        [50, 50, 50, 50],
      );
    }).pipe(provided),
  );

  it.effect("keep groups whole", () =>
    Effect.gen(function* () {
      const { found, row, fold } = yield* foldsOf(GroupedFeatures, 300, { folds: 3 });
      assert.strictEqual(found.folds.by, "group");
      const folds = Map.groupBy(row.keys(), (at) => row[at]! % 7);
      for (const members of folds.values()) {
        assert.strictEqual(new Set(members.map((at) => fold[at])).size, 1);
      }
      assert.strictEqual(new Set(fold).size, 3);
    }).pipe(provided),
  );

  it.effect("have equal class shares otherwise, and depend on the seed", () =>
    Effect.gen(function* () {
      const { label, fold } = yield* foldsOf(StillFeatures, 400);
      const positives = [0, 1, 2, 3, 4].map(
        (k) => label.filter((y, at) => y === 1 && fold[at] === k).length,
      );
      assert.isAtMost(Math.max(...positives) - Math.min(...positives), 1);
      const other = yield* foldsOf(StillFeatures, 400, { seed: 1 });
      assert.notDeepEqual([...other.fold], [...fold]);
    }).pipe(provided),
  );

  it.effect("of groups are those of Split.kFold", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(GroupedFeatures.contract, 300, "i % 3 = 0");
      const stage = Train.outOfFold(GroupedFeatures, { estimator: logistic, folds: 3, seed: 3 });
      const { row, fold } = yield* OutOfFold.read(yield* stage.run({ data }));
      const split = Split.kFold(Seen, { folds: 3, seed: 3, stratify: "label" });
      const seen = yield* Table.write(Seen, "train", {
        query:
          "SELECT i, 'p' || (i % 7) AS who, i % 3 = 0 AS label FROM range(300) t(i) ORDER BY i",
      });
      const db = yield* Duckdb.Duckdb;
      for (const { fold: number, validation } of yield* split.run({ data: seen })) {
        const rows = yield* db.rows(
          "read",
          `SELECT i FROM ${yield* Table.relation(validation)} ORDER BY i`,
        );
        const own = [...row].filter((_, at) => fold[at] === number - 1);
        assert.deepStrictEqual(
          rows.map(({ i }) => Number(i)),
          own,
        );
      }
    }).pipe(provided),
  );

  it.effect("deal equal rows out one by one: a coarse feature is learned from the others", () =>
    Effect.gen(function* () {
      const data = yield* Table.write(StillFeatures.contract, "train", {
        query: "SELECT (i % 2)::DOUBLE AS x, i % 20 < 3 AS label FROM range(200) t(i) ORDER BY i",
        split: "split-one",
      });
      const stage = Train.outOfFold(StillFeatures, { estimator: logistic });
      const { scores, row } = yield* OutOfFold.read(yield* stage.run({ data }));
      // One or two in ten, whatever the row's own label is.
      for (const [at, p] of scores.entries()) {
        assert.closeTo(p, row[at]! % 2 === 0 ? 0.2 : 0.1, 0.05);
      }
    }).pipe(provided),
  );

  it.effect("leave out rows whose group is not known, and say so", () =>
    Effect.gen(function* () {
      const data = yield* Table.write(GroupedFeatures.contract, "train", {
        query: `SELECT ${Object.keys(GroupedFeatures.contract.columns)
          .map(
            (name) =>
              `${{ at: "TIMESTAMP '2001-01-01'", x: "i * 1.0", who: "CASE WHEN i > 4 THEN 'p' || i % 9 END", label: "hash(i) % 2 = 0" }[name]} AS ${name}`,
          )
          .join(", ")} FROM range(200) t(i) ORDER BY i`,
        split: "split-one",
      });
      const findings: Array<string> = [];
      const found = yield* Train.outOfFold(GroupedFeatures, { estimator: logistic, folds: 3 })
        .run({ data })
        .pipe(
          Effect.provideService(Stage.Reporter, (event) =>
            Effect.sync(() => {
              if (event._tag === "Finding") findings.push(event.finding.found);
            }),
          ),
        );
      assert.strictEqual(found.rows, 195);
      assert.deepStrictEqual(findings, ["5 rows without one, which get no prediction"]);
    }).pipe(provided),
  );

  it.effect("leave out what an embargo overlaps", () =>
    Effect.gen(function* () {
      const plain = yield* foldsOf(TimedFeatures, 220);
      const apart = yield* foldsOf(TimedFeatures, 220, { embargo: "30 hours" });
      assert.deepStrictEqual(apart.fold, plain.fold);
      assert.notDeepEqual(apart.scores, plain.scores);
    }).pipe(provided),
  );
});

describe("refuses", () => {
  const errorOf = Effect.fnUntraced(function* (rows: number, label?: string, folds = 5) {
    const data = yield* tableOf(StillFeatures.contract, rows, label);
    return yield* Effect.flip(
      Train.outOfFold(StillFeatures, { estimator: logistic, folds }).run({ data }),
    );
  });

  it.effect(
    "no rows, all labels null, one class, fewer rows than folds, a class with one row",
    () =>
      Effect.gen(function* () {
        const faults = [
          yield* errorOf(0),
          yield* errorOf(50, "CAST(NULL AS BOOLEAN)"),
          yield* errorOf(50, "true"),
          yield* errorOf(3, "i = 0"),
          yield* errorOf(50, "i = 7"),
        ];
        for (const error of faults) assert.strictEqual(error._tag, "FoldUnusable");
        assert.include(
          faults[0]?.message,
          "fold 1 of 5 (by random) cannot be held out: it has no rows",
        );
        assert.include(
          faults[4]?.message,
          'of the 40 rows left to train on, none has the label "yes"',
        );
      }).pipe(provided),
  );

  it.effect("fewer groups than folds, one instant", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(GroupedFeatures.contract, 50);
      const stage = Train.outOfFold(GroupedFeatures, { estimator: logistic, folds: 9 });
      assert.include((yield* Effect.flip(stage.run({ data }))).message, "fewer groups than folds");
      const query =
        "SELECT 1.0 * i AS x, TIMESTAMP '2001-01-01' AS at, i % 2 = 0 AS label FROM range(9) t(i) ORDER BY i";
      const instant = yield* Table.write(TimedFeatures.contract, "train", { query });
      const error = yield* Effect.flip(Train.outOfFold(TimedFeatures).run({ data: instant }));
      assert.include(error.message, "Too few instants");
    }).pipe(provided),
  );

  it.live("golden rows, as every training does", () =>
    Effect.gen(function* () {
      const rows = yield* tableOf(TimedFeatures.contract, 40, "i % 2 = 0");
      const golden = GoldenSet.make("first-trips", {
        version: "1",
        of: TimedFeatures,
        path: yield* Table.pathOf(rows),
        digest: Table.digestOf(rows),
      });
      const data = yield* tableOf(TimedFeatures.contract, 220);
      const validation = { ...data, role: "validation" } as const;
      const train = Train.linear(TimedFeatures);
      yield* train.run({ train: data, validation });
      yield* GoldenSet.stage(golden).run({});
      for (const run of [
        Effect.flip(train.run({ train: data, validation })),
        Effect.flip(Train.boostedTrees(TimedFeatures).run({ train: data, validation })),
        Effect.flip(Train.outOfFold(TimedFeatures).run({ data })),
      ]) {
        const error = yield* run;
        assert.strictEqual(error._tag, "GoldenRowsInTraining");
        assert.include(error.message, "40 rows of the training table (row 0, 1, 2, 3, 4, …)");
      }
    }).pipe(Effect.provide(Layer.mergeAll(services(), Store.Store.layerMemory))),
  );

  it("options that mean nothing", () => {
    for (const folds of [0, 1, 2.5, NaN]) {
      assert.throws(() => Train.outOfFold(StillFeatures, { folds }), /at least 2/);
    }
    assert.throws(() => Train.outOfFold(StillFeatures, { seed: 0.5 }), /seed/);
    assert.throws(() => Train.outOfFold(StillFeatures, { embargo: "1 day" }), /no embargo/);
  });
});
