import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import type { Tensor } from "onnxruntime-node";
import { tableOf, withTables } from "../test-fixtures/tables.ts";
import type * as Estimator from "./Estimator.ts";
import * as Expr from "./Expr.ts";
import * as FeatureSet from "./FeatureSet.ts";
import type * as Model from "./Model.ts";
import * as Onnx from "./Onnx.ts";
import * as Rule from "./Rule.ts";
import * as Scoring from "./Scoring.ts";
import * as Transform from "./Transform.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  columns: {
    km: Column.float({ nullable: true }),
    stops: Column.float({ nullable: true }),
    rush: Column.boolean({ nullable: true }),
    city: Column.string({ nullable: true }),
    value: Column.string({ nullable: true }),
    minutes: Column.float({ availableAt: "outcome" }),
  },
});
const Minutes = FeatureSet.make("minutes", {
  version: "1",
  of: Trip,
  keep: ["city", "value"],
  features: ($) => ({ km: $.km, stops: $.stops, rush: $.rush }),
  label: ($) => $.minutes,
});
type Columns = Expr.Columns<typeof Minutes.contract>;

interface Row {
  readonly km: number | null;
  readonly stops: number | null;
  readonly rush: boolean | null;
  readonly city: string | null;
  readonly value: string | null;
}

const numbers = [null, 0, -0, 1, -1, 0.5, -2.5, 0.49999999999999994, 3, 7.25, 1e308, -1e308];
const cities = [null, "Bergen", "Malmö", "it's", "", "unheard of"];
const rows = numbers.flatMap((km, i) =>
  numbers.map((stops, j): Row => ({
    km,
    stops,
    rush: [true, false, null][(i + j) % 3] ?? null,
    city: cities[(i * 5 + j) % cities.length] ?? null,
    value: cities[(i + 3 * j) % 4] ?? null,
  })),
);

/** A model that gives back the sum of what its transformation gives, with −1 for what is missing. */
const documentOf = (
  transform: Transform.Fitted,
  estimator: Partial<Estimator.LinearModel> = {},
): Model.ModelDocument => {
  const features = transform.outputs.map(({ name }) => name);
  return {
    featureSet: Minutes.spec,
    signature: { _tag: "value" },
    transform,
    estimator: {
      _tag: "LinearModel",
      version: 1,
      link: "identity",
      features,
      intercepts: [0],
      coefficients: [features.map(() => 1)],
      mean: features.map(() => 0),
      sd: features.map(() => 1),
      imputation: features.map(() => -1),
      ...estimator,
    },
  };
};

