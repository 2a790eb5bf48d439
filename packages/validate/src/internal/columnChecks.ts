/** The checks that a contract's columns ask for, as SQL over the canonical rows. */
import type { Column } from "@ml-pipe/core";
import { Duckdb, TableSchema } from "@ml-pipe/data";
import { blocked, type Check, rowNumbers, sampleSql } from "./Check.ts";
import { numberText, rowsOf } from "./words.ts";

/** A column of the contract and what the table has for it. */
export interface ColumnPlan {
  readonly name: string;
  readonly spec: Column.ColumnSpec;
  /** The DuckDB type in the file; absent if the column is not there or cannot be taken as its type. */
  readonly sqlType?: string;
  /** SQL of the value in the contract's type, over the rows of the file. */
  readonly canonical: string;
  /** SQL, over the rows of the file: true for a value that the contract's type does not have. */
  readonly unfit?: string;
  /** Names, among the canonical rows, of {@link unfit} and of the value as the file has it, as text. */
  readonly unfitName: string;
  readonly rawName: string;
}

const largestInt = Number.MAX_SAFE_INTEGER;
const largestMicros = "8640000000000000000";

/** Reads a column of the file as the contract's type. */
export const planColumn = (
  name: string,
  spec: Column.ColumnSpec,
  sqlType: string | undefined,
): ColumnPlan => {
  const type = TableSchema.canonicalType(spec.type);
  const raw = Duckdb.identifier(name);
  const base = {
    name,
    spec,
    unfitName: Duckdb.identifier(`~unfit ${name}`),
    rawName: Duckdb.identifier(`~raw ${name}`),
  };
  if (sqlType === undefined) return { ...base, canonical: `CAST(NULL AS ${type})` };
  const canonical = sqlType === type ? raw : `TRY_CAST(${raw} AS ${type})`;
  const wide = sqlType === "BIGINT" || sqlType === "UBIGINT";
  const unfit =
    spec.type === "timestamp"
      ? `(${raw} IS NOT NULL AND coalesce(${canonical} NOT BETWEEN make_timestamp(-${largestMicros}) AND make_timestamp(${largestMicros}), true))`
      : wide && (spec.type === "int" || spec.type === "float")
        ? `(${raw} NOT BETWEEN -${largestInt} AND ${largestInt})`
        : undefined;
  return { ...base, sqlType, canonical, ...(unfit === undefined ? {} : { unfit }) };
};

/** What can be asked before the scan: patterns that DuckDB does not understand. */
export interface Unsupported {
  /** Why the pattern of a column cannot be matched. */
  readonly pattern: (column: string) => string | undefined;
}

