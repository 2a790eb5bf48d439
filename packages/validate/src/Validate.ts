/**
 * Validate: the stage that holds every value of a raw table against its contract. All checks are one
 * scan; rows that fail are set aside with all their reasons, the others go on.
 */
import { type Artifact, Contract, Stage } from "@ml-pipe/core";
import { type Duckdb, Table, TableSchema } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { Check } from "./internal/Check.ts";
import { columnChecks } from "./internal/columnChecks.ts";
import { type Duplicates, findDuplicates, sameKey, sameRow } from "./internal/duplicates.ts";
import {
  findingOf,
  profile,
  profileAsks,
  quarantineSpec,
  type Result,
  summary,
} from "./internal/report.ts";
import { planRows } from "./internal/rowsSql.ts";
import { scan, unsupportedPatterns } from "./internal/scan.ts";
import { countCheck, formulaCheck, freshnessChecks, schemaChecks } from "./internal/tableChecks.ts";
import { anyFails, checkedSql, quarantineSql } from "./internal/write.ts";
import { type RowCheck, specsOf } from "./RowCheck.ts";
import { ContractBroken, TableUnreadable } from "./ValidateError.ts";

export type { RowCheck } from "./RowCheck.ts";
export { ContractBroken, TableUnreadable } from "./ValidateError.ts";

/** What {@link table} can be told beside the contract. */
export interface TableOptions<C extends Contract.Contract> {
  /** Checks of single rows that the contract cannot express. */
  readonly rows?: ReadonlyArray<RowCheck<C>>;
  /** The stage fails if a larger share of the rows fails. Default `{ atMost: 0.01 }`. */
  readonly quarantine?: { readonly atMost: number };
  /** Sets the later of two equal rows aside. Default `true`. */
  readonly uniqueRows?: boolean;
  /**
   * The instant against which freshness is judged: a `Date`, or ISO 8601 text, a date meaning midnight
   * UTC. Default: when the stage runs, so that it runs again each time if the contract has a freshness.
   */
  readonly asOf?: Date | string;
  /** Name of the stage. Default `validate`. */
  readonly name?: string;
}

/** The tables that a validation hands on. */
export interface Validated<C extends Contract.Contract> {
  /** Rows that pass every check, in the contract's types, by event time and then by all columns. */
  readonly checked: Table.Table<C, "checked">;
  /** Rows that do not, with their row number in the source and all reasons: see {@link quarantineOf}. */
  readonly quarantine: Table.Table<Contract.Contract, "raw">;
}

/** What {@link table} can fail with. */
export type TableError = ContractBroken | TableUnreadable | Table.ReadError | Table.WriteError;

/**
 * The contract of the rows that validation sets aside: the columns of `contract`, all nullable and
 * without limits, then `row`, the row number in the source from 0, and `reasons`, a JSON array of text.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Validate } from "@ml-pipe/validate";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0", owner: "fleet", columns: { km: Column.float() },
 * });
 * const names = Object.keys(Validate.quarantineOf(Trip).columns); // ["km", "row", "reasons"]
 * ```
 */
export const quarantineOf = (contract: Contract.Contract): Contract.Contract =>
  Contract.fromSpec(quarantineSpec(contract));

/**
 * A stage that checks a raw table against its contract: types, nulls, finite numbers, ranges, allowed
 * values, patterns, number of rows, freshness, equal rows, equal keys, and any {@link RowCheck}. Every
 * check and its outcome is in the exhibit "Checks"; one that could not run is a finding, never a pass.
 *
 * Fails with {@link ContractBroken}, which lists everything found, if a check of the whole table fails
 * or too many rows do; and with {@link TableUnreadable} if a part of the file is damaged.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Validate } from "@ml-pipe/validate";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0",
 *   owner: "fleet",
 *   columns: { at: Column.timestamp(), km: Column.float({ min: 0 }), paidKm: Column.float() },
 *   eventTime: "at",
 *   freshness: "2 days",
 * });
 * const validate = Validate.table(Trip, {
 *   rows: [{ name: "paid-km", expected: "at most the km driven", holds: ($) => $.paidKm.lte($.km) }],
 *   quarantine: { atMost: 0.001 },
 *   asOf: "2026-11-24",
 * });
 * ```
 */
