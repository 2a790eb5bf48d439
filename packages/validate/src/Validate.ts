/**
 * Validate: the stage that holds every value of a raw table against its contract. All checks are one
 * scan; rows that fail are set aside with all their reasons, the others go on.
 */
import { type Artifact, type Check, Column, Contract, Stage } from "@ml-pipe/core";
import { type Duckdb, Profile, Table } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { asideOf } from "./internal/Check.ts";
import { isTimed, type OtherTable } from "./internal/compile.ts";
import { examine } from "./internal/examine.ts";
import { ownNames } from "./internal/columnChecks.ts";
import { findingOf, quarantineSpec, summary } from "./internal/report.ts";
import { checkedSql, quarantineSql } from "./internal/write.ts";
import { type AnyCheck, specsOf } from "./RowCheck.ts";
import { ContractBroken, TableUnreadable } from "./ValidateError.ts";

export type { AnyCheck, RowCheck } from "./RowCheck.ts";
export { ContractBroken, TableUnreadable } from "./ValidateError.ts";

/** Other tables that checks compare with: the name of an input, and its contract. */
export type References = { readonly [input: string]: Contract.Contract };

/** What {@link table} can be told beside the contract. */
export interface TableOptions<C extends Contract.Contract, R extends References = {}> {
  /** Checks beside those of the contract: see `Check` for those of a kind, {@link RowCheck} for formulas. */
  readonly checks?: ReadonlyArray<AnyCheck<C>>;
  /**
   * The contracts of other tables that checks compare with, such as the one that a foreign key points
   * to. Each is an input of the stage, under its name here, and takes a checked table.
   */
  readonly references?: R;
  /** The stage fails if a larger share of the rows fails. Default `{ atMost: 0.01 }`. */
  readonly quarantine?: { readonly atMost: number };
  /** Sets the later of two equal rows aside. Default `true`. */
  readonly uniqueRows?: boolean;
  /**
   * The instant against which time is judged, such as freshness: a `Date`, or ISO 8601 text, a date
   * meaning midnight UTC. Default: when the stage runs, so that it runs again each time if it judges time.
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
  /**
   * What the rows look like, also those that are set aside: it merges with that of other batches, and
   * can be held against them, without reading a row again.
   */
  readonly profile: Profile.Stored;
}

/** What a validation takes: the table, and one for each reference. */
export type Inputs<C extends Contract.Contract, R extends References> = {
  readonly data: Table.Table<C, "raw">;
} & { readonly [K in keyof R]: Table.Table<R[K], "checked"> };

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
 * values, patterns, number of rows, freshness, equal rows, equal keys, its expectations, and the checks
 * given here. Every check and its outcome is in the exhibit "Checks"; one that could not run is a
 * finding, never a pass. Throws a `TypeError` if two checks share a name.
 *
 * Fails with {@link ContractBroken}, which lists everything found, if a check of the whole table fails
 * or too many rows do; and with {@link TableUnreadable} if a part of the file is damaged.
 *
 * @example
 * ```ts
 * import { Check, Column, Contract } from "@ml-pipe/core";
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
 *   checks: [
 *     Check.mean("km", { between: [1, 50] }),
 *     { name: "paid-km", expected: "at most the km driven", holds: ($) => $.paidKm.lte($.km) },
 *   ],
 *   quarantine: { atMost: 0.001 },
 *   asOf: "2026-11-24",
 * });
 * ```
 */
