/** A fitted transformation in its two forms: SQL over a feature table, and a closure for a request. */
import { literal } from "../Duckdb.ts";
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { columnsOf } from "../internal/ast.ts";
import { toSql } from "../internal/compile.ts";
import { type Cell, isMissing, numberSql } from "../internal/operators/Operator.ts";
import { type Request, toCells } from "../internal/rowProgram.ts";
import { drawSql, textSql } from "../split/hash.ts";
import type { Fitted, Output } from "./spec.ts";

/** The rows of a query, and what tells the inner folds of training rows apart. */
export interface TrainingRows {
  /** The contract's group; without one, rows are told apart by `file_row_number`. */
  readonly group: string | undefined;
}

/**
 * The columns that come out, as SQL over a feature table: numbers, or null. `training` asks for what the
 * training rows are given, which differs where a row would see its own label; the relation then has a
 * column `file_row_number`.
 *
 * @example
 * ```ts
 * import { Transform } from "@ml-pipe/data";
 *
 * const query = (fitted: Transform.Fitted, relation: string) =>
 *   `SELECT ${Transform.selectSql(fitted).join(", ")} FROM ${relation}`;
 * ```
 */
export const selectSql = ({ outputs }: Fitted, training?: TrainingRows): ReadonlyArray<string> =>
  outputs.map((output) => {
    if (output._tag === "formula") return `CAST(${toSql(output.expr)} AS DOUBLE)`;
    const { inner } = output;
    if (training === undefined || inner === undefined) return lookupSql(output, output);
    const folds = inner.folds.map(
      (numbers, fold) => `WHEN ${fold} THEN ${lookupSql(output, numbers)}`,
    );
    const fold = innerFoldSql({ seed: inner.seed, folds: inner.folds.length }, training);
    return `(CASE ${fold} ${folds.join(" ")} END)`;
  });

/** The inner fold of a training row, from 0. */
export const innerFoldSql = (
  { seed, folds }: { readonly seed: number; readonly folds: number },
  { group }: TrainingRows,
): string =>
  `(${drawSql(seed, group === undefined ? "CAST(file_row_number AS VARCHAR)" : textSql([group]))} % ${folds})`;

const lookupSql = (
  { of, values }: Extract<Output, { _tag: "lookup" }>,
  { numbers, missing, unknown }: Numbers,
): string => {
  const value = toSql(of);
  // As one text, which is parsed much faster than as many numbers.
  const list = `CAST('[${numbers.join(", ")}]' AS DOUBLE[])`;
  const found = `list_extract(${list}, ${placeSql(value, values)})`;
  return `(CASE WHEN ${value} IS NULL THEN ${orNull(missing)} ELSE coalesce(${found}, ${orNull(unknown)}) END)`;
};

/** The place of a text among values, from 1, or null. An ENUM finds it by a hash, a list from the front. */
export const placeSql = (value: string, values: ReadonlyArray<string>): string => {
  const texts = values.map(literal).join(", ");
  if (values.length === 0) return "NULL";
  // A text with a NUL character is a function call in SQL, and no name of an ENUM's value.
  return values.some((one) => one.includes("\0"))
    ? `list_position([${texts}], ${value})`
    : `(enum_code(TRY_CAST(${value} AS ENUM(${texts}))) + 1)`;
};

interface Numbers {
  readonly numbers: ReadonlyArray<number>;
  readonly missing: number | null;
  readonly unknown: number | null;
}

const orNull = (value: number | null): string =>
  value === null ? "CAST(NULL AS DOUBLE)" : `CAST(${numberSql(value)} AS DOUBLE)`;

/** The columns of the feature table that a transformation reads beside features: kept ones. */
export const keptColumns = (
  { outputs }: Fitted,
  { features }: FeatureSetSpec,
): ReadonlyArray<string> => {
  const own = new Set(features.map(({ name }) => name));
  const read = outputs.flatMap((output) => [
    ...columnsOf(output._tag === "formula" ? output.expr : output.of),
  ]);
  return [...new Set(read)].filter((name) => !own.has(name)).toSorted();
};

/**
 * Compiles a fitted transformation for serving: a closure from the features of a request, as
 * `FeatureSet.compileRow` gives them, and the request itself to the numbers that the model reads; NaN is
 * missing.
 *
 * @example
 * ```ts
 * import { FeatureSet, Transform } from "@ml-pipe/data";
 *
 * const serve = (set: FeatureSet.FeatureSet, fitted: Transform.Fitted) => {
 *   const features = FeatureSet.compileRow(set.spec);
 *   const prepare = Transform.compile(fitted, set.spec);
 *   return (request: { readonly [column: string]: unknown }) => prepare(features(request), request);
 * };
 * ```
 */
export const compile = (
  fitted: Fitted,
  spec: FeatureSetSpec,
): ((features: Float64Array, request: Request) => Float64Array) => {
  const { outputs } = fitted;
  const cells = toCells(
    outputs.map((output) => (output._tag === "formula" ? output.expr : output.of)),
    { given: spec.features.map(({ name }) => name) },
  );
  const numbersOf = outputs.map(toNumber);
  return (features, request) => {
    const values = cells(request, features);
    const numbers = new Float64Array(outputs.length);
    for (let index = 0; index < outputs.length; index++) {
      numbers[index] = numbersOf[index]?.(values[index] ?? null) ?? Number.NaN;
    }
    return numbers;
  };
};

/** What becomes of the value that an output is about. */
const toNumber = (output: Output): ((value: Cell) => number | null) => {
  if (output._tag === "formula") return (value) => (typeof value === "number" ? value : null);
  const { missing, unknown } = output;
  const table = new Map<Cell, number | null>(
    output.values.map((one, index) => [one, output.numbers[index] ?? null] as const),
  );
  return (value) => (isMissing(value) ? missing : (table.get(value) ?? unknown));
};
