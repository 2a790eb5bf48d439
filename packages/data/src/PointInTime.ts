/**
 * Point-in-time joins: to each row, the newest row of another table that could be read at that moment.
 *
 * Two times decide: when something happened (event time) and from when on it could be read (known-at
 * time). A join by the first alone hands on values that were loaded, corrected or back-filled later.
 */
import { randomUUID } from "node:crypto";
import { type Artifact, type Column, Contract, Stage } from "@ml-pipe/core";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError, identifier } from "./Duckdb.ts";
import * as Expr from "./Expr.ts";
import { joinSql } from "./internal/pointInTimeSql.ts";
import { problemsOf } from "./internal/kinds.ts";
import * as Table from "./Table.ts";
import { counted, percent } from "./Words.ts";

/** A contract whose rows have an event time. */
export type Timed = Contract.Contract<string, Contract.Columns, string>;

/** The columns that rows of both tables must share: same name, same type but for null. */
type SharedKeys<L extends Timed, R extends Timed> = {
  readonly [K in keyof L["columns"] & keyof R["columns"] & string]: NonNullable<
    Contract.Row<L>[K]
  > extends NonNullable<Contract.Row<R>[K]>
    ? K
    : never;
}[keyof L["columns"] & keyof R["columns"] & string];

/** Which columns are taken, under which names. */
type Taken<R extends Timed> = { readonly [name: string]: keyof R["columns"] & string };

type TakenColumns<R extends Timed, T extends Taken<R>> = {
  readonly [K in keyof T]: R["columns"][T[K]] extends Column.Column<infer V>
    ? Column.Column<V | null, "decision">
    : never;
};

/** The contract of a join: the rows' own columns, and those that were taken, which may be missing. */
export type JoinContract<
  Name extends string,
  L extends Timed,
  R extends Timed,
  T extends Taken<R>,
> = Contract.Contract<Name, L["columns"] & TakenColumns<R, T>, L["eventTime"], L["group"]>;

/** How {@link join} looks back. */
export interface JoinOptions<Name extends string, L extends Timed, R extends Timed, T> {
  /** Name of the contract of what comes out, and of the stage: `join-NAME`. */
  readonly name: Name;
  readonly version: string;
  /** The columns whose values must be equal; a missing value equals nothing. */
  readonly by: ReadonlyArray<SharedKeys<L, R>>;
  /** The columns to take, by the name that they get. */
  readonly take: T;
  /**
   * When a row of the other table could be read. Default: the contract's `knownAt`, else its event
   * time. Never before the event, whatever this says.
   */
  readonly knownAt?: ($: Expr.Columns<R>) => Expr.TimeExpr;
  /** How old what is found may be. Default: any age. */
  readonly tolerance?: Duration.Input;
  /** Leaves out what happened this shortly before. Default: nothing. */
  readonly embargo?: Duration.Input;
}

/**
 * A stage that joins to each row of `left`, at its event time `t`, the newest row of `right` with equal
 * keys that could be read then: its event lies in `[t − tolerance, t − embargo)`, and it was known at or
 * before `t`. Without an embargo, what happens in the same instant is not taken.
 *
 * Newest is the latest event; of corrections of one event, the one known latest; of those, the row that
 * comes last in the table. Rows of `left` all come out, in their order, with null where nothing was found.
 *
 * An outcome column can be taken only if it is said when it becomes known. Throws a `TypeError` for a
 * join that cannot be, and `Contract.ContractInvalid` for names that clash.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { PointInTime } from "@ml-pipe/data";
 *
 * const Order = Contract.make("order", {
 *   version: "1", owner: "shop", eventTime: "at",
 *   columns: { at: Column.timestamp(), product: Column.string() },
 * });
 * const Price = Contract.make("price", {
 *   version: "1", owner: "pricing", eventTime: "validFrom", knownAt: "loadedAt",
 *   columns: {
 *     validFrom: Column.timestamp(), loadedAt: Column.timestamp(),
 *     product: Column.string(), euros: Column.float({ unit: "EUR" }),
 *   },
 * });
 * const { contract, stage } = PointInTime.join(Order, Price, {
 *   name: "priced-order", version: "1", by: ["product"], take: { price: "euros" }, tolerance: "30 days",
 * });
 * ```
 */
export const join = <
  const Name extends string,
  L extends Timed,
  R extends Timed,
  const T extends Taken<R>,
