import { assert, describe, it } from "@effect/vitest";
import type { Contract } from "@ml-pipe/core";
import {
  Duckdb,
  Estimator,
  Expr,
  type FeatureSet,
  Model,
  Rule,
  Table,
  Transform,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { Amount, Buys, Kind, partsOf, recorded, services } from "../test-fixtures/visits.ts";
import * as Train from "./Train.ts";

const provided = Effect.provide(services);

/** The document of a built-in model. */
const documentOf = Effect.fnUntraced(function* (model: Model.AnyModel) {
  const { estimator, ...rest } = yield* Model.load(model);
  if (estimator._tag === "OnnxModel") return yield* Effect.die("no built-in model");
  return { estimator, ...rest };
});

/** A table like another, but for some columns. */
const changed = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet.FeatureSet<C, Out>,
  table: Table.Table<Out, "train">,
  columns: string,
) =>
  Effect.flatMap(Table.relation(table), (relation) =>
    Table.write(set.contract, "train", {
      query: `SELECT * REPLACE (${columns}) FROM ${relation}`,
      split: table.split,
    }),
  );

describe("linear", () => {
  it.effect("is a logistic regression of yes or no", () =>
    Effect.gen(function* () {
      const stage = Train.linear(Buys, { l1: 0.1 });
      const { value, exhibits, findings } = yield* recorded(stage.run(yield* partsOf(Buys)));
      assert.strictEqual(value.kind, "logistic regression");
      const { estimator, signature } = yield* documentOf(value);
      assert.deepStrictEqual(signature, { _tag: "probability" });
      assert.isTrue(estimator._tag === "LinearModel" && estimator.link === "logit");
      assert.deepStrictEqual(findings, []);
      assert.deepStrictEqual(
        exhibits.map(({ title }) => title),
        ["Coefficients", "Loss"],
      );
    }).pipe(provided),
  );

  it.effect("is a linear or a Poisson regression of a number", () =>
    Effect.gen(function* () {
      const parts = yield* partsOf(Amount);
      const plain = yield* documentOf(yield* Train.linear(Amount).run(parts));
      assert.isTrue(plain.estimator._tag === "LinearModel" && plain.estimator.link === "identity");
      const model = yield* Train.linear(Amount, { link: "log", exposure: "days", l2: 0.1 }).run(
        parts,
      );
      assert.strictEqual(model.kind, "Poisson regression");
      const { estimator } = yield* documentOf(model);
      if (estimator._tag !== "LinearModel") return assert.fail("no linear model");
      assert.strictEqual(estimator.exposure, "days");
      assert.strictEqual(estimator.coefficients[0]?.[1], 0);
      // Counts grow with age: age runs from 20 to 60 and takes them from 0.2 to 0.9.
      assert.isAbove(estimator.coefficients[0]?.[0] ?? 0, 0.2);
    }).pipe(provided),
  );

  it.effect(
    "is a multinomial regression of a class, whose classes are in the order of their names",
    () =>
      Effect.gen(function* () {
        const model = yield* Train.linear(Kind).run(yield* partsOf(Kind));
        const { estimator, signature } = yield* documentOf(model);
        assert.deepStrictEqual(signature, { _tag: "classes", classes: ["more", "none", "one"] });
        assert.isTrue(estimator._tag === "LinearModel" && estimator.intercepts.length === 3);
      }).pipe(provided),
  );

  it.effect("leaves out validation rows of a class that no training row has, and says so", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Kind);
      const fewer = yield* changed(Kind, train, "nullif(label, 'one') AS label");
      const { value, findings } = yield* recorded(
        Train.linear(Kind).run({ train: fewer, validation }),
      );
      assert.deepStrictEqual((yield* documentOf(value)).signature, {
        _tag: "classes",
        classes: ["more", "none"],
      });
      assert.deepStrictEqual(
        findings.map(({ check, severity }) => [check, severity]),
        [["train.classes", "warn"]],
      );
    }).pipe(provided),
  );

  it.effect("weighs rows by a column", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Buys);
      const weighted = yield* Train.linear(Buys, { weight: "copies" }).run({ train, validation });
      const copied = yield* Table.write(Buys.contract, "train", {
        query: `SELECT t.* FROM ${yield* Table.relation(train)} t, range(3) r(n) WHERE n < copies`,
        split: train.split,
      });
      const repeated = yield* Train.linear(Buys).run({ train: copied, validation });
      const [one, other] = [yield* documentOf(weighted), yield* documentOf(repeated)];
      if (one.estimator._tag !== "LinearModel" || other.estimator._tag !== "LinearModel") return;
      assert.closeTo(one.estimator.intercepts[0] ?? 0, other.estimator.intercepts[0] ?? 1, 1e-7);
    }).pipe(provided),
  );

  it.effect("tells of features that do not vary, and of labels that tell nothing", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Buys);
      const flat = yield* changed(Buys, train, "NULL::DOUBLE AS age");
      const { findings } = yield* recorded(Train.linear(Buys).run({ train: flat, validation }));
      assert.deepStrictEqual(
        findings.map(({ check, column }) => [check, column]),
        [["train.varies", "age"]],
      );
      const always = yield* changed(Buys, train, "TRUE AS label");
      const error = yield* Effect.flip(Train.linear(Buys).run({ train: always, validation }));
      assert.include(error.message, "all 360 labels are 1");
      const empty = yield* changed(Buys, train, "NULL::BOOLEAN AS label");
      const none = yield* Effect.flip(Train.linear(Buys).run({ train: empty, validation }));
      assert.include(none.message, "no rows");
    }).pipe(provided),
  );

  it("refuses a link that is for numbers", () => {
    // @ts-expect-error the label is yes or no
    assert.throws(() => Train.linear(Buys, { link: "log" }), /link "log" is for numbers/);
  });
});