/** All checks of a column, also those that cannot run. */
export const columnChecks = (plan: ColumnPlan, unsupported: Unsupported): ReadonlyArray<Check> => {
  const { name, spec, sqlType } = plan;
  const column = Duckdb.identifier(name);
  const unit = spec.unit === undefined ? "" : ` ${spec.unit}`;
  const text = `left(CAST(${column} AS VARCHAR), 80)`;
  const present = `count(${column})`;

  const rowCheck = (
    kind: string,
    expected: string,
    fails: string,
    options: {
      readonly found?: string;
      readonly evaluated?: string;
      readonly detail?: {
        readonly asks: ReadonlyArray<string>;
        readonly words: (...values: ReadonlyArray<unknown>) => string;
      };
    } = {},
  ): Check => {
    const about = { name: `${name}.${kind}`, column: name, expected };
    if (sqlType === undefined) return blocked(about, "warn", "the column cannot be read");
    const evaluated = options.evaluated ?? present;
    return {
      ...about,
      severity: "fail",
      asks: [
        "count(*)",
        evaluated,
        `count_if(${fails})`,
        sampleSql(fails),
        ...(options.detail?.asks ?? []),
      ],
      judge: ([all, judged, failing, sample, ...detail]) => {
        if (Number(judged) === 0) {
          const why = Number(all) === 0 ? "the table has no rows" : "every value is null";
          return { outcome: "could not run", found: `could not run: ${why}` };
        }
        const rows = Number(failing);
        const words = options.detail?.words(...detail) ?? "";
        if (rows === 0) return { outcome: "passed", found: words === "" ? "no other" : words };
        const found = [`${rowsOf(rows, Number(all))} that ${rows === 1 ? "fails" : "fail"}`, words];
        return {
          outcome: "failed",
          found: found.filter((part) => part !== "").join("; "),
          rows,
          sample: rowNumbers(sample),
        };
      },
      quarantine: { fails, found: options.found ?? text },
    };
  };

  const checks: Array<Check> = [typeCheck(plan, rowCheck)];
  if (!spec.nullable) {
    const isNull =
      plan.unfit === undefined
        ? `${column} IS NULL`
        : `(${column} IS NULL AND NOT coalesce(${plan.unfitName}, false))`;
    checks.push(
      rowCheck("not-null", "a value in every row", isNull, {
        evaluated: "count(*)",
        found: "'null'",
      }),
    );
  }
  if (spec.type === "float") {
    checks.push(rowCheck("finite", "finite numbers", `NOT isfinite(${column})`));
  }
  const range = rangeOf(spec);
  if (range !== undefined) {
    const finite = spec.type === "float" ? `isfinite(${column}) AND ` : "";
    const bounds = [
      ...(spec.min === undefined ? [] : [`${column} < ${sqlNumber(spec.min)}`]),
      ...(spec.max === undefined ? [] : [`${column} > ${sqlNumber(spec.max)}`]),
    ].join(" OR ");
    checks.push(
      rowCheck("range", `${range}${unit}`, `(${finite}(${bounds}))`, {
        detail: {
          asks: extremes(plan),
          words: (min, max) => `values from ${numberOf(min)} to ${numberOf(max)}${unit}`,
        },
      }),
    );
  }
  const example = (fails: string) => ({
    detail: {
      asks: [`min(${text}) FILTER (WHERE ${fails})`],
      words: (value: unknown) => (value === null ? "" : `such as ${JSON.stringify(value)}`),
    },
  });
  if (spec.values !== undefined) {
    const allowed = spec.values.map(Duckdb.literal).join(", ");
    const fails = allowed === "" ? `${column} IS NOT NULL` : `${column} NOT IN (${allowed})`;
    checks.push(rowCheck("values", `one of ${spec.values.join(", ")}`, fails, example(fails)));
  }
  if (spec.pattern !== undefined) {
    const why = unsupported.pattern(name);
    const expected = `text that matches ${spec.pattern}`;
    const fails = `NOT regexp_full_match(${column}, ${Duckdb.literal(spec.pattern)})`;
    checks.push(
      why === undefined
        ? rowCheck("pattern", expected, fails, example(fails))
        : blocked({ name: `${name}.pattern`, column: name, expected }, "fail", why),
    );
  }
  return checks;
};

const typeCheck = (
  { name, spec, sqlType, unfit, unfitName, rawName }: ColumnPlan,
  rowCheck: (
    kind: string,
    expected: string,
    fails: string,
    options: { readonly evaluated: string; readonly found: string },
  ) => Check,
): Check => {
  const expected =
    spec.type === "int"
      ? "whole numbers within ±(2^53 − 1)"
      : spec.type === "timestamp"
        ? "instants that exist"
        : `${spec.type} (${TableSchema.canonicalType(spec.type)})`;
  if (unfit !== undefined || sqlType === undefined) {
    const found = `left(${rawName}, 80)`;
    return rowCheck("type", expected, unfitName, { evaluated: "count(*)", found });
  }
  return {
    name: `${name}.type`,
    column: name,
    expected,
    severity: "fail",
    asks: ["count(*)"],
    judge: ([all]) =>
      Number(all) === 0
        ? { outcome: "could not run", found: "could not run: the table has no rows" }
        : { outcome: "passed", found: sqlType },
  };
};

/** Aggregates with the smallest and the largest finite value of a column. */
export const extremes = ({ name, spec }: ColumnPlan): ReadonlyArray<string> => {
  const column = Duckdb.identifier(name);
  const finite = spec.type === "float" ? ` FILTER (WHERE isfinite(${column}))` : "";
  return [`min(${column})${finite}`, `max(${column})${finite}`];
};

const rangeOf = ({ min, max }: Column.ColumnSpec): string | undefined =>
  min === undefined
    ? max === undefined
      ? undefined
      : `at most ${numberText(max)}`
    : max === undefined
      ? `at least ${numberText(min)}`
      : `from ${numberText(min)} to ${numberText(max)}`;

/** A number in SQL: as text, because DuckDB reads `0.1` as a decimal. */
const sqlNumber = (value: number): string =>
  Number.isSafeInteger(value) ? String(value) : `CAST('${value}' AS DOUBLE)`;

const numberOf = (value: unknown): string => (value === null ? "null" : numberText(Number(value)));
