/** Encoding of text: what each value of the training rows becomes. */
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError } from "../Duckdb.ts";
import type { Ast } from "../internal/ast.ts";
import { toSql } from "../internal/compile.ts";
import { innerFoldSql } from "./apply.ts";
import type { TransformProblem } from "./errors.ts";
import type { Output, Step } from "./spec.ts";

type EncodeStep = Exclude<Step, { _tag: "impute" | "scale" }>;

/** Values beyond which a text is a name rather than a category. */
const maxValues = 10_000;

/** Rows, and how many of them have a true label. */
interface Counts {
  readonly rows: number;
  readonly positives: number;
}

/** Reads the values of a text once and encodes them. */
export const encode = Effect.fnUntraced(function* (options: {
  readonly name: string;
  readonly of: Ast;
  readonly step: EncodeStep;
  readonly relation: string;
  readonly group: string | undefined;
  /** Of the relation. */
  readonly rows: number;
  readonly operation: string;
}): Effect.fn.Return<
  { readonly outputs: ReadonlyArray<Output> } | TransformProblem,
  DuckdbError,
  Duckdb
> {
  const { name, of, step, relation, group, operation } = options;
  const db = yield* Duckdb;
  const folds = step._tag === "targetMean" ? step.folds : 1;
  const fold =
    step._tag === "targetMean" ? innerFoldSql({ seed: step.seed, folds }, { group }) : "0";
  // Only the encoding by the label asks for it; the others take labels of any kind.
  const positive = step._tag === "targetMean" ? "label" : "FALSE";
  const rows = yield* db.rows(
    operation,
    `SELECT value, CAST(fold AS DOUBLE) AS fold, CAST(count(*) AS DOUBLE) AS rows,
       CAST(count(*) FILTER (${positive}) AS DOUBLE) AS positives
     FROM (SELECT ${toSql(of)} AS value, ${fold} AS fold, label FROM ${relation})
     GROUP BY ALL ORDER BY value NULLS LAST, fold LIMIT ${maxValues * folds + 1}`,
  );
  const byValue = new Map<string | null, Array<Counts>>();
  for (const row of rows) {
    const value = row["value"] === null ? null : String(row["value"]);
    const counts = byValue.get(value) ?? Array.from({ length: folds }, () => none);
    counts[Number(row["fold"])] = {
      rows: Number(row["rows"]),
      positives: Number(row["positives"]),
    };
    byValue.set(value, counts);
  }
  if (rows.length > maxValues * folds || byValue.size > maxValues) {
    return {
      column: name,
      what: `it has more than ${maxValues} values`,
      next: "That is a name rather than a category: group its values, or leave it out.",
    };
  }
  const missing = byValue.get(null);
  byValue.delete(null);
  const values = [...byValue].flatMap(([value, counts]) =>
    value === null ? [] : [{ value, counts }],
  );
  const lookup = (
    numbers: ReadonlyArray<number>,
    rest: { missing: number | null; unknown: number | null },
  ) =>
    ({
      _tag: "lookup",
      name,
      of,
      values: values.map(({ value }) => value),
      numbers,
      ...rest,
    }) as const;
  switch (step._tag) {
    case "oneHot":
      return { outputs: oneHot(name, of, values, missing !== undefined, step.atMost) };
    case "ordinal":
      return {
        outputs: [
          lookup(
            values.map((_, index) => index),
            { missing: null, unknown: null },
          ),
        ],
      };
    case "frequency": {
      const share = (counts: ReadonlyArray<Counts>) => sumOf(counts).rows / options.rows;
      const numbers = values.map(({ counts }) => share(counts));
      return { outputs: [lookup(numbers, { missing: share(missing ?? []), unknown: 0 })] };
    }
    case "targetMean": {
      const counts = values.map((one) => one.counts);
      const all = [...counts, ...(missing === undefined ? [] : [missing])];
      const { smoothing, seed } = step;
      const without = (fold: number) => (of: ReadonlyArray<Counts>) =>
        sumOf(of.filter((_, index) => index !== fold));
      const means = (pick: (of: ReadonlyArray<Counts>) => Counts) => {
        const overall = sumOf(all.map(pick));
        const mean = (of: ReadonlyArray<Counts>) => smoothed(pick(of), overall, smoothing);
        return {
          numbers: counts.map(mean),
          missing: mean(missing ?? []),
          unknown: shareOf(overall),
        };
      };
      for (let fold = 0; fold < folds; fold++) {
        if (all.every((of) => without(fold)(of).rows === 0)) {
          return {
            column: name,
            what: "all training rows are in one inner fold",
            next: "There are too few rows or groups to encode by the label: use another encoding.",
          };
        }
      }
      const inner = Array.from({ length: folds }, (_, fold) => means(without(fold)));
      const { numbers, ...rest } = means(sumOf);
      return { outputs: [{ ...lookup(numbers, rest), inner: { seed, folds: inner } }] };
    }
  }
});

const none: Counts = { rows: 0, positives: 0 };

const sumOf = (counts: ReadonlyArray<Counts>): Counts =>
  counts.reduce(
    (sum, one) => ({ rows: sum.rows + one.rows, positives: sum.positives + one.positives }),
    none,
  );

/** The share of true labels. */
const shareOf = ({ rows, positives }: Counts): number => positives / rows;

/**
 * The mean label of some rows, drawn to the overall mean. Empirical Bayes weighs the two by the variance
 * of all labels and that within these rows: λ = nV / (nV + v).
 */
const smoothed = (of: Counts, overall: Counts, smoothing: "auto" | number): number => {
  const mean = shareOf(overall);
  if (of.rows === 0) return mean;
  if (smoothing !== "auto") {
    return (of.positives + smoothing * mean) / (of.rows + smoothing);
  }
  const own = shareOf(of);
  const weighted = mean * (1 - mean) * of.rows;
  const lambda = weighted / (weighted + own * (1 - own));
  return Number.isNaN(lambda) ? mean : lambda * own + (1 - lambda) * mean;
};

const oneHot = (
  name: string,
  of: Ast,
  values: ReadonlyArray<{ readonly value: string; readonly counts: ReadonlyArray<Counts> }>,
  missing: boolean,
  atMost: number,
): ReadonlyArray<Output> => {
  const frequent = new Set(
    values
      .toSorted((a, b) => sumOf(b.counts).rows - sumOf(a.counts).rows)
      .slice(0, atMost)
      .map(({ value }) => value),
  );
  const literal = (value: string | number): Ast => ({ _tag: "literal", value });
  const call = (
    operator: "toNumber" | "equals" | "orElse" | "isNull",
    ...args: ReadonlyArray<Ast>
  ): Ast => ({
    _tag: "call",
    operator,
    args,
  });
  return [
    ...values
      .filter(({ value }) => frequent.has(value))
      .map(({ value }): Output => {
        const is = call("toNumber", call("equals", of, literal(value)));
        return { _tag: "formula", name: `${name}=${value}`, expr: call("orElse", is, literal(0)) };
      }),
    ...(missing
      ? [
          {
            _tag: "formula",
            name: `${name} is missing`,
            expr: call("toNumber", call("isNull", of)),
          } as const,
        ]
      : []),
  ];
};