describe("constant", () => {
  it.effect("is the share of yes, the mean or a quantile, the share of each class", () =>
    Effect.gen(function* () {
      const yes = yield* documentOf(yield* Train.constant(Buys).run(yield* partsOf(Buys)));
      const counts = yield* partsOf(Amount);
      const mean = yield* documentOf(yield* Train.constant(Amount).run(counts));
      const median = yield* documentOf(
        yield* Train.constant(Amount, { quantile: 0.5 }).run(counts),
      );
      const shares = yield* documentOf(yield* Train.constant(Kind).run(yield* partsOf(Kind)));
      const values = [yes, mean, median, shares].map(({ estimator }) =>
        estimator._tag === "ConstantModel" ? estimator.values : [],
      );
      const db = yield* Duckdb.Duckdb;
      const [expected] = yield* db.rows(
        "ask DuckDB",
        `SELECT avg(label) AS mean, median(label) AS median, avg((label > 1)::INTEGER) AS yes
           FROM ${yield* Table.relation(counts.train)} WHERE label IS NOT NULL`,
      );
      const { mean: m, median: q, yes: y } = expected ?? {};
      assert.closeTo(values[0]?.[0] ?? 0, Number(y), 1e-12);
      assert.closeTo(values[1]?.[0] ?? 0, Number(m), 1e-12);
      assert.strictEqual(values[2]?.[0], Number(q));
      assert.strictEqual(values[3]?.length, 3);
      assert.closeTo(values[3]?.reduce((sum, share) => sum + share, 0) ?? 0, 1, 1e-12);
    }).pipe(provided),
  );

  it.effect("needs rows", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Buys);
      const empty = yield* changed(Buys, train, "NULL::BOOLEAN AS label");
      const error = yield* Effect.flip(Train.constant(Buys).run({ train: empty, validation }));
      assert.include(error.message, "no rows with a label");
      // @ts-expect-error the label is no number
      assert.throws(() => Train.constant(Buys, { quantile: 0.5 }), /is of numbers/);
    }).pipe(provided),
  );
});

