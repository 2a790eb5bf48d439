/** The checks that a contract's columns ask for, as SQL over the canonical rows. */
import { Column, Contract } from "@ml-pipe/core";
import { Duckdb, TableSchema } from "@ml-pipe/data";
import { blocked, type Check, couldNotRun } from "./Check.ts";
import { isNull, sqlNumber } from "./kinds/sql.ts";
import type { ColumnPlan } from "./rowsSql.ts";
import { numberText, rowsOf } from "./words.ts";

interface RowCheckOptions {
  /** SQL: what was found in a row. Default: the value. */
  readonly found?: string;
  /** SQL: the number of rows on which the check can be evaluated. Default: rows with a value. */
  readonly evaluated?: string;
  /** SQL: the number of rows that fail. Default: counts them. */
  readonly failing?: string;
  /** Shows one of the values in the finding. */
  readonly example?: boolean;
  /** More aggregates, and what they say about the values. */
  readonly about?: {
    readonly asks: ReadonlyArray<string>;
    readonly words: (values: ReadonlyArray<unknown>) => string;
  };
}

/** Makes the checks of one column. */
type MakeCheck = (
  kind: string,
  expected: string,
  fails: string,
  options?: RowCheckOptions,
) => Check;

/**
 * All checks of a column, also those that cannot run; `unsupported` says why its pattern cannot be
 * matched.
 */
export const columnChecks = (
  plan: ColumnPlan,
  unsupported: string | undefined,
): ReadonlyArray<Check> => {
  const { spec, sqlType, column } = plan;
  const unit = spec.unit === undefined ? "" : ` ${spec.unit}`;
  const make: MakeCheck = (kind, expected, fails, options = {}) => {
    const named = { name: `${plan.name}.${kind}`, column: plan.name, expected };
    return sqlType === undefined
      ? blocked(named, "warn", "the column cannot be read")
      : { ...named, ...rowsThatFail(plan, fails, options) };
  };

  const checks = [typeCheck(plan, make)];
  if (!spec.nullable) {
    checks.push(
      make("not-null", "a value in every row", isNull(plan), {
        evaluated: "count(*)",
        found: "'null'",
        ...(plan.mayVanish ? {} : { failing: `count(*) - count(${column})` }),
      }),
    );
  }
  if (spec.type === "float") {
    const { finite } = plan;
    const failing = `count(${column}) - count(${finite})`;
    checks.push(make("finite", "finite numbers", `NOT isfinite(${column})`, { failing }));
  }
  const unfit = TableSchema.partsUnfit(column, spec);
  if (unfit !== undefined) {
    checks.push(make("parts", partsText(spec), unfit, { example: true }));
  }
  const range = rangeOf(spec);
  if (range !== undefined) {
    checks.push(
      make("range", `${range}${unit}`, outside(plan), {
        about: {
          asks: extremes(plan),
          words: ([min, max]) =>
            `values from ${numberText(Number(min))} to ${numberText(Number(max))}${unit}`,
        },
      }),
    );
  }
  if (spec.values !== undefined) {
    const allowed = spec.values.map(Duckdb.literal).join(", ");
    const fails = allowed === "" ? `${column} IS NOT NULL` : `${column} NOT IN (${allowed})`;
    checks.push(make("values", `one of ${spec.values.join(", ")}`, fails, { example: true }));
  }
  if (spec.pattern !== undefined) {
    const expected = `text that matches ${spec.pattern}`;
    const fails = `NOT regexp_full_match(${column}, ${Duckdb.literal(spec.pattern)})`;
    checks.push(
      unsupported === undefined
        ? make("pattern", expected, fails, { example: true })
        : blocked(
            { name: `${plan.name}.pattern`, column: plan.name, expected },
            "fail",
            unsupported,
          ),
    );
  }
  return checks;
};