>(
  left: L,
  right: R,
  options: JoinOptions<Name, L, R, T>,
): {
  readonly contract: JoinContract<Name, L, R, T>;
  readonly stage: Stage.Stage<
    { readonly data: Table.Table<L, "checked">; readonly from: Table.Table<R, "checked"> },
    Table.Table<JoinContract<Name, L, R, T>, "checked">,
    {},
    DuckdbError | Table.ReadError | Table.WriteError,
    Duckdb | Artifact.ArtifactStore
  >;
} => {
  const { name, version, by } = options;
  const take = Object.entries<string>(options.take);
  const knownAt = knownAtOf(right, options.knownAt);
  const toleranceMs =
    options.tolerance === undefined ? null : millis("tolerance", options.tolerance);
  const embargoMs = millis("embargo", options.embargo ?? 0);
  requireSound(left, right, { by, take, knownAt, toleranceMs, embargoMs });

  const contract = Contract.fromSpec({
    ...left.spec,
    name,
    version,
    consumers: [],
    columns: {
      ...left.spec.columns,
      ...Object.fromEntries(
        take.map(([as, column]) => [
          as,
          {
            ...right.spec.columns[column],
            availableAt: "decision",
            nullable: true,
          } as Column.ColumnSpec,
        ]),
      ),
    },
    // What was promised of the rows as they came in is not promised of these.
    expectations: [],
  }) as JoinContract<Name, L, R, T>;

  const stage = Stage.make(`join-${name}`, {
    description: `joins ${right.name} as it was known at each ${left.eventTime}`,
    input: { data: Table.of(left, "checked"), from: Table.of(right, "checked") },
    output: Table.of(contract, "checked"),
    params: {
      contract: contract.digest,
      by,
      take: options.take,
      knownAt: JSON.stringify(knownAt ?? null),
      toleranceMs,
      embargoMs,
    },
    run: Effect.fnUntraced(function* ({ data, from }, { exhibit, finding, progress }) {
      const sql = joinSql({
        left: Table.parquet(yield* Table.pathOf(data), { rowNumbers: true }),
        right: Table.parquet(yield* Table.pathOf(from), { rowNumbers: true }),
        columns: Object.keys(left.columns),
        at: left.eventTime,
        event: right.eventTime,
        knownAt,
        by,
        take,
        toleranceMs,
        embargoMs,
      });
      const db = yield* Duckdb;
      const found = identifier(`joined ${randomUUID()}`);
      yield* Effect.addFinalizer(() =>
        Effect.ignore(db.execute("forget the join", `DROP TABLE IF EXISTS ${found}`)),
      );
      yield* db.execute(`join ${right.name}`, `CREATE TABLE ${found} AS ${sql.found}`);
      const table = yield* Table.write(contract, "checked", { query: sql.rows(found) });
      yield* progress({ label: "rows", rows: table.rows });
      const [counts] = yield* db.rows("count what was joined", sql.counts(found));
      const matched = Number(counts?.["matched"] ?? 0);
      const unusable = Number(counts?.["unusable"] ?? 0);
      yield* exhibit({
        _tag: "table",
        title: `Joined ${right.name}`,
        caption: `${counted(matched, "row")} of ${counted(table.rows, "row")} found one (${percent(table.rows === 0 ? 0 : matched / table.rows)})`,
        columns: ["age of what was found", "minutes"],
        rows: [
          ["median", numberOf(counts?.["median"])],
          ["95 % are younger than", numberOf(counts?.["p95"])],
          ["oldest", numberOf(counts?.["oldest"])],
        ],
      });
      if (matched === 0 && table.rows > 0) {
        yield* finding({
          check: `${name}.matched`,
          severity: "warn",
          owner: right.spec.owner,
          expected: `rows of ${right.name} with the same ${by.join(", ")} that were known in time`,
          found: "none for any row",
          rows: table.rows,
          next: `Compare the values of ${by.join(", ")} in both tables, and when ${right.name} becomes known.`,
        });
      }
      if (unusable > 0) {
        yield* finding({
          check: `${name}.usable`,
          severity: "warn",
          owner: right.spec.owner,
          expected: `an event time, a known-at time and ${by.join(", ")} in every row of ${right.name}`,
          found: `${counted(unusable, "row")} without, which no row can find`,
          rows: unusable,
          next: `Ask ${right.spec.owner} why they are missing.`,
        });
      }
      return table;
    }, Effect.scoped),
  });
  return { contract, stage };
};

const numberOf = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

const millis = (what: string, input: Duration.Input): number => {
  const ms = Duration.toMillis(Duration.fromInputUnsafe(input));
  if (Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new TypeError(
    `point-in-time join: the ${what} is a whole number of milliseconds, not ${ms}`,
  );
};

const knownAtOf = <R extends Timed>(
  right: R,
  knownAt: (($: Expr.Columns<R>) => Expr.TimeExpr) | undefined,
): Expr.Ast | undefined => {
  if (knownAt !== undefined) return knownAt(Expr.columns(right)).ast;
  const column = right.spec.knownAt;
  return column === undefined ? undefined : { _tag: "column", name: column, type: "timestamp" };
};

const requireSound = (
  left: Timed,
  right: Timed,
  join: {
    readonly by: ReadonlyArray<string>;
    readonly take: ReadonlyArray<readonly [as: string, column: string]>;
    readonly knownAt: Expr.Ast | undefined;
    readonly toleranceMs: number | null;
    readonly embargoMs: number;
  },
): void => {
  const own = new Set(Object.keys(left.columns).map((column) => column.toLowerCase()));
  const problems = [
    ...(join.by.length === 0 ? ["name at least one column that both tables share"] : []),
    ...(join.take.length === 0 ? ["name at least one column to take"] : []),
    ...join.by
      .filter((column) => left.spec.columns[column]?.type !== right.spec.columns[column]?.type)
      .map((column) => `"${column}" is not of one type in both tables`),
    ...join.take
      .filter(([as]) => own.has(as.toLowerCase()))
      .map(
        ([as]) =>
          `"${as}" is a column already (upper and lower case are one): take it under another name`,
      ),
    ...join.take.flatMap(([, column]) => {
      const spec = right.spec.columns[column];
      if (spec === undefined) return [`${right.name} has no column "${column}"`];
      return spec.availableAt === "outcome" && join.knownAt === undefined
        ? [`"${column}" is an outcome: say when it becomes known, with knownAt`]
        : [];
    }),
    ...(join.knownAt === undefined ? [] : problemsOf(join.knownAt, ["time"])),
    ...(join.toleranceMs !== null && join.toleranceMs <= join.embargoMs
      ? ["the tolerance must be longer than the embargo"]
      : []),
  ];
  if (problems.length > 0) {
    throw new TypeError(
      `point-in-time join of ${left.name} and ${right.name}: ${problems.join("; ")}`,
    );
  }
};
