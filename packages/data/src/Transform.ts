/**
 * Fitted transformations: scaling, imputation, encoding and selection of features, whose constants are
 * learnt from the training rows, and from them only. The result is data: it is stored with the model,
 * and a request goes through it as the training rows did.
 *
 * What needs nothing but the row itself is a feature: see `FeatureSet`.
 */
import { type Artifact, type Contract, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import type { Duckdb, DuckdbError } from "./Duckdb.ts";
import * as Expr from "./Expr.ts";
import { type FeatureSet, type FeatureSetSpec, labelKind } from "./FeatureSet.ts";
import { columnsOf, historiesOf } from "./internal/ast.ts";
import { problemsOf } from "./internal/kinds.ts";
import * as Table from "./Table.ts";
import type { TransformError } from "./transform/errors.ts";
import { fitRelation } from "./transform/fit.ts";
import type { Fitted, Selection, Step, TransformSpec } from "./transform/spec.ts";

export { compile, selectSql } from "./transform/apply.ts";
export { TransformError } from "./transform/errors.ts";
export { Fitted, Selection, textsOf, TransformSpec } from "./transform/spec.ts";
export { fitRelation } from "./transform/fit.ts";

/** A numeric column on its way: an expression and what is fitted to it, in this order. */
export interface NumberColumn {
  readonly kind: "number";
  readonly of: Expr.Ast;
  readonly steps: ReadonlyArray<Step>;
}

/** Text that becomes one or more numeric columns. */
export interface EncodedColumn {
  readonly kind: "encoded";
  readonly of: Expr.Ast;
  readonly steps: ReadonlyArray<Step>;
}

/** A number that is known at the decision, transformed or not. */
export type Numeric = Expr.Expr<number | boolean, "decision"> | NumberColumn;

/**
 * A transformation of the table of a feature set, not fitted yet.
 *
 * @typeParam Out - the contract of that table
 */
export interface Transform<out Out extends Contract.Contract = Contract.Contract> {
  readonly contract: Out;
  readonly spec: TransformSpec;
  readonly digest: Digest.Digest;
}

/**
 * Defines a transformation over the columns of a feature table: its features, and the kept columns that
 * are known at the decision. What a model is trained on then are the columns that come out, by the names
 * given here.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { FeatureSet, Transform } from "@ml-pipe/data";
 *
 * const Customer = Contract.make("customer", {
 *   version: "1", owner: "crm",
 *   columns: {
 *     months: Column.int({ nullable: true }), plan: Column.string(),
 *     left: Column.boolean({ availableAt: "outcome" }),
 *   },
 * });
 * const CustomerFeatures = FeatureSet.make("customer-features", {
 *   version: "1", of: Customer, keep: ["plan"],
 *   features: ($) => ({ months: $.months }), label: ($) => $.left,
 * });
 * const prepare = Transform.make(CustomerFeatures, ($) => ({
 *   months: Transform.scale(Transform.impute($.months, { with: "median" })),
 *   plan: Transform.oneHot($.plan),
 * }));
 * ```
 */
export const make = <C extends Contract.Contract, Out extends Contract.Contract>(
  set: FeatureSet<C, Out>,
  columns: ($: Expr.Columns<Out>) => { readonly [name: string]: Numeric | EncodedColumn },
  options: { readonly select?: ReadonlyArray<Selection> } = {},
): Transform<Out> => {
  const spec: TransformSpec = {
    columns: Object.entries(columns(Expr.columns(set.contract))).map(([name, column]) => {
      const { of, steps } = "ast" in column ? { of: column.ast, steps: [] } : column;
      return { name, of, steps };
    }),
    select: options.select ?? [],
  };
  const problems = [...problemsIn(spec, set.contract), ...labelProblems(spec, set.spec)];
  if (problems.length > 0) {
    throw new TypeError(`transform of "${set.spec.name}": ${problems.join("; ")}`);
  }
  return { contract: set.contract, spec, digest: Digest.ofJson(spec) };
};

/** What asks for a label of another kind. */
const labelProblems = (
  { select }: TransformSpec,
  of: Pick<FeatureSetSpec, "label">,
): ReadonlyArray<string> =>
  labelKind(of) === "number" && select.some((one) => one._tag === "best" && one.by === "chiSquare")
    ? [
        'chi-square compares classes, and the label is a number; select by "anovaF" or "mutualInformation"',
      ]
    : [];

/** What the types say too, for definitions that were cast, and what they cannot say. */
const problemsIn = (
  { columns, select }: TransformSpec,
  { spec }: Contract.Contract,
): ReadonlyArray<string> => [
  ...(columns.length === 0 ? ["it has no columns"] : []),
  ...columns.flatMap(({ name, of, steps }) => {
    const encodes = steps.some(({ _tag }) => _tag !== "impute" && _tag !== "scale");
    return [
      ...problemsOf(of, encodes ? ["text"] : ["number", "boolean"]),
      ...(historiesOf(of).length === 0 ? [] : ["a history is a feature: name it in the set"]),
      ...[...columnsOf(of)]
        .filter((column) => spec.columns[column]?.availableAt !== "decision")
        .map((column) => `"${column}" is not known at the decision`),
      ...steps.flatMap(problemsOfStep),
    ].map((problem) => `column "${name}": ${problem}`);
  }),
  ...select.flatMap((one) =>
    one._tag === "best" && !(Number.isSafeInteger(one.count) && one.count > 0)
      ? [`${one.count} columns cannot be selected`]
      : one._tag === "variance" && !(one.above >= 0)
        ? [`a variance is never above ${one.above}`]
        : one._tag === "correlation" && !(one.atMost > 0 && one.atMost <= 1)
          ? [`a correlation of at most ${one.atMost} is none`]
          : [],
  ),
];

const problemsOfStep = (step: Step): ReadonlyArray<string> => {
  const whole = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;
  switch (step._tag) {
    case "oneHot":
      return whole(step.atMost, 1) ? [] : [`atMost ${step.atMost} is no number of values`];
    case "targetMean":
      return [
        ...(whole(step.folds, 2) ? [] : [`${step.folds} folds are not at least 2`]),
        ...(step.smoothing === "auto" || step.smoothing >= 0
          ? []
          : [`the smoothing ${step.smoothing} is negative`]),
      ];
    case "impute":
      return typeof step.with !== "number" || Number.isFinite(step.with)
        ? []
        : [`${step.with} cannot be filled in`];
    default:
      return [];
  }
};

/** What fitting can fail with. */
export type FitError = TransformError | DuckdbError | Table.ReadError;

/**
 * Fits a transformation on the train part of a split; another table does not fit, by type. Only rows
 * whose outcome is known count, as in training. The same table gives the same bytes.
 *
 * Training stages fit by themselves what is named in their `prepare`, in cross-validation for each fold:
 * call this where a stage of your own trains.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { type Table, Transform } from "@ml-pipe/data";
 *
 * const fitted = <Out extends Contract.Contract>(
 *   prepare: Transform.Transform<Out>, train: Table.Table<Out, "train">,
 * ) => Transform.fit(prepare, train);
 * ```
 */
export const fit = Effect.fnUntraced(function* <Out extends Contract.Contract>(
  transform: Transform<Out>,
  train: Table.Table<Out, "train">,
): Effect.fn.Return<Fitted, FitError, Duckdb | Artifact.ArtifactStore> {
  const relation = yield* Table.relation(train, { rowNumbers: true });
  return yield* fitRelation(transform, `(FROM ${relation} WHERE label IS NOT NULL)`);
});

const numberColumn = (column: Numeric, step: Step): NumberColumn =>
  "ast" in column
    ? { kind: "number", of: column.ast, steps: [step] }
    : { ...column, steps: [...column.steps, step] };

const encodedColumn = (column: Expr.Expr<string, "decision">, step: Step): EncodedColumn => ({
  kind: "encoded",
  of: column.ast,
  steps: [step],
});

/**
 * Fills in what is missing: the mean, median or most frequent value (of several, the smallest) of the
 * training rows, or a number. With `indicator`, a second column `NAME missing` is 1 where it was.
 *
 * Source: scikit-learn, SimpleImputer and its `add_indicator`.
 *
 * @example
 * ```ts
 * import type { Expr } from "@ml-pipe/data";
 * import { Transform } from "@ml-pipe/data";
 *
 * const filled = (months: Expr.NumberExpr<"decision">) =>
 *   Transform.impute(months, { with: "median", indicator: true });
 * ```
 */
export const impute = (
  column: Numeric,
  options: {
    readonly with: "mean" | "median" | "mostFrequent" | number;
    readonly indicator?: boolean;
  },
): NumberColumn =>
  numberColumn(column, {
    _tag: "impute",
    with: options.with,
    indicator: options.indicator ?? false,
  });

/**
 * Shifts and stretches numbers. `standard` (the default): less the mean, by the standard deviation of the
 * training rows (divided by n). `minMax`: their range becomes 0 to 1. `robust`: less the median, by the
 * range between the quartiles. What does not vary is only shifted; what is missing stays so.
 *
 * Source: scikit-learn, StandardScaler, MinMaxScaler, RobustScaler.
 */
export const scale = (
  column: Numeric,
  options: { readonly by?: "standard" | "minMax" | "robust" } = {},
): NumberColumn => numberColumn(column, { _tag: "scale", by: options.by ?? "standard" });

/**
 * A column of 0 and 1 for each value of a text: `NAME=VALUE`, in the order of the values, and
 * `NAME is missing` if it was on some training row. Only the `atMost` most frequent values (default 50)
 * have one; any other value is 0 in all.
 *
 * Source: scikit-learn, OneHotEncoder with `handle_unknown="ignore"`.
 */
export const oneHot = (
  column: Expr.Expr<string, "decision">,
  options: { readonly atMost?: number } = {},
): EncodedColumn => encodedColumn(column, { _tag: "oneHot", atMost: options.atMost ?? 50 });

/**
 * The place of a text among the values of the training rows in order, from 0; missing where it is missing
 * or was not among them.
 *
 * Source: scikit-learn, OrdinalEncoder with `handle_unknown="use_encoded_value"`.
 */
export const ordinal = (column: Expr.Expr<string, "decision">): EncodedColumn =>
  encodedColumn(column, { _tag: "ordinal" });

/** The share of the training rows that have the same text, or none; 0 for a text not among them. */
export const frequency = (column: Expr.Expr<string, "decision">): EncodedColumn =>
  encodedColumn(column, { _tag: "frequency" });

/**
 * The mean label of the training rows with the same text (the share of yes), drawn towards the overall mean where
 * there are few of them: with `smoothing` m as if m more rows had the overall mean; by default as an empirical
 * Bayes estimate. A text not trained on has the overall mean. If the label is a class, there is a column
 * `NAME: CLASS` with the share of each class, or one `NAME` with that of the second of two.
 *
 * A training row never sees its own label: within training, each row has the mean of the other inner
 * folds (default 5), which keep the groups of the contract whole.
 *
 * Source: Micci-Barreca, SIGKDD Explorations 3(1), 2001; scikit-learn, TargetEncoder (all target types).
 */
export const targetMean = (
  column: Expr.Expr<string, "decision">,
  options: {
    readonly smoothing?: number;
    readonly folds?: number;
    readonly seed?: number;
  } = {},
): EncodedColumn =>
  encodedColumn(column, {
    _tag: "targetMean",
    smoothing: options.smoothing ?? "auto",
    folds: options.folds ?? 5,
    seed: options.seed ?? 0,
  });