/** The names of the checks that a contract has by itself. */
export const ownNames = ({ spec: { columns, eventTime } }: Contract.Contract): Set<string> =>
  new Set([
    "schema",
    "rows.count",
    "freshness",
    "rows.unique",
    "key.unique",
    ...(eventTime === undefined ? [] : [`${eventTime}.not-later`]),
    ...Object.entries(columns).flatMap(([column, { type, nullable, min, max, values, pattern }]) =>
      [
        "schema",
        "type",
        ...(nullable ? [] : ["not-null"]),
        ...(type === "float" ? ["finite"] : []),
        ...(Column.isScalar(type) ? [] : ["parts"]),
        ...(min === undefined && max === undefined ? [] : ["range"]),
        ...(values === undefined ? [] : ["values"]),
        ...(pattern === undefined ? [] : ["pattern"]),
      ].map((kind) => `${column}.${kind}`),
    ),
  ]);

/** A check that fails the rows for which an expression is true. */
const rowsThatFail = (
  { column }: ColumnPlan,
  fails: string,
  { found, evaluated, failing, example, about }: RowCheckOptions,
): Omit<Check, "name" | "expected"> => ({
  severity: "fail",
  asks: [
    "count(*)",
    evaluated ?? `count(${column})`,
    failing ?? `count_if(${fails})`,
    ...(about?.asks ?? []),
  ],
  judge: ([all, judged, count, ...rest]) => {
    if (Number(judged) === 0) {
      return couldNotRun(Number(all) === 0 ? "the table has no rows" : "every value is null");
    }
    const rows = Number(count);
    const words = about?.words(rest);
    return rows === 0
      ? { outcome: "passed", found: words ?? "every row" }
      : {
          outcome: "failed",
          found: `${rowsOf(rows, Number(all))}${words === undefined ? "" : `; ${words}`}`,
          rows,
        };
  },
  rows: {
    fails,
    found: found ?? `left(CAST(${column} AS VARCHAR), 80)`,
    aside: true,
    example: example ?? false,
  },
});

/** Values that the type in the file can hold and the contract's type cannot. */
const typeCheck = (plan: ColumnPlan, make: MakeCheck): Check => {
  const { name, spec, sqlType, unfit, unfitName, rawName } = plan;
  const expected =
    spec.type === "int"
      ? "whole numbers within ±(2^53 − 1)"
      : spec.type === "timestamp"
        ? "instants that exist"
        : `${spec.type} (${TableSchema.canonicalType(spec)})`;
  if (unfit !== undefined || sqlType === undefined) {
    const found = `left(${rawName}, 80)`;
    return make("type", expected, unfitName, { evaluated: "count(*)", found, example: true });
  }
  return {
    name: `${name}.type`,
    column: name,
    expected,
    severity: "fail",
    asks: [],
    // The file's schema decides, whatever its rows are.
    judge: () => ({ outcome: "passed", found: sqlType }),
  };
};

/** SQL: true for a finite value outside the contract's range. */
const outside = ({ finite, spec: { min, max } }: ColumnPlan): string => {
  const bounds = [
    ...(min === undefined ? [] : [`${finite} < ${sqlNumber(min)}`]),
    ...(max === undefined ? [] : [`${finite} > ${sqlNumber(max)}`]),
  ];
  return `(${bounds.join(" OR ")})`;
};

/** Aggregates with the smallest and the largest finite value of a column. */
const extremes = ({ finite }: ColumnPlan): ReadonlyArray<string> => [
  `min(${finite})`,
  `max(${finite})`,
];

/** What the parts of a value must be. */
const partsText = ({ type, items, fields = {}, size }: Column.ColumnSpec): string => {
  const one = (part: Column.PartSpec) =>
    [part.type, ...Contract.limitsText(part), ...(part.nullable ? ["or null"] : [])].join(" ");
  if (type === "embedding") return `${size} finite numbers`;
  if (items !== undefined) return `lists of ${one(items)}`;
  const named = Object.entries(fields).map(([name, field]) => `${name}: ${one(field)}`);
  return `records of ${named.join(", ")}`;
};

const rangeOf = ({ min, max }: Column.ColumnSpec): string | undefined =>
  min === undefined
    ? max === undefined
      ? undefined
      : `at most ${numberText(max)}`
    : max === undefined
      ? `at least ${numberText(min)}`
      : `from ${numberText(min)} to ${numberText(max)}`;