describe("rule", () => {
  it.effect("says 1 or 0, and no where it has no answer", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Buys);
      const older = Rule.baseline(Buys.contract, {
        name: "older people",
        description: "offer to those above 40 in the first shop",
        when: ($) => $.age.gt(40).and($.shop.equals("s1")),
      });
      const { value, findings } = yield* recorded(
        Train.rule(Buys, older).run({ train, validation }),
      );
      assert.strictEqual(value.kind, "rule: older people");
      const { estimator, transform, featureSet } = yield* documentOf(value);
      assert.isDefined(transform);
      if (transform === undefined) return;
      const prepare = Transform.compile(transform, featureSet);
      const scores = [
        prepare(Float64Array.of(50, 1), { shop: "s1" }),
        prepare(Float64Array.of(50, 1), { shop: "s2" }),
        prepare(Float64Array.of(Number.NaN, 1), { shop: "s1" }),
      ].map(Estimator.scoreRow(estimator));
      assert.deepStrictEqual(scores, [1, 0, 0]);
      assert.deepStrictEqual(
        findings.map(({ check }) => check),
        ["train.answers"],
      );
    }).pipe(provided),
  );

  it.effect("gives a number, the mean of its answers where it has none", () =>
    Effect.gen(function* () {
      const byAge = Rule.numberBaseline(Amount.contract, {
        name: "by age",
        description: "one for each twenty years",
        value: ($) => $.age.dividedBy(20),
      });
      const model = yield* Train.rule(Amount, byAge).run(yield* partsOf(Amount));
      const { estimator } = yield* documentOf(model);
      assert.closeTo(Estimator.scoreRow(estimator)([Number.NaN]), 2, 0.2);
      assert.strictEqual(Estimator.scoreRow(estimator)([2.5]), 2.5);
    }).pipe(provided),
  );

  it.effect("chooses a class, the most frequent where it names none", () =>
    Effect.gen(function* () {
      const byAge = Rule.classBaseline(Kind.contract, {
        name: "by age",
        description: "",
        class: ($) => Expr.when($.age.gt(50), "many", Expr.when($.age.gt(35), "one", "more")),
      });
      const parts = yield* partsOf(Kind);
      const { value, findings } = yield* recorded(Train.rule(Kind, byAge).run(parts));
      const { estimator, transform, calibration, featureSet, signature } = yield* documentOf(value);
      assert.deepStrictEqual(signature, { _tag: "classes", classes: ["more", "none", "one"] });
      const prepare = Transform.compile(transform ?? assert.fail(), featureSet);
      const scores = (age: number) => {
        const out = new Float64Array(3);
        Estimator.scoreInto(estimator)(prepare(Float64Array.of(age, 1), {}), out);
        return [...out];
      };
      assert.deepStrictEqual(scores(40), [0, 0, 1]);
      assert.deepStrictEqual(scores(20), [1, 0, 0]);
      // "many" is no class of the training rows.
      assert.deepStrictEqual(scores(60), [0, 1, 0]);
      assert.match(findings[0]?.found ?? "", /training rows without one, which count as "none"/);
      assert.isTrue(Rule.isBaseline({ estimator, transform, calibration }, byAge));
      const other = Rule.classBaseline(Kind.contract, {
        name: "other",
        description: "",
        class: () => "one",
      });
      assert.isFalse(Rule.isBaseline({ estimator, transform, calibration }, other));
    }).pipe(provided),
  );

  it.effect("needs two classes, and a formula that names one", () =>
    Effect.gen(function* () {
      const { train, validation } = yield* partsOf(Kind);
      const one = Rule.classBaseline(Kind.contract, {
        name: "always one",
        description: "",
        class: () => "one",
      });
      const same = yield* changed(Kind, train, "'none' AS label");
      const error = yield* Effect.flip(Train.rule(Kind, one).run({ train: same, validation }));
      assert.include(error.message, 'all labels are "none"');
      const number = Rule.numberBaseline(Kind.contract, {
        name: "a number",
        description: "",
        value: () => 1,
      });
      const wrong = yield* Effect.flip(Train.rule(Kind, number).run({ train, validation }));
      assert.include(wrong.message, 'the baseline "a number" cannot be evaluated');
    }).pipe(provided),
  );
});
