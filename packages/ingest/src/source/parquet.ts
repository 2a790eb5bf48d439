/** Parquet: one file or many of one shape. */
import { Artifact } from "@ml-pipe/core";
import { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { attempt } from "../internal/attempt.ts";
import { typedPart } from "../internal/delivery.ts";
import { inspect } from "../internal/inspect.ts";
import type { Notation } from "../internal/values.ts";
import type { Where } from "../Location.ts";
import type { Source } from "../Source.ts";
import { filesSource, type FileOptions, type FormatError } from "./files.ts";

/** How Parquet files are read; `timestamps` says how times in the names of folders are written. */
export interface ParquetOptions extends FileOptions, Pick<Notation, "timestamps"> {}

/**
 * Parquet files. For one file that fits its contract as it is, `Ingest.parquet` reads it in place;
 * this is for many, for partitions, and for locations elsewhere. Types are converted only without loss.
 *
 * @example
 * ```ts
 * import { Location, Source } from "@ml-pipe/ingest";
 *
 * const trips = Source.parquet(Location.glob("lake/trips/**\/*.parquet"), { partitions: true });
 * ```
 */
export const parquet = <LE = never>(
  where: Where<LE>,
  options: ParquetOptions = {},
): Source<LE | FormatError> =>
  filesSource<LE, FormatError>(where, {
    name: "Parquet",
    params: { ...options },
    options,
    read: Effect.fnUntraced(function* ({ name, path }) {
      const { rows, columns } = yield* inspect(path);
      const file = yield* attempt(path, () => Artifact.digestFile(path));
      const relation = Table.parquet(path, { rowNumbers: true });
      return {
        name,
        file,
        columns,
        sparse: false,
        format: "Parquet file",
        records: rows,
        ...typedPart(relation, columns, "file_row_number"),
      };
    }),
  });