export const table = <C extends Contract.Contract>(
  contract: C,
  options: TableOptions<C> = {},
): Stage.Stage<
  { readonly data: Table.Table<C, "raw"> },
  Stage.Ports<Validated<C>>,
  {},
  TableError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> => {
  const { uniqueRows = true, quarantine: { atMost } = { atMost: 0.01 } } = options;
  if (!(atMost >= 0 && atMost <= 1)) {
    throw new TypeError(`validate: atMost is a share from 0 to 1, not ${atMost}`);
  }
  const { spec } = contract;
  const formulas = specsOf(contract, options.rows ?? []);
  const into = quarantineOf(contract);
  const asOf = options.asOf === undefined ? undefined : instantOf(options.asOf);
  const about = { contract: contract.name, version: spec.version, owner: spec.owner };
  const unique = [
    ...(spec.key === undefined ? [] : [(fails: string) => sameKey(spec.key ?? [], fails)]),
    ...(uniqueRows ? [() => sameRow(contract)] : []),
  ];

  return Stage.make(options.name ?? "validate", {
    description: `checks every row against the contract ${contract.name} ${spec.version}`,
    input: { data: Table.of(contract, "raw") },
    outputs: { checked: Table.of(contract, "checked"), quarantine: Table.of(into, "raw") },
    params: {
      contract: contract.digest,
      rows: formulas.map(({ ast, ...rest }) => ({ ...rest, formula: JSON.stringify(ast) })),
      atMost,
      uniqueRows,
      asOf: asOf === undefined ? null : new Date(asOf).toISOString(),
    },
    // Whether data is fresh depends on when it is asked: only an explicit instant can be cached.
    fingerprint:
      spec.freshnessMs === undefined || asOf !== undefined
        ? Effect.succeed(null)
        : Effect.map(Clock.currentTimeMillis, (now) => ({ asOf: now })),
    run: Effect.fnUntraced(function* ({ data }, { exhibit, finding, progress }) {
      const path = yield* Table.pathOf(data);
      const source =
        data.data._tag === "source" ? data.data.file.path : `the table ${contract.name}`;
      const now =
        asOf ?? (spec.freshnessMs === undefined ? undefined : yield* Clock.currentTimeMillis);
      const readable = <A, R>(effect: Effect.Effect<A, Duckdb.DuckdbError, R>) =>
        Effect.mapError(effect, (error) => unreadable(error, { ...about, source }));

      yield* progress({ label: "check all rows", rows: data.rows });
      const columns = yield* readable(TableSchema.describe(Table.parquet(path)));
      const { problems } = TableSchema.compare(contract, columns);
      const wrong = new Set(problems.map(({ column }) => column));
      const fitting = columns.filter(
        ({ name }) => Object.hasOwn(spec.columns, name) && !wrong.has(name),
      );
      const names = new Set(fitting.map(({ name }) => name));
      const plan = planRows(contract, path, fitting);
      const unsupported = yield* unsupportedPatterns(
        plan.columns.flatMap(({ name, spec: { pattern } }) =>
          pattern === undefined ? [] : [[name, pattern] as const],
        ),
      );
      const checks: ReadonlyArray<Check> = [
        ...schemaChecks(problems, plan.columns.length),
        countCheck(contract),
        ...(now === undefined ? [] : freshnessChecks(contract, now, names)),
        ...plan.columns.flatMap((column) =>
          columnChecks(column, { pattern: (name) => unsupported.get(name) }),
        ),
        ...formulas.map((formula) => formulaCheck(formula, names)),
      ];
      const valueOf = yield* readable(
        scan(plan.sql, [
          "count(*)",
          ...checks.flatMap(({ asks }) => asks),
          ...plan.columns.flatMap(profileAsks),
        ]),
      );
      const rows = Number(valueOf("count(*)"));
      const results: Array<Result> = checks.map((check) => ({
        check,
        judged: check.judge(check.asks.map(valueOf)),
      }));

      const duplicates: Array<string> = [];
      for (const sameness of unique) {
        const { check, columns: same, ...rest } = sameness(anyFails(checks));
        const runnable = rows > 0 && problems.length === 0;
        if (runnable) yield* progress({ label: `look for rows that repeat (${check})`, rows });
        const found: Duplicates = runnable
          ? yield* readable(findDuplicates(plan.sql, rows, { check, columns: same, ...rest }))
          : { relation: undefined, judged: notUnique(rows) };
        if (found.relation !== undefined) duplicates.push(found.relation);
        results.push({
          check: {
            name: check,
            expected: `no two rows with the same ${check === "rows.unique" ? "values" : same.join(", ")}`,
            severity: runnable ? "fail" : "warn",
            asks: [],
            judge: () => found.judged,
            ...(runnable ? { quarantine: { fails: "false", found: "''" } } : {}),
          },
          judged: found.judged,
        });
      }

      const someRowsFail = results.some(
        ({ check, judged }) => check.quarantine !== undefined && judged.outcome === "failed",
      );
      const quarantine = yield* Table.write(into, "raw", {
        query: someRowsFail
          ? quarantineSql(contract, into, plan.sql, checks, duplicates)
          : `SELECT * FROM (${quarantineSql(contract, into, plan.sql, checks, [])}) LIMIT 0`,
      });
      const failing = quarantine.rows;
      const withinPolicy = failing <= atMost * rows && failing < rows;
      const findings = results.flatMap((result) => {
        const found = findingOf(result, { owner: spec.owner, withinPolicy });
        return found === undefined ? [] : [found];
      });
      yield* exhibit(summary(results, atMost));
      yield* exhibit(profile(plan.columns, valueOf));
      yield* Effect.forEach(findings, finding);
      if (!withinPolicy || findings.some(({ severity }) => severity === "fail")) {
        const kept = failing === 0 ? null : yield* Table.pathOf(quarantine);
        const broken = { ...about, source, rows, failing, atMost, findings, quarantine: kept };
        return yield* new ContractBroken(broken);
      }

      yield* progress({ label: "write the rows that pass", rows: rows - failing });
      const aside = failing === 0 ? undefined : yield* Table.pathOf(quarantine);
      const checked = yield* Table.write(contract, "checked", {
        query: checkedSql(contract, into, plan.sql, aside),
      });
      if (checked.rows + failing !== rows) {
        return yield* Effect.die(
          new Error(`${checked.rows} checked and ${failing} quarantined rows are not ${rows}`),
        );
      }
      yield* progress({ label: "rows", rows: checked.rows });
      return { checked, quarantine };
    }, Effect.scoped),
  });
};

/** Whether two rows are equal cannot be said of none, or without all columns. */
const notUnique = (rows: number): Result["judged"] => ({
  outcome: "could not run",
  found: `could not run: ${rows === 0 ? "the table has no rows" : "not all columns can be read"}`,
});

/** Tells a damaged file from a lack of memory or disk. */
const unreadable = (
  error: Duckdb.DuckdbError,
  about: { readonly contract: string; readonly owner: string; readonly source: string },
): Duckdb.DuckdbError | TableUnreadable =>
  /out of memory|no space left|interrupt|temporary file/i.test(error.problem)
    ? error
    : new TableUnreadable({ ...about, problem: error.problem });

const instantOf = (asOf: Date | string): number => {
  const at = new Date(asOf).getTime();
  if (Number.isNaN(at)) throw new TypeError(`validate: asOf "${String(asOf)}" is not a date`);
  return at;
};