/** The scores of the exported file, given the columns before the transformation, by their names. */
const underRuntime = async (document: Model.ModelDocument, given: ReadonlyArray<Row>) => {
  const bytes = await Effect.runPromise(Onnx.encode(document));
  const runtime = await import("onnxruntime-node");
  const session = await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const missing = /missing_text[^(]*(\(+missing\)+)/.exec(new TextDecoder().decode(bytes))?.[1];
  const input = (name: keyof Row): Tensor =>
    name === "city" || name === "value"
      ? new runtime.Tensor(
          "string",
          given.map((row) => row[name] ?? missing ?? ""),
          [given.length, 1],
        )
      : new runtime.Tensor(
          "float64",
          Float64Array.from(given, (row) => Number(row[name] ?? Number.NaN)),
          [given.length, 1],
        );
  const names = session.inputNames as ReadonlyArray<keyof Row>;
  const feeds = Object.fromEntries(
    names.map((name) => [
      name,
      String(name) === "input"
        ? new runtime.Tensor("float64", new Float64Array(), [given.length, 0])
        : input(name),
    ]),
  );
  const { [session.outputNames[0] ?? ""]: output } = await session.run(feeds);
  await session.release();
  return { names, scores: Array.from((output as Tensor).data as Float64Array) };
};

/** The same here. */
const here = (document: Model.ModelDocument, given: ReadonlyArray<Row>) =>
  Effect.gen(function* () {
    const prepare = Transform.compile(document.transform ?? assert.fail(), Minutes.spec);
    const compute = FeatureSet.compileRow(Minutes.spec);
    const scoring = yield* Scoring.open(document);
    return yield* scoring.rows(given.map((row) => prepare(compute({ ...row }), { ...row })));
  }).pipe(Effect.scoped);

const same = Effect.fnUntraced(function* (document: Model.ModelDocument, given = rows) {
  const expected = yield* here(document, given);
  const { scores, names } = yield* Effect.promise(() => underRuntime(document, given));
  for (const [row, score] of expected.entries()) {
    if (scores[row] === score) continue;
    const about = JSON.stringify(given[row]);
    assert.closeTo(scores[row] ?? NaN, score, 1e-9 * Math.abs(score) + 1e-12, about);
  }
  return names;
});

const formulas: { readonly [name: string]: ($: Columns) => { readonly ast: Expr.Ast } } = {
  "a + b": ($) => $.km.plus($.stops),
  "a - b": ($) => $.km.minus($.stops),
  "a * b": ($) => $.km.times($.stops),
  "a / b": ($) => $.km.dividedBy($.stops),
  "a % b": ($) => $.km.modulo($.stops),
  "-|a|": ($) => $.km.abs().negated(),
  floor: ($) => $.km.floor(),
  ceil: ($) => $.km.ceil(),
  round: ($) => $.km.round(),
  sqrt: ($) => $.km.sqrt(),
  power: ($) => $.km.power($.stops),
  exp: ($) => $.km.exp(),
  ln: ($) => $.km.ln(),
  min: ($) => $.km.min($.stops),
  max: ($) => $.km.max($.stops),
  quotient: ($) => $.km.quotient($.stops),
  sign: ($) => $.km.sign(),
  trunc: ($) => $.km.trunc(),
  bucket: ($) => $.km.bucket([-1, 0.5, 3]),
  "a = b": ($) => $.km.equals($.stops),
  "a <> b": ($) => $.km.notEquals($.stops),
  "a > b": ($) => $.km.gt($.stops),
  "a >= b": ($) => $.km.gte($.stops),
  "a < b": ($) => $.km.lt($.stops),
  "a <= b": ($) => $.km.lte($.stops),
  in: ($) => $.km.isIn([1, 3]),
  and: ($) => $.rush.equals(1).and($.km.gt(1)),
  or: ($) => $.rush.equals(1).or($.km.gt(1)),
  not: ($) => $.rush.equals(1).not(),
  "is null": ($) => $.rush.isNull(),
  "or else": ($) => $.km.orElse($.stops),
  when: ($) => Expr.when($.rush.equals(1), $.km, $.stops),
  "to steps": ($) => $.km.roundTo(0.25),
  "text =": ($) => $.city.equals($.value),
  "text <>": ($) => $.city.notEquals("Bergen"),
  "text in": ($) => $.city.isIn(["it's", "", "Malmö"]),
  "text is null": ($) => $.city.isNull(),
  "text or else": ($) => $.city.orElse($.value).equals("Bergen"),
  "text when": ($) => Expr.when($.rush.equals(1), $.city, $.value).equals("Bergen"),
};

describe("formulas of a transformation", () => {
  for (const [name, formula] of Object.entries(formulas)) {
    it.effect(`${name}: ONNX Runtime gives the same`, () =>
      Effect.gen(function* () {
        const { ast } = formula(Expr.columns(Minutes.contract));
        const outputs = [{ _tag: "formula", name: "f", expr: ast }] as const;
        yield* same(documentOf({ version: 1, rows: 1, outputs, dropped: [] }));
      }).pipe(withTables),
    );
  }
});

describe("fitted transformations", () => {
  it.effect("are part of the file, which takes the columns before", () =>
    Effect.gen(function* () {
      const some = rows.filter(
        ({ km, stops }) => Math.abs(km ?? 0) < 9 && Math.abs(stops ?? 0) < 9,
      );
      const train = yield* tableOf(
        Minutes.contract,
        "train",
        some.map((row, at) => ({
          ...row,
          // The text that would stand for a missing one is a city.
          city: row.city === "unheard of" ? "(missing)" : row.city,
          label: at % 17,
        })),
      );
      const prepare = Transform.make(Minutes, ($) => ({
        km: Transform.scale(Transform.impute($.km, { with: "median", indicator: true })),
        stops: Transform.scale($.stops, { by: "robust" }),
        rush: $.rush,
        city: Transform.oneHot($.city, { atMost: 3 }),
        place: Transform.ordinal($.city),
        often: Transform.frequency($.value),
        mean: Transform.targetMean($.city),
      }));
      const fitted = yield* Transform.fit(prepare, train);
      const n = fitted.outputs.length;
      const coefficients = [Array.from({ length: n }, (_, j) => Math.sin(j + 1))];
      const later = some.map((row, at) => (at % 7 === 0 ? { ...row, city: "(missing)" } : row));
      const names = yield* same(documentOf(fitted, { coefficients }), later);
      assert.deepStrictEqual(names, ["km", "stops", "rush", "city", "value"]);
      const prepared = yield* Onnx.encode(documentOf(fitted), { from: "prepared" });
      const runtime = yield* Effect.promise(() => import("onnxruntime-node"));
      const session = yield* Effect.promise(() => runtime.InferenceSession.create(prepared));
      assert.deepStrictEqual([...session.inputNames], ["input"]);
      const document = documentOf(fitted);
      assert.deepStrictEqual(yield* Onnx.encode(document), yield* Onnx.encode(document));
    }).pipe(withTables),
  );

  it.effect("of a rule that chooses a class are part of the file", () =>
    Effect.gen(function* () {
      const classes = ["Bergen", "none", "Malmö"];
      const $ = Expr.columns(Minutes.contract);
      const formula = Expr.when($.km.gt(1), $.city, "none").ast;
      const { estimator, outputs } = Rule.modelOf(formula, { class: "none", classes });
      const document: Model.ModelDocument = {
        ...documentOf({ version: 1, rows: 1, outputs, dropped: [] }),
        signature: { _tag: "classes", classes },
        estimator,
      };
      assert.deepStrictEqual(yield* same(document), ["km", "city"]);
    }).pipe(withTables),
  );

  it.effect("of which nothing is left, and that read no column, are fine", () =>
    Effect.gen(function* () {
      const outputs = [
        { _tag: "formula", name: "f", expr: { _tag: "literal", value: 3 } },
      ] as const;
      const names = yield* same(documentOf({ version: 1, rows: 1, outputs, dropped: [] }));
      assert.deepStrictEqual(names.map(String), ["input"]);
      const lookup = {
        _tag: "lookup",
        name: "f",
        of: { _tag: "column", name: "city", type: "string" },
        values: [],
        numbers: [],
        missing: 2,
        unknown: 5,
      } as const;
      yield* same(documentOf({ version: 1, rows: 1, outputs: [lookup], dropped: [] }));
    }).pipe(withTables),
  );

  it.effect("that ONNX cannot say are refused, with all that is in the way", () =>
    Effect.gen(function* () {
      const $ = Expr.columns(Minutes.contract);
      const outputs = [
        { _tag: "formula", name: "fine", expr: $.km.plus(1).ast },
        { _tag: "formula", name: "wave", expr: $.km.sin().plus($.city.length()).ast },
        { _tag: "formula", name: "order", expr: $.city.lt("M").toNumber().ast },
      ] as const;
      const document = documentOf({ version: 1, rows: 1, outputs, dropped: [] });
      const error = yield* Effect.flip(Onnx.encode(document));
      assert.deepStrictEqual(
        error.message,
        'the transformation of the model of minutes cannot be written as ONNX: "wave" (sin, length of texts), "order" (lessThan of texts). Make these a feature of the set, which is computed before; or export from: "prepared", and prepare the columns where the file is used.',
      );
      assert.isAbove((yield* Onnx.encode(document, { from: "prepared" })).length, 100);
    }),
  );
});
