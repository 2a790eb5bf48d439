/** How many rows a source has, without reading them. */
import type { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { ParquetError } from "./Ingest.ts";
import { inspect } from "./internal/inspect.ts";
import * as Location from "./Location.ts";

/**
 * The rows of a Parquet file, from its footer: for a trigger that waits for more of them.
 *
 * @example
 * ```ts
 * import { Trigger } from "@ml-pipe/core";
 * import { Ingest } from "@ml-pipe/ingest";
 *
 * const enough = Trigger.count("new trips", {
 *   of: Ingest.rowCount({ path: "data/trips.parquet" }),
 *   atLeast: 10_000,
 * });
 * ```
 */
export const rowCount = (source: {
  readonly path: Location.LocalFile;
}): Effect.Effect<
  number,
  Exclude<ParquetError, { readonly _tag: "SchemaMismatch" | "EmptyTable" }>,
  Duckdb.Duckdb
> =>
  Effect.flatMap(Location.resolve(source.path), (path) =>
    Effect.map(inspect(path), ({ rows }) => rows),
  );
