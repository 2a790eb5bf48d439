/**
 * Ingest: the stage that brings a source under a contract. The file is read in place and never
 * copied; its digest makes sure that later stages read the same bytes.
 */
import { Artifact, type Contract, Stage } from "@ml-pipe/core";
import { type Duckdb, Table, TableSchema, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { attempt } from "./internal/attempt.ts";
import { columnsExhibit } from "./internal/exhibits.ts";
import { inspect } from "./internal/inspect.ts";
import * as Location from "./Location.ts";
import {
  EmptyTable,
  type WrongFormat,
  type PackageMissing,
  type SourceBroken,
  SchemaMismatch,
  type SourceMissing,
  type SourceUnreadable,
} from "./SourceError.ts";

export { type LocalFile, type PackageFile, packageFile } from "./Location.ts";
export { type Ingested, Rejected } from "./Rejected.ts";
export { type Grown, incremental, type IncrementalOptions, type Watermark } from "./incremental.ts";
export { rowCount } from "./rowCount.ts";
export * from "./SourceError.ts";
export { table, type TableError, type TableOptions } from "./table.ts";

/** What {@link parquet} can fail with. */
export type ParquetError =
  | PackageMissing
  | SourceMissing
  | SourceUnreadable
  | WrongFormat
  | SourceBroken
  | SchemaMismatch
  | EmptyTable;

/** What {@link parquet} can be told. */
export interface ParquetOptions {
  /** A path relative to the working directory, a `file:` URL, or {@link packageFile}. */
  readonly path: Location.LocalFile;
  /** Name of the stage. Default `ingest`. */
  readonly name?: string;
}

/**
 * A stage that takes one Parquet file as the raw table of a contract. It reads the file's footer only:
 * values are checked by `Validate.table`, whose scan also finds damaged pages. The stage runs again
 * whenever the bytes of the file change.
 *
 * Fails with {@link SchemaMismatch}, which lists every column that is missing, renamed or of another
 * type; with {@link EmptyTable}; or with what is wrong with the file ({@link SourceMissing},
 * {@link SourceUnreadable}, {@link WrongFormat}, {@link SourceBroken}, {@link PackageMissing}). A
 * column that the contract does not have is a finding, and is left out.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Ingest } from "@ml-pipe/ingest";
 *
 * const Trip = Contract.make("trip", {
 *   version: "1.0.0", owner: "fleet", columns: { at: Column.timestamp(), km: Column.float() },
 * });
 * const ingest = Ingest.parquet(Trip, { path: "data/trips.parquet" });
 * ```
 */
export const parquet = <C extends Contract.Contract>(
  contract: C,
  options: ParquetOptions,
): Stage.Stage<{}, Table.Table<C, "raw">, {}, ParquetError, Duckdb.Duckdb> => {
  const { name: contractName, spec, digest } = contract;
  const { version, owner } = spec;
  const source = Location.label(options.path);
  return Stage.make(options.name ?? "ingest", {
    description: `reads ${source} in place`,
    input: {},
    output: Table.of(contract, "raw"),
    params: { contract: digest, source },
    fingerprint: Effect.gen(function* () {
      const path = yield* Location.resolve(options.path);
      yield* inspect(path);
      const content = yield* attempt(path, () => Artifact.digestFile(path));
      return { path, digest: content.digest };
    }),
    run: Effect.fnUntraced(function* (_, { exhibit, finding, progress }) {
      const path = yield* Location.resolve(options.path);
      const { rows, columns } = yield* inspect(path);
      const { problems, extra } = TableSchema.compare(contract, columns);
      const about = { path: source, contract: contractName, version, owner };
      if (problems.length > 0) return yield* new SchemaMismatch({ ...about, problems });
      if (rows === 0) return yield* new EmptyTable(about);
      for (const { name, type } of extra) {
        yield* finding({
          check: `${name}.extra`,
          severity: "warn",
          column: name,
          owner,
          expected: `no column beside those of the contract "${contractName}" ${version}`,
          found: `"${name}" (${type}), which is left out`,
          next: `Add it to the contract together with ${owner}, or ask them to drop it.`,
        });
      }
      const file = yield* attempt(path, () => Artifact.digestFile(path));
      const caption = `${source}: ${Words.counted(rows, "row")}, ${Words.counted(file.bytes, "byte")}, ${file.digest.slice(0, 19)}`;
      yield* exhibit(columnsExhibit(contract, caption, columns));
      yield* progress({ label: "rows", rows });
      return Table.make(contract, "raw", {
        rows,
        data: { _tag: "source", file: { path, ...file } },
        split: null,
      });
    }),
  });
};
