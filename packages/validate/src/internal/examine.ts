/** Runs all checks of a table: one scan, then a pass for what only a search finds and one for samples. */
import { type Check as CoreCheck, type Contract } from "@ml-pipe/core";
import { type Duckdb, Profile, Table, TableSchema } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { blocked, type Check, couldNotRun, type Result } from "./Check.ts";
import { columnChecks } from "./columnChecks.ts";
import { compileChecks, type OtherTable } from "./compile.ts";
import { planRows, type RowsPlan } from "./rowsSql.ts";
import { NoValue, type Scanned, scan, unsupportedPatterns, withSamples } from "./scan.ts";
import { search, uniqueness } from "./search.ts";
import { countCheck, freshnessChecks, schemaChecks } from "./tableChecks.ts";
import { anyFails, type Searched } from "./write.ts";

/** What is asked of a table. */
export interface Request {
  readonly contract: Contract.Contract;
  /** Checks beside those of the contract's columns and limits. */
  readonly checks: ReadonlyArray<CoreCheck.CheckSpec>;
  /** Other tables, by the name of their contract. */
  readonly others: ReadonlyMap<string, OtherTable>;
  readonly uniqueRows: boolean;
  /** Epoch milliseconds of the instant against which time is judged, if it is. */
  readonly asOf: number | undefined;
}

/** What was found. */
export interface Examined {
  readonly plan: RowsPlan;
  readonly rows: number;
  /** The outcomes of all checks. */
  readonly results: ReadonlyArray<Result>;
  /** The rows that searches found and that are to be set aside. */
  readonly searched: ReadonlyArray<Searched>;
  /** What the rows look like: all of them, also those that are set aside. */
  readonly profile: Profile.Profile;
  /** How often rows were read, wholly or some columns of them. */
  readonly passes: number;
}

/** Examines a Parquet file. The relations in the result live as long as the scope. */
export const examine = Effect.fnUntraced(function* (
  path: string,
  request: Request,
): Effect.fn.Return<Examined, Duckdb.DuckdbError, Duckdb.Duckdb | Scope.Scope> {
  const { plan, checks } = yield* planned(path, request);
  // Of a column that cannot be read there is nothing to say.
  const profiled = Profile.profiledOf(
    plan.columns.flatMap(({ name, spec, column, sqlType }) =>
      sqlType === undefined
        ? []
        : [{ name, sql: column, sqlType: TableSchema.canonicalType(spec) }],
    ),
  );
  const scanned = yield* scan("check all rows", plan.sql, [
    "count(*)",
    ...checks.flatMap(({ asks }) => asks),
    ...Profile.asks(profiled.columns),
  ]);
  const judged = checks.map((check) => judge(check, scanned));
  const sampled = yield* withSamples(plan.sql, judged);
  const found = yield* searchAll(plan.sql, sampled.results, scanned);
  const columns = yield* Profile.complete(`(${plan.sql})`, profiled.columns, scanned.valueOf);
  const rows = Number(scanned.valueOf("count(*)"));
  return {
    plan,
    rows,
    results: found.results,
    searched: found.searched,
    profile: {
      rows,
      columns,
      ...Profile.parts(profiled.partOf),
      unsupported: profiled.unsupported,
    },
    passes: scanned.passes + sampled.passes + found.passes,
  };
});

/** How the file is read, and all checks of it. */
const planned = Effect.fnUntraced(function* (path: string, request: Request) {
  const { contract, asOf, uniqueRows } = request;
  const file = yield* TableSchema.describe(Table.parquet(path));
  const { problems } = TableSchema.compare(contract, file);
  const unfit = new Set(problems.map(({ column }) => column));
  const readable = file.filter(
    ({ name }) => Object.hasOwn(contract.spec.columns, name) && !unfit.has(name),
  );
  const names = new Set(readable.map(({ name }) => name));
  const reserved = file.some(({ name }) => name.toLowerCase() === "file_row_number");
  const plan = planRows(contract, path, readable, reserved);
  const unsupported = yield* unsupportedPatterns(contract);
  const { others } = request;
  const checks: ReadonlyArray<Check> = [
    ...schemaChecks(problems, plan.columns.length),
    countCheck(contract),
    ...(asOf === undefined ? [] : freshnessChecks(contract, asOf, names)),
    ...plan.columns.flatMap((column) => columnChecks(column, unsupported.get(column.name))),
    ...(yield* compileChecks(request.checks, { contract, plan, file, asOf, others })),
    ...uniqueness(contract, uniqueRows, problems.length > 0),
  ];
  return { plan, checks };
});

/** Judges a check by the values of the scan; one that searches, by whether there is anything to search. */
const judge = (check: Check, { valueOf }: Scanned): Result => {
  const values = check.asks.map(valueOf);
  const lacking = values.find((value) => value instanceof NoValue);
  return lacking === undefined
    ? { check, judged: check.judge(values) }
    : failedToRun(check, lacking.why);
};

/** A check that cannot be computed on this data, which is no matter of rows: none is set aside for it. */
const failedToRun = (check: Check, why: string): Result => {
  const { rows: _rows, ...about } = check;
  return { check: blocked(about, check.severity, why), judged: couldNotRun(why) };
};

/** Runs the searches of checks that can run, one after the other. */
const searchAll = Effect.fnUntraced(function* (
  rows: string,
  results: ReadonlyArray<Result>,
  { valueOf }: Scanned,
) {
  const searched: Array<Searched> = [];
  const judged: Array<Result> = [];
  let passes = 0;
  for (const result of results) {
    const { check } = result;
    if (check.rows?.search === undefined || result.judged.outcome === "could not run") {
      judged.push(result);
      continue;
    }
    const failed = [
      anyFails(results),
      ...searched.map(({ relation }) => `"~row" IN (SELECT row FROM ${relation})`),
    ].join(" OR ");
    const found = yield* search(rows, check, check.asks.map(valueOf), `(${failed})`);
    judged.push(
      found.problem === undefined
        ? { check, judged: found.judged }
        : failedToRun(check, found.problem),
    );
    if (found.relation !== undefined && check.rows.aside) {
      searched.push({ name: check.name, relation: found.relation });
    }
    passes += 1;
  }
  return { results: judged, searched, passes };
});
