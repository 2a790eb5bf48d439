/** Runs all checks of a table: one scan, then one pass for equal rows and one to name what failed. */
import type { Contract } from "@ml-pipe/core";
import { type Duckdb, Table, TableSchema } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { RowCheckSpec } from "../RowCheck.ts";
import { type Check, couldNotRun } from "./Check.ts";
import { columnChecks } from "./columnChecks.ts";
import { findDuplicates, type Sameness, sameKey, sameRow } from "./duplicates.ts";
import { profileAsks } from "./report.ts";
import { planRows, type RowsPlan } from "./rowsSql.ts";
import { type Result, scan, unsupportedPatterns, withSamples } from "./scan.ts";
import { countCheck, formulaCheck, freshnessChecks, schemaChecks } from "./tableChecks.ts";
import { anyFails } from "./write.ts";

/** What is asked of a table. */
export interface Request {
  readonly contract: Contract.Contract;
  readonly formulas: ReadonlyArray<RowCheckSpec>;
  readonly uniqueRows: boolean;
  /** Epoch milliseconds of the instant against which events are judged, if they are. */
  readonly asOf: number | undefined;
}

/** What was found. */
export interface Examined {
  readonly plan: RowsPlan;
  readonly rows: number;
  /** The checks that the scan made. */
  readonly checks: ReadonlyArray<Check>;
  /** The outcomes of all checks. */
  readonly results: ReadonlyArray<Result>;
  /** Relations with the rows that repeat another: see {@link findDuplicates}. */
  readonly repeated: ReadonlyArray<string>;
  /** The values of the scan, for the profile. */
  readonly valueOf: (ask: string) => unknown;
}

/** Examines a Parquet file. The relations in the result live as long as the scope. */
export const examine = Effect.fnUntraced(function* (
  path: string,
  { contract, formulas, uniqueRows, asOf }: Request,
): Effect.fn.Return<Examined, Duckdb.DuckdbError, Duckdb.Duckdb | Scope.Scope> {
  const columns = yield* TableSchema.describe(Table.parquet(path));
  const { problems } = TableSchema.compare(contract, columns);
  const unfit = new Set(problems.map(({ column }) => column));
  const readable = columns.filter(
    ({ name }) => Object.hasOwn(contract.spec.columns, name) && !unfit.has(name),
  );
  const names = new Set(readable.map(({ name }) => name));
  const reserved = columns.some(({ name }) => name.toLowerCase() === "file_row_number");
  const plan = planRows(contract, path, readable, reserved);
  const unsupported = yield* unsupportedPatterns(contract);
  const checks = [
    ...schemaChecks(problems, plan.columns.length),
    countCheck(contract),
    ...(asOf === undefined ? [] : freshnessChecks(contract, asOf, names)),
    ...plan.columns.flatMap((column) => columnChecks(column, unsupported.get(column.name))),
    ...formulas.map((formula) => formulaCheck(formula, names)),
  ];
  const valueOf = yield* scan("check all rows", plan.sql, [
    "count(*)",
    ...checks.flatMap(({ asks }) => asks),
    ...plan.columns.flatMap(profileAsks),
  ]);
  const rows = Number(valueOf("count(*)"));
  const scanned = yield* withSamples(
    plan.sql,
    checks.map((check) => ({ check, judged: check.judge(check.asks.map(valueOf)) })),
  );

  const { key } = contract.spec;
  const unique = [
    ...(key === undefined ? [] : [sameKey(key, anyFails(checks))]),
    ...(uniqueRows ? [sameRow(contract)] : []),
  ];
  const blocked =
    rows === 0
      ? "the table has no rows"
      : problems.length > 0
        ? "not all columns can be read"
        : undefined;
  const results = [...scanned];
  const repeated: Array<string> = [];
  for (const sameness of unique) {
    if (blocked !== undefined) {
      results.push({ check: uniqueness(sameness, "warn"), judged: couldNotRun(blocked) });
      continue;
    }
    const { relation, judged } = yield* findDuplicates(plan.sql, rows, sameness);
    results.push({ check: uniqueness(sameness, "fail"), judged });
    if (relation !== undefined) repeated.push(relation);
  }
  return { plan, rows, checks, results, repeated, valueOf };
});

/** A check of the scan's kind for what {@link findDuplicates} judges. */
const uniqueness = ({ check, expected }: Sameness, severity: "fail" | "warn"): Check => ({
  name: check,
  expected,
  severity,
  asks: [],
  judge: () => couldNotRun("it is judged by comparing rows"),
  rows: { fails: "false", found: "''", aside: true, example: false },
});
