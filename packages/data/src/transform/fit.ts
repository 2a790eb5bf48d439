/** Fitting: the statistics of the training rows become the constants of formulas. */
import * as Effect from "effect/Effect";
import type { Contract } from "@ml-pipe/core";
import { Duckdb, type DuckdbError } from "../Duckdb.ts";
import type { Ast } from "../internal/ast.ts";
import { toSql } from "../internal/compile.ts";
import { kindOf } from "../internal/kinds.ts";
import { selectSql } from "./apply.ts";
import { encode } from "./encode.ts";
import { TransformError, type TransformProblem } from "./errors.ts";
import { labelOf } from "./label.ts";
import { deviationOf, meanOf, modeOf, present, quantileOf } from "./numbers.ts";
import { select } from "./select.ts";
import type { Fitted, Output, Step, TransformSpec } from "./spec.ts";

/** Columns that are read at once: memory is bounded by so many of the table's. */
const columnsAtOnce = 8;

/**
 * Fits a transformation on the rows of a relation: labelled training rows, with `file_row_number`. For
 * stages that train on part of a table, such as a fold; `Transform.fit` takes a table.
 */
export const fitRelation = Effect.fnUntraced(function* (
  { contract, spec }: { readonly contract: Contract.Contract; readonly spec: TransformSpec },
  relation: string,
): Effect.fn.Return<Fitted, TransformError | DuckdbError, Duckdb> {
  const db = yield* Duckdb;
  const operation = `fit the transformation of ${contract.name}`;
  const { group } = contract.spec;
  const [count] = yield* db.rows(
    operation,
    `SELECT CAST(count(*) AS DOUBLE) AS n FROM ${relation}`,
  );
  const rows = Number(count?.["n"] ?? 0);
  const problems: Array<TransformProblem> = [];
  const fail = () => new TransformError({ contract: contract.name, problems });
  if (rows === 0) {
    problems.push({
      column: "label",
      what: "no training row has an outcome",
      next: "Check the source and the split upstream.",
    });
    return yield* fail();
  }
  const label = yield* labelOf(contract, relation, operation);
  const outputs = new Map<string, ReadonlyArray<Output>>();
  const numeric = spec.columns.filter(({ steps }) => steps.every(isNumeric));
  for (let from = 0; from < numeric.length; from += columnsAtOnce) {
    const some = numeric.slice(from, from + columnsAtOnce);
    const { columns } = yield* db.numericColumns(operation, {
      from: relation,
      select: some.map(({ of }) => toSql(of)),
      rows,
    });
    for (const [index, { name, of, steps }] of some.entries()) {
      const values = columns[index] ?? new Float64Array();
      outputs.set(name, fitNumber(name, of, steps.filter(isNumeric), values, problems));
    }
  }
  for (const { name, of, steps } of spec.columns) {
    const [step] = steps;
    if (step === undefined || isNumeric(step)) continue;
    const encoded = yield* encode({ name, of, step, relation, group, label, rows, operation });
    if ("what" in encoded) problems.push(encoded);
    else outputs.set(name, encoded.outputs);
  }
  const all = spec.columns.flatMap(({ name }) => outputs.get(name) ?? []);
  const names = all.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) < index) {
      problems.push({
        column: name,
        what: "two columns of this name come out",
        next: "Give the columns of the transformation names that no value makes alike.",
      });
    }
  }
  if (problems.length > 0) return yield* fail();
  const fitted: Fitted = { version: 1, rows, outputs: all, dropped: [] };
  if (spec.select.length === 0) return fitted;
  const { columns } = yield* db.numericColumns(operation, {
    from: relation,
    select: [label.sql, ...selectSql(fitted, { group })],
    rows,
  });
  const [labels = new Float64Array(), ...values] = columns;
  const told = { values: labels, classes: label.classes?.length };
  const selected = select(spec.select, names, values, told);
  if (selected.problems.length > 0) {
    problems.push(...selected.problems);
    return yield* fail();
  }
  return {
    ...fitted,
    outputs: all.filter(({ name }) => selected.names.includes(name)),
    dropped: selected.dropped,
  };
});

type NumberStep = Extract<Step, { _tag: "impute" | "scale" }>;

const isNumeric = (step: Step): step is NumberStep =>
  step._tag === "impute" || step._tag === "scale";

const literal = (value: number): Ast => ({ _tag: "literal", value });

const call = (
  operator: "toNumber" | "isNull" | "orElse" | "subtract" | "divide",
  ...args: ReadonlyArray<Ast>
): Ast => ({
  _tag: "call",
  operator,
  args,
});

/** Fits the steps of one column in turn, each on what the one before gives. */
const fitNumber = (
  name: string,
  of: Ast,
  steps: ReadonlyArray<NumberStep>,
  column: Float64Array,
  problems: Array<TransformProblem>,
): ReadonlyArray<Output> => {
  let expr = kindOf(of) === "boolean" ? call("toNumber", of) : of;
  let values = column;
  const indicators: Array<Output> = [];
  for (const step of steps) {
    const known = present(values);
    if (known.length === 0 && !(step._tag === "impute" && typeof step.with === "number")) {
      problems.push({
        column: name,
        what: "all training rows have it missing",
        next: "Leave it out, or impute a number of your own.",
      });
      return [];
    }
    if (step._tag === "impute") {
      const value = imputed(step.with, known);
      if (step.indicator) {
        const missing = call("toNumber", call("isNull", expr));
        indicators.push({ _tag: "formula", name: `${name} missing`, expr: missing });
      }
      expr = call("orElse", expr, literal(value));
      values = values.map((one) => (Number.isNaN(one) ? value : one));
    } else {
      const { centre, width } = scaleOf(step.by, known);
      const shifted = call("subtract", expr, literal(centre));
      expr = width === 1 ? shifted : call("divide", shifted, literal(width));
      values = values.map((one) => (one - centre) / width);
    }
  }
  return [{ _tag: "formula", name, expr }, ...indicators];
};

const imputed = (how: "mean" | "median" | "mostFrequent" | number, known: Float64Array): number => {
  if (typeof how === "number") return how;
  if (how === "mean") return meanOf(known);
  const sorted = known.toSorted();
  return how === "median" ? quantileOf(sorted, 0.5) : modeOf(sorted);
};

/** What is subtracted, and what is divided by; 1 where a column does not vary. */
const scaleOf = (
  by: "standard" | "minMax" | "robust",
  known: Float64Array,
): { readonly centre: number; readonly width: number } => {
  const unlessZero = (width: number) => (width < 10 * Number.EPSILON ? 1 : width);
  if (by === "standard") {
    return { centre: meanOf(known), width: deviationOf(known) || 1 };
  }
  const sorted = known.toSorted();
  const [low, high] = by === "minMax" ? [0, 1] : [0.25, 0.75];
  const lower = quantileOf(sorted, low);
  return {
    centre: by === "minMax" ? lower : quantileOf(sorted, 0.5),
    width: unlessZero(quantileOf(sorted, high) - lower),
  };
};
