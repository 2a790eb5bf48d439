/** The stage that reads any source once and writes it as a table in the types of a contract. */
import { randomUUID } from "node:crypto";
import { type Artifact, type Contract, Stage } from "@ml-pipe/core";
import { type Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { take } from "./internal/take.ts";
import { type Ingested, Rejected } from "./Rejected.ts";
import type { Source, Version } from "./Source.ts";
import {
  type EmptyTable,
  type RecordsRejected,
  type SchemaDrift,
  type SchemaMismatch,
  type SourceBroken,
  SourceMoved,
} from "./SourceError.ts";

/** What {@link table} can be told beside the contract and the source. */
export interface TableOptions {
  /**
   * The stage fails if a larger share of the records cannot be read as rows of the contract. Those that
   * cannot are set aside either way. Default `{ atMost: 0 }`.
   */
  readonly quarantine?: { readonly atMost: number };
  /**
   * What happens if files of one source have different columns. `fail` (the default) names every
   * difference; `fit` takes what fits the contract: types that convert without loss, no new columns,
   * null for a nullable column that is missing.
   */
  readonly drift?: "fail" | "fit";
  /** Name of the stage. Default `ingest`. */
  readonly name?: string;
}

/** What {@link table} can fail with beside what its source can. */
export type TableError =
  | SchemaMismatch
  | SchemaDrift
  | RecordsRejected
  | EmptyTable
  | SourceBroken
  | SourceMoved
  | Table.WriteError
  | Table.ReadError;

/**
 * A stage that reads a source and writes its rows once, in the types of the contract. Nothing is cast
 * silently: a record with a value that is not exactly one of the column's type, or that is no record at
 * all, is set aside in `quarantine` with its file, its line and every reason. Whether values are
 * plausible is for `Validate.table`.
 *
 * Runs again when the source has changed. Fails with {@link RecordsRejected} if more records are set
 * aside than the policy allows, with {@link SchemaMismatch} or {@link SchemaDrift}, which name every
 * column, and with what the source can fail with.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Ingest, Source } from "@ml-pipe/ingest";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0", owner: "fleet", columns: { at: Column.timestamp(), km: Column.float() },
 * });
 * const ingest = Ingest.table(Trip, Source.csv("data/trips.csv"), { quarantine: { atMost: 0.001 } });
 * ```
 */
export const table = <C extends Contract.Contract, E>(
  contract: C,
  source: Source<E>,
  options: TableOptions = {},
): Stage.Stage<
  {},
  Stage.Ports<Ingested<C>>,
  {},
  E | TableError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> => {
  const { atMost, drift } = policyOf(options);
  /** What the cache key of the execution to come says that it reads. */
  let planned: ReadonlyArray<Version> | undefined;
  return Stage.make(options.name ?? "ingest", {
    description: `reads ${source.label}`,
    input: {},
    outputs: { table: Table.of(contract, "raw"), quarantine: Table.of(Rejected, "raw") },
    params: { contract: contract.digest, source: source.params, atMost, drift },
    fingerprint: Effect.gen(function* () {
      planned = yield* source.versions;
      return versionsJson(planned);
    }),
    run: Effect.fnUntraced(function* (_, context) {
      const delivery = yield* source.open({ contract });
      if (planned !== undefined && !sameVersions(planned, delivery.versions)) {
        return yield* new SourceMoved({ source: source.label });
      }
      const { parts } = delivery;
      const taking = { contract, source: source.label, parts, atMost, drift };
      const { table, quarantine } = yield* take(taking, context);
      return { table, quarantine };
    }, Effect.scoped),
  });
};

/** The policies of an ingest; throws a `TypeError` for one that cannot be. */
export const policyOf = ({
  quarantine: { atMost } = { atMost: 0 },
  drift = "fail",
}: TableOptions) => {
  if (!(atMost >= 0 && atMost <= 1)) {
    throw new TypeError(`ingest: atMost is a share from 0 to 1, not ${atMost}`);
  }
  return { atMost, drift };
};

/** Versions for a cache key. Where only reading can tell them, no execution is like another. */
export const versionsJson = (versions: ReadonlyArray<Version> | undefined): Schema.Json =>
  versions === undefined
    ? { knownWhenRead: randomUUID() }
    : versions.map(({ name, version }) => [name, version]);

const sameVersions = (
  planned: ReadonlyArray<Version>,
  read: ReadonlyArray<Version> | undefined,
): boolean => JSON.stringify(versionsJson(planned)) === JSON.stringify(versionsJson(read));
