/** Encoding of text: what each value of the training rows becomes. */
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError } from "../Duckdb.ts";
import type { Ast } from "../internal/ast.ts";
import { toSql } from "../internal/compile.ts";
import type { TransformProblem } from "./errors.ts";
import type { Label } from "./label.ts";
import type { Output, Step } from "./spec.ts";
import { targetMean } from "./targetMean.ts";

type EncodeStep = Exclude<Step, { _tag: "impute" | "scale" }>;

/** Values beyond which a text is a name rather than a category. */
const maxValues = 10_000;

/** Reads the values of a text once and encodes them. */
export const encode = Effect.fnUntraced(function* (options: {
  readonly name: string;
  readonly of: Ast;
  readonly step: EncodeStep;
  readonly relation: string;
  readonly group: string | undefined;
  readonly label: Label;
  /** Of the relation. */
  readonly rows: number;
  readonly operation: string;
}): Effect.fn.Return<
  { readonly outputs: ReadonlyArray<Output> } | TransformProblem,
  DuckdbError,
  Duckdb
> {
  const { name, of, step, relation, operation } = options;
  const db = yield* Duckdb;
  const found = yield* db.rows(
    operation,
    `SELECT value, CAST(count(*) AS DOUBLE) AS rows FROM (SELECT ${toSql(of)} AS value FROM ${relation})
     GROUP BY value ORDER BY value NULLS LAST LIMIT ${maxValues + 2}`,
  );
  const values = found.flatMap(({ value, rows }) =>
    value === null ? [] : [{ value: String(value), rows: Number(rows) }],
  );
  if (values.length > maxValues) {
    return {
      column: name,
      what: `it has more than ${maxValues} values`,
      next: "That is a name rather than a category: group its values, or leave it out.",
    };
  }
  const missing = found.length > values.length ? Number(found.at(-1)?.["rows"]) : 0;
  const texts = values.map(({ value }) => value);
  const lookup = { _tag: "lookup", name, of, values: texts } as const;
  switch (step._tag) {
    case "oneHot":
      return { outputs: oneHot(name, of, values, missing > 0, step.atMost) };
    case "ordinal":
      return {
        outputs: [{ ...lookup, numbers: [...texts.keys()], missing: null, unknown: null }],
      };
    case "frequency": {
      const numbers = values.map(({ rows }) => rows / options.rows);
      return { outputs: [{ ...lookup, numbers, missing: missing / options.rows, unknown: 0 }] };
    }
    case "targetMean":
      return yield* targetMean({ ...options, step, values: texts });
  }
});

const oneHot = (
  name: string,
  of: Ast,
  values: ReadonlyArray<{ readonly value: string; readonly rows: number }>,
  missing: boolean,
  atMost: number,
): ReadonlyArray<Output> => {
  const frequent = new Set(
    values
      .toSorted((a, b) => b.rows - a.rows)
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
