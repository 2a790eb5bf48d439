/**
 * Sources: where data comes from and how it is written there, as values. `Ingest.table` brings any of
 * them under a contract.
 */
import type { Artifact, Contract, Digest } from "@ml-pipe/core";
import type { Duckdb } from "@ml-pipe/data";
import type * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import type { Part } from "./internal/delivery.ts";

export { csv, type CsvOptions } from "./source/csv.ts";
export { json, type JsonOptions } from "./source/json.ts";
export { arrow, type ArrowOptions } from "./source/arrow.ts";
export { parquet, type ParquetOptions } from "./source/parquet.ts";
export {
  postgres,
  type PostgresError,
  type PostgresOptions,
  type PostgresServer,
} from "./source/postgres.ts";
export { type Iterate, rows, type RowsOptions } from "./source/rows.ts";
export { sqlite, type SqliteError, type SqliteOptions } from "./source/sqlite.ts";
export type { FileOptions, FormatError } from "./source/files.ts";
export { type Guess, looksLike } from "./internal/looksLike.ts";
export type { Notation } from "./internal/values.ts";

/** What one part of a source is known by: a file by its content, a table by its version. */
export interface Version {
  readonly name: string;
  readonly version: Digest.Digest | string;
}

/** What a source is asked for. */
export interface Request {
  readonly contract: Contract.Contract;
  /** Only these of the files. Default: all. */
  readonly only?: ReadonlySet<string>;
  /** Only rows whose column has this value or a later one. */
  readonly from?: { readonly column: string; readonly value: string };
}

/** What a source answers. */
export interface Delivery {
  readonly parts: ReadonlyArray<Part>;
  /** What was read, in the terms of {@link Source.versions}. */
  readonly versions: ReadonlyArray<Version> | undefined;
}

/**
 * A source of rows.
 *
 * @typeParam E - what reading it can fail with
 */
export interface Source<out E> {
  /** How it is shown, the same on every machine where that is possible. */
  readonly label: string;
  /** Everything that was declared about it, without secrets: part of the cache key. */
  readonly params: Schema.Json;
  /** Whether it is made of files, of which only the new ones can be read, or of rows alone. */
  readonly increments: "files" | "rows";
  /** What reading it would give now; `undefined` if only reading can tell. */
  readonly versions: Effect.Effect<ReadonlyArray<Version> | undefined, E>;
  readonly open: (
    request: Request,
  ) => Effect.Effect<
    Delivery,
    E | Duckdb.DuckdbError | Artifact.ArtifactStoreError,
    Duckdb.Duckdb | Artifact.ArtifactStore | Scope.Scope
  >;
}
