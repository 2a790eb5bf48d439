/** Transformations as data: what is to be fitted, and what was. */
import * as Schema from "effect/Schema";
import { Ast } from "../internal/ast.ts";

/** Fills in what is missing. */
export const Impute = Schema.TaggedStruct("impute", {
  /** A statistic of the training rows, or a number. */
  with: Schema.Union([Schema.Literals(["mean", "median", "mostFrequent"]), Schema.Finite]),
  /** Adds a column that is 1 where the value was missing. */
  indicator: Schema.Boolean,
});

/** Shifts and stretches numbers. */
export const Scale = Schema.TaggedStruct("scale", {
  by: Schema.Literals(["standard", "minMax", "robust"]),
});

/** Turns text into numbers. */
export const Encode = Schema.Union([
  Schema.TaggedStruct("oneHot", { atMost: Schema.Int }),
  Schema.TaggedStruct("ordinal", {}),
  Schema.TaggedStruct("frequency", {}),
  Schema.TaggedStruct("targetMean", {
    smoothing: Schema.Union([Schema.Literal("auto"), Schema.Finite]),
    folds: Schema.Int,
    seed: Schema.Int,
  }),
]);

/** One step of a column. */
export const Step = Schema.Union([Impute, Scale, Encode]);
/** See {@link Step}. */
export type Step = typeof Step.Type;

/** Which of the columns that come out are kept. */
export const Selection = Schema.Union([
  /** Those that vary by more than this over the training rows. */
  Schema.TaggedStruct("variance", { above: Schema.Finite }),
  /** Those that tell most about the label; chi-square does of classes only. */
  Schema.TaggedStruct("best", {
    count: Schema.Int,
    by: Schema.Literals(["anovaF", "chiSquare", "mutualInformation"]),
  }),
  /** Those not correlated by more than this with one before them. */
  Schema.TaggedStruct("correlation", { atMost: Schema.Finite }),
]);
/** See {@link Selection}. */
export type Selection = typeof Selection.Type;

/** A transformation before it is fitted. */
export const TransformSpec = Schema.Struct({
  columns: Schema.Array(Schema.Struct({ name: Schema.String, of: Ast, steps: Schema.Array(Step) })),
  select: Schema.Array(Selection),
});
/** See {@link TransformSpec}. */
export type TransformSpec = typeof TransformSpec.Type;

/** A column that comes out: a formula with what was fitted as its constants, or a table to look up in. */
export const Output = Schema.Union([
  Schema.TaggedStruct("formula", { name: Schema.String, expr: Ast }),
  Schema.TaggedStruct("lookup", {
    name: Schema.String,
    of: Ast,
    values: Schema.Array(Schema.String),
    numbers: Schema.Array(Schema.Finite),
    /** What a missing value and one that was not trained on become; null stays missing. */
    missing: Schema.NullOr(Schema.Finite),
    unknown: Schema.NullOr(Schema.Finite),
    /**
     * For the training rows only, which must not see their own label: the rows are in as many folds, and
     * each fold has the numbers of the others.
     */
    inner: Schema.optionalKey(
      Schema.Struct({
        seed: Schema.Int,
        folds: Schema.Array(
          Schema.Struct({
            numbers: Schema.Array(Schema.Finite),
            missing: Schema.Finite,
            unknown: Schema.Finite,
          }),
        ),
      }),
    ),
  }),
]);
/** See {@link Output}. */
export type Output = typeof Output.Type;

/** A fitted transformation: data, which travels with the model and is never executed. */
export const Fitted = Schema.Struct({
  version: Schema.Literal(1),
  /** Training rows that it was fitted on. */
  rows: Schema.Int,
  outputs: Schema.Array(Output),
  /** Columns that were not selected, and why. */
  dropped: Schema.Array(Schema.Struct({ name: Schema.String, because: Schema.String })),
});
/** See {@link Fitted}. */
export type Fitted = typeof Fitted.Type;

/**
 * The texts of columns that an ordinal encoding made, by their names: a column's numbers are places among its
 * texts.
 */
export const textsOf = ({
  outputs,
}: Fitted): { readonly [column: string]: ReadonlyArray<string> } =>
  Object.fromEntries(
    outputs.flatMap((output) =>
      // No other encoding leaves missing what is missing, and what it does not know.
      output._tag === "lookup" && output.missing === null && output.unknown === null
        ? [[output.name, output.values]]
        : [],
    ),
  );