export const table = <C extends Contract.Contract, const R extends References = {}>(
  contract: C,
  options: TableOptions<C, R> = {},
): Stage.Stage<Inputs<C, R>, Stage.Ports<Validated<C>>, {}, TableError, Services> => {
  const { uniqueRows = true, quarantine: { atMost } = { atMost: 0.01 } } = options;
  if (!(atMost >= 0 && atMost <= 1)) {
    throw new TypeError(`validate: atMost is a share from 0 to 1, not ${atMost}`);
  }
  const { spec } = contract;
  const checks = [...(spec.expectations ?? []), ...specsOf(contract, options.checks ?? [])];
  requireNames(contract, checks);
  const others = othersOf(options.references ?? {});
  const into = quarantineOf(contract);
  const asOf = options.asOf === undefined ? undefined : instantOf(options.asOf);
  const timed = spec.freshnessMs !== undefined || checks.some(isTimed);
  const about = { contract: contract.name, version: spec.version, owner: spec.owner };

  const input: { readonly [name: string]: Schema.Codec<Table.AnyTable, unknown> } & {
    readonly data: Schema.Codec<Table.Table<C, "raw">, unknown>;
  } = {
    ...Object.fromEntries(others.map(([name, other]) => [name, Table.of(other, "checked")])),
    data: Table.of(contract, "raw"),
  };
  const stage = Stage.make(options.name ?? "validate", {
    description: `checks every row against the contract ${contract.name} ${spec.version}`,
    input,
    outputs: {
      checked: Table.of(contract, "checked"),
      quarantine: Table.of(into, "raw"),
      profile: Profile.Stored,
    },
    params: {
      contract: contract.digest,
      checks,
      references: others.map(([input, { digest }]) => [input, digest]),
      atMost,
      uniqueRows,
      asOf: asOf === undefined ? null : new Date(asOf).toISOString(),
    },
    // Whether data is fresh depends on when it is asked: only an explicit instant can be cached.
    fingerprint:
      !timed || asOf !== undefined
        ? Effect.succeed(null)
        : Effect.map(Clock.currentTimeMillis, (now) => ({ asOf: now })),
    run: Effect.fnUntraced(function* (inputs, { exhibit, finding, progress }) {
      const { data } = inputs;
      const path = yield* Table.pathOf(data);
      const source = data.data._tag === "source" ? path : `the table under ${contract.name}`;
      const now = asOf ?? (timed ? yield* Clock.currentTimeMillis : undefined);
      const tables = new Map<string, OtherTable>();
      for (const [name, other] of others) {
        const table = inputs[name];
        if (table === undefined) continue;
        tables.set(other.name, { contract: other, relation: yield* Table.relation(table) });
      }
      yield* progress({ label: "check all rows", rows: data.rows });
      const { plan, rows, results, searched, profile, passes } = yield* examine(path, {
        contract,
        checks,
        others: tables,
        uniqueRows,
        asOf: now,
      }).pipe(Effect.mapError((error) => unreadable(error, { ...about, source })));
      yield* exhibit(summary(results, { atMost, passes }));
      const shown = Object.entries(profile.columns).map(([name, column]) => {
        const unit = spec.columns[name]?.unit;
        return { name, column, ...(unit === undefined ? {} : { unit }) };
      });
      yield* exhibit(Profile.distributions(shown));
      yield* exhibit(Profile.table(shown, "of the raw rows"));

      const aside = quarantineSql(contract, into, plan.sql, results, searched);
      const someFail = results.some((result) => asideOf(result).length > 0);
      const quarantine = yield* Table.write(into, "raw", {
        query: someFail ? aside : `SELECT * FROM (${aside}) WHERE false`,
      });
      const failing = quarantine.rows;
      const withinPolicy = failing <= atMost * rows && failing < rows;
      const findings = results.flatMap((result) =>
        findingOf(result, { owner: spec.owner, withinPolicy }),
      );
      yield* Effect.forEach(findings, finding);
      const asidePath = failing === 0 ? null : yield* Table.pathOf(quarantine);
      if (!withinPolicy || findings.some(({ severity }) => severity === "fail")) {
        const all = { ...about, source, rows, failing, atMost, findings, quarantine: asidePath };
        return yield* new ContractBroken(all);
      }

      yield* progress({ label: "write the rows that pass", rows: rows - failing });
      const checked = yield* Table.write(contract, "checked", {
        query: checkedSql(contract, into, plan.sql, asidePath),
      });
      if (checked.rows + failing !== rows) {
        return yield* Effect.die(
          new Error(`${checked.rows} checked and ${failing} quarantined rows are not ${rows}`),
        );
      }
      yield* progress({ label: "rows", rows: checked.rows });
      const stored = yield* Profile.store(profile, {
        contract: data.contract,
        table: Table.digestOf(data),
      });
      return { checked, quarantine, profile: stored };
    }, Effect.scoped),
  });
  // The entries above are what the types of the references say, which the compiler cannot follow.
  return stage as Stage.Stage<Inputs<C, R>, Stage.Ports<Validated<C>>, {}, TableError, Services>;
};

/** What a validation needs. */
type Services = Duckdb.Duckdb | Artifact.ArtifactStore;

/** References by input. Throws a `TypeError` if they cannot be told apart. */
const othersOf = (
  references: References,
): ReadonlyArray<readonly [input: string, contract: Contract.Contract]> => {
  const contracts = new Set<string>();
  return Object.entries(references).map(([input, contract]) => {
    if (input === "data") throw new TypeError(`validate: a reference cannot be named "data"`);
    if (contracts.has(contract.name)) {
      throw new TypeError(`validate: two references are under the contract "${contract.name}"`);
    }
    contracts.add(contract.name);
    return [input, contract];
  });
};

/** Throws a `TypeError` if two checks share a name, those of the contract's columns included. */
const requireNames = (
  contract: Contract.Contract,
  checks: ReadonlyArray<Check.CheckSpec>,
): void => {
  const names = ownNames(contract);
  for (const { name } of checks) {
    if (names.has(name)) {
      throw new TypeError(
        `validate: two checks are named "${name}": give one another name, or drop it if the contract already says it`,
      );
    }
    names.add(name);
  }
};

/** Tells a damaged file from a lack of memory or disk. */
const unreadable = (
  error: Duckdb.DuckdbError,
  about: { readonly contract: string; readonly owner: string; readonly source: string },
): Duckdb.DuckdbError | TableUnreadable =>
  /out of memory|no space left|interrupt|temporary/i.test(error.problem)
    ? error
    : new TableUnreadable({ ...about, problem: error.problem });

/** A date is the midnight, UTC, at which it begins; text without a zone is refused. */
const instantOf = (asOf: Date | string): number => {
  const text = asOf instanceof Date ? asOf.toISOString() : asOf;
  const iso = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
  const decoded = Schema.decodeUnknownResult(Column.timestamp().schema)(iso);
  if (decoded._tag === "Failure") {
    throw new TypeError(
      `validate: asOf "${text}" is not a date such as 2001-07-01, or an instant with a zone such as 2001-07-01T06:00:00Z`,
    );
  }
  return decoded.success.getTime();
};
