/**
 * Compare: stages that hold one table, or its profile, against a reference of the same contract, and
 * report which columns drifted. A column that could not be compared is a finding, never a pass.
 */
import { type Artifact, type Contract, type Finding, Stage } from "@ml-pipe/core";
import { DriftReport, type Duckdb, Profile, Table, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { driftFinding, driftText } from "./internal/driftTold.ts";
import { withExactKs } from "./internal/exactKs.ts";

/** How {@link tables} and {@link profiles} judge. */
export interface CompareOptions<C extends Contract.Contract> extends DriftReport.Limit {
  /** Of single columns, by name; `false` leaves one out. */
  readonly columns?: {
    readonly [column in keyof C["columns"] & string]?: DriftReport.Limit | false;
  };
  /** With `fail` a column that drifted stops the run. Default `warn`. */
  readonly severity?: "fail" | "warn" | "info";
  /** Name of the stage. Default `compare`. */
  readonly name?: string;
}

/** How {@link tables} judges. */
export interface TablesOptions<
  C extends Contract.Contract,
  Reference extends CheckedRole,
  Current extends CheckedRole,
> extends CompareOptions<C> {
  readonly reference: Reference;
  readonly current: Current;
  /**
   * Computes the Kolmogorov–Smirnov statistic of numbers exactly, in SQL, which sorts each column once;
   * otherwise it is known between two bounds. Default `false`.
   */
  readonly exactKs?: boolean;
}

/** Roles of tables that passed validation. */
export type CheckedRole = Exclude<Table.Role, "raw">;

/** Columns drifted, and the severity of that is `fail`. */
export class Drifted extends Schema.TaggedError<Drifted>()("Drifted", {
  contract: Schema.String,
  owner: Schema.String,
  columns: Schema.Array(DriftReport.ColumnDrift),
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { contract, owner, columns } = this;
    const lines = columns.map((drift) => `  ${drift.column}: ${driftText(drift)}`);
    return [
      `${Words.counted(columns.length, "column")} under the contract "${contract}" drifted from the reference:`,
      ...lines,
      `Ask ${owner} whether something changed at the source; if the change is here to stay, take newer data as the reference and train again.`,
    ].join("\n");
  }
}

/** What comparing can fail with. */
export type CompareError = Drifted | Table.ReadError | Duckdb.DuckdbError;

/**
 * A stage that compares two tables of one contract, such as the data a model was trained on and those of
 * today. Each is profiled in SQL; then every column is judged by an effect size ({@link DriftReport}).
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Compare } from "@ml-pipe/validate";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0", owner: "fleet", columns: { at: Column.timestamp(), km: Column.float() },
 * });
 * const compare = Compare.tables(Trip, {
 *   reference: "train",
 *   current: "live",
 *   columns: { km: { method: "wasserstein", atMost: 0.2 }, at: false },
 * });
 * ```
 */
export const tables = <
  C extends Contract.Contract,
  const Reference extends CheckedRole,
  const Current extends CheckedRole,
>(
  contract: C,
  options: TablesOptions<C, Reference, Current>,
): Stage.Stage<
  {
    readonly reference: Table.Table<C, Reference>;
    readonly current: Table.Table<C, Current>;
  },
  DriftReport.DriftReport,
  {},
  CompareError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> => {
  const { reference, current, exactKs = false } = options;
  return Stage.make(options.name ?? "compare", {
    description: `compares the ${current} with the ${reference} table under ${contract.name}`,
    input: {
      reference: Table.of(contract, reference),
      current: Table.of(contract, current),
    },
    output: DriftReport.DriftReport,
    params: { ...paramsOf(contract, options), exactKs },
    run: Effect.fnUntraced(function* (input, context) {
      const before = yield* Table.relation(input.reference);
      const now = yield* Table.relation(input.current);
      yield* context.progress({ label: "profile the reference", rows: input.reference.rows });
      const was = yield* Profile.of(before);
      yield* context.progress({ label: "profile the table", rows: input.current.rows });
      const is = yield* Profile.of(now);
      const report = reportOf(contract, options, was, is);
      const exact = exactKs ? yield* withExactKs(report, { before, now }) : report;
      return yield* told(contract, options, context, { report: exact, was, is });
    }),
  });
};

/**
 * As {@link tables}, of stored profiles: no row is read. For holding a batch against the profile of the
 * month before, or a service's log against training data that may no longer be kept.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Compare } from "@ml-pipe/validate";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0", owner: "fleet", columns: { km: Column.float() },
 * });
 * const compare = Compare.profiles(Trip, { method: "psi", atMost: 0.25, severity: "fail" });
 * ```
 */
export const profiles = <C extends Contract.Contract>(
  contract: C,
  options: CompareOptions<C> = {},
): Stage.Stage<
  { readonly reference: Profile.Stored; readonly current: Profile.Stored },
  DriftReport.DriftReport,
  {},
  Drifted | Profile.LoadError,
  Artifact.ArtifactStore
> =>
  Stage.make(options.name ?? "compare", {
    description: `compares two profiles under ${contract.name}`,
    input: { reference: Profile.Stored, current: Profile.Stored },
    output: DriftReport.DriftReport,
    params: paramsOf(contract, options),
    run: Effect.fnUntraced(function* (input, context) {
      const was = yield* Profile.load(input.reference);
      const is = yield* Profile.load(input.current);
      const report = reportOf(contract, options, was, is);
      return yield* told(contract, options, context, { report, was, is });
    }),
  });

/** Columns in the order of the contract: a stored profile has none of its own. */
const reportOf = <C extends Contract.Contract>(
  contract: C,
  options: CompareOptions<C>,
  was: Profile.Profile,
  is: Profile.Profile,
): DriftReport.DriftReport => {
  const report = DriftReport.between(was, is, limitsOf(options));
  const place = new Map(Object.keys(contract.spec.columns).map((name, at) => [name, at]));
  const placeOf = ({ column }: DriftReport.ColumnDrift) => place.get(column) ?? place.size;
  return { ...report, columns: report.columns.toSorted((a, b) => placeOf(a) - placeOf(b)) };
};

const limitsOf = <C extends Contract.Contract>({
  method,
  atMost,
  columns,
}: CompareOptions<C>): DriftReport.DriftOptions => ({
  ...(method === undefined ? {} : { method }),
  ...(atMost === undefined ? {} : { atMost }),
  columns: Object.fromEntries(
    Object.entries<DriftReport.Limit | false | undefined>(columns ?? {}).flatMap(([name, limit]) =>
      limit === undefined ? [] : [[name, limit]],
    ),
  ),
});

/** Throws a `TypeError` for a limit or a column that cannot be. */
const paramsOf = <C extends Contract.Contract>(contract: C, options: CompareOptions<C>) => {
  const { columns = {}, ...limits } = limitsOf(options);
  for (const name of Object.keys(columns)) {
    if (!Object.hasOwn(contract.spec.columns, name)) {
      throw new TypeError(`compare: the contract ${contract.name} has no column "${name}"`);
    }
  }
  for (const limit of [limits, ...Object.values(columns)]) {
    const atMost = limit === false ? undefined : limit.atMost;
    if (atMost !== undefined && !(atMost > 0 && Number.isFinite(atMost))) {
      throw new TypeError(`compare: atMost is a positive distance, not ${atMost}`);
    }
  }
  const plain = JSON.parse(JSON.stringify({ ...limits, columns })) as Schema.Json;
  return { contract: contract.digest, limits: plain, severity: options.severity ?? "warn" };
};

/** Tells what was found; fails with {@link Drifted} if that is to stop the run. */
const told = Effect.fnUntraced(function* (
  contract: Contract.Contract,
  { severity = "warn" }: { readonly severity?: Finding.Severity },
  { exhibit, finding }: Pick<Stage.StageContext<{}>, "exhibit" | "finding">,
  found: {
    readonly report: DriftReport.DriftReport;
    readonly was: Profile.Profile;
    readonly is: Profile.Profile;
  },
): Effect.fn.Return<DriftReport.DriftReport, Drifted> {
  const { owner } = contract.spec;
  const { report, was, is } = found;
  yield* Effect.forEach(DriftReport.exhibits(report, was, is), exhibit);
  for (const drift of report.columns) {
    if (drift.outcome === "passed") continue;
    yield* finding(driftFinding(drift, { check: `${drift.column}.drift`, severity, owner }));
  }
  const drifted = report.columns.filter(({ outcome }) => outcome === "failed");
  if (severity === "fail" && drifted.length > 0) {
    return yield* new Drifted({ contract: contract.name, owner, columns: drifted });
  }
  return report;
});
