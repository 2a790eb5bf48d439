/** The stage that reads only what is new of a source, and hands on all of it. */
import { type Artifact, type Contract, Stage, type Store } from "@ml-pipe/core";
import { type Duckdb, Table } from "@ml-pipe/data";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { addFiles, Increment } from "./internal/addFiles.ts";
import { addWindow } from "./internal/addWindow.ts";
import { previousOf } from "./internal/previous.ts";
import { type Ingested, Rejected } from "./Rejected.ts";
import type { Source } from "./Source.ts";
import { policyOf, type TableError, type TableOptions, versionsJson } from "./table.ts";

/** Up to where a source was read, by the values of one of its columns. */
export interface Watermark<Column extends string> {
  /** A timestamp or a whole number that grows: when a row was changed, or its number. */
  readonly column: Column;
  /**
   * How far before the newest row the source is read again, for rows that come late: a duration, or a
   * number for a column of whole numbers.
   */
  readonly overlap: Duration.Input;
}

/** What {@link incremental} can be told. */
export interface IncrementalOptions<C extends Contract.Contract> extends TableOptions {
  /** Reads rows after a watermark. Default: reads files that are new or have changed. */
  readonly watermark?: Watermark<keyof C["columns"] & string>;
  /**
   * What becomes of the rows of a file that is not there any more: `drop` (the default), so that the
   * table is what the files are now; or `keep`, for a folder from which files are moved away.
   */
  readonly vanished?: "drop" | "keep";
  /** With another value than before, everything is read again. */
  readonly restart?: string | number;
}

/** What an incremental ingest hands on. */
export interface Grown<C extends Contract.Contract> extends Ingested<C> {
  /** What the table consists of: where the next run goes on. */
  readonly increments: ReadonlyArray<Increment>;
}

/**
 * A stage like {@link table} that reads only what is new, and hands on the whole table. What it goes on
 * from is the output of its last execution in this pipeline, as it is recorded: there is no other state,
 * so a run that was killed leaves nothing behind, and running twice gives the same table.
 *
 * - **Files**: those that are new or have changed are read. The result is, byte for byte, that of
 *   {@link table} on all of them.
 * - **Watermark**: rows from the newest one, less the overlap, are read again and replace those of that
 *   window; so late rows, corrections and deletions within it are taken. If the contract has a key, a
 *   row that is read replaces an older one of the same key. A value beyond now does not move the
 *   watermark past now.
 *
 * It begins anew, with a finding, if the contract, the source or these options changed, or if the last
 * table is not in the store any more.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Ingest, Location, Source } from "@ml-pipe/ingest";
 *
 * const Order = Contract.make("order", {
 *   version: "1.0.0", owner: "shop", key: ["id"],
 *   columns: { id: Column.int(), changedAt: Column.timestamp(), total: Column.float() },
 * });
 * const days = Ingest.incremental(Order, Source.csv(Location.glob("orders/*.csv")));
 * const changes = Ingest.incremental(
 *   Order,
 *   Source.postgres({ host: "db", database: "shop", user: "reader" }, { table: "orders" }),
 *   { watermark: { column: "changedAt", overlap: "2 hours" } },
 * );
 * ```
 */
export const incremental = <C extends Contract.Contract, E>(
  contract: C,
  source: Source<E>,
  options: IncrementalOptions<C> = {},
): Stage.Stage<
  {},
  Stage.Ports<Grown<C>>,
  {},
  E | TableError | Store.StoreError,
  Duckdb.Duckdb | Artifact.ArtifactStore | Store.Store
> => {
  const { atMost, drift } = policyOf(options);
  const { watermark, vanished = "drop", restart = null } = options;
  const by = watermark === undefined ? undefined : windowOf(contract, watermark);
  if (by === undefined && source.increments !== "files") {
    throw new TypeError(`ingest: ${source.label} is not made of files; name a watermark`);
  }
  const window = by === undefined ? null : { column: by.column, overlap: by.overlap };
  const params = {
    contract: contract.digest,
    source: source.params,
    atMost,
    drift,
    window,
    vanished,
    restart,
  };
  const outputs = {
    table: Table.of(contract, "raw"),
    quarantine: Table.of(Rejected, "raw"),
    increments: Schema.Array(Increment),
  };
  return Stage.make(options.name ?? "ingest", {
    description: `reads what is new of ${source.label}`,
    input: {},
    outputs,
    params,
    // What the result is depends on what there was before, unless it is what the files are now.
    fingerprint: Effect.map(
      by === undefined && vanished === "drop" ? source.versions : Effect.succeed(undefined),
      versionsJson,
    ),
    run: Effect.fnUntraced(function* (_, context) {
      const owner = contract.spec.owner;
      const previous = yield* previousOf(Schema.Struct(outputs), params, {
        owner,
        finding: context.finding,
      });
      const growing = { contract, source, atMost, drift, previous, context };
      return yield* by === undefined
        ? addFiles({ ...growing, keep: vanished === "keep" })
        : addWindow({ ...growing, by });
    }, Effect.scoped),
  });
};

/** The watermark's column and overlap, in milliseconds or as a number; throws for one that cannot be. */
const windowOf = <Column extends string>(
  contract: Contract.Contract,
  { column, overlap }: Watermark<Column>,
) => {
  const type = contract.spec.columns[column]?.type;
  if (type !== "timestamp" && type !== "int") {
    throw new TypeError(
      `ingest: the watermark "${column}" must be a timestamp or a whole number of the contract ${contract.name}`,
    );
  }
  const size =
    type === "int" && typeof overlap === "number"
      ? overlap
      : Duration.toMillis(Duration.fromInputUnsafe(overlap));
  if (!(size >= 0 && Number.isFinite(size))) {
    throw new TypeError(`ingest: the overlap must be finite and not negative`);
  }
  return { column, type, overlap: size } as const;
};
