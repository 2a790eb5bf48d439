/** Tables and queries of an SQLite database file. */
import { Artifact, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import type { SQLOutputValue } from "node:sqlite";
import { attempt } from "../internal/attempt.ts";
import { fieldsPart, type Part, textColumns } from "../internal/delivery.ts";
import { SpoolWriter } from "../internal/SpoolWriter.ts";
import type { Notation } from "../internal/values.ts";
import * as Location from "../Location.ts";
import type { Source } from "../Source.ts";
import {
  DatabaseFailed,
  type PackageMissing,
  type SourceMissing,
  type SourceUnreadable,
} from "../SourceError.ts";

/** What is read of an SQLite database: a table, or what a query gives. */
export type SqliteOptions = Pick<Notation, "timestamps" | "booleans"> &
  (
    | { readonly table: string; readonly query?: never }
    | { readonly query: string; readonly table?: never }
  );

/** What can be wrong with an SQLite database. */
export type SqliteError = PackageMissing | SourceMissing | SourceUnreadable | DatabaseFailed;

/**
 * A table or a query of an SQLite database, opened for reading only and read as of one instant. SQLite's
 * columns have no strict types: each value is held to the contract, so that text in a column of numbers
 * sets its row aside. Integers keep 64 bits; truth values may be 0 and 1; a blob is text in hexadecimal
 * digits.
 *
 * @example
 * ```ts
 * import { Source } from "@ml-pipe/ingest";
 *
 * const trips = Source.sqlite("data/fleet.sqlite", { table: "trips", timestamps: { at: "epoch" } });
 * ```
 */
export const sqlite = (file: Location.LocalFile, options: SqliteOptions): Source<SqliteError> => {
  const what = options.table ?? "query";
  const label = `${Location.label(file)}#${what}`;
  const versions = Effect.gen(function* () {
    const path = yield* Location.resolve(file);
    const { digest } = yield* attempt(path, () => Artifact.digestFile(path));
    // What is committed but not yet in the main file.
    const log = yield* Effect.promise(() => Artifact.digestFile(`${path}-wal`).catch(() => null));
    const version = log === null || log.bytes === 0 ? digest : Digest.ofJson([digest, log.digest]);
    return [{ name: label, version }];
  });
  return {
    label,
    params: { sqlite: Location.label(file), ...options },
    increments: "rows",
    versions,
    open: Effect.fnUntraced(function* () {
      const path = yield* Location.resolve(file);
      yield* versions;
      const store = yield* Artifact.ArtifactStore;
      const folder = yield* store.temporaryFolder;
      const query = options.query ?? `SELECT * FROM "${options.table.replaceAll('"', '""')}"`;
      const read = yield* Effect.tryPromise({
        try: (signal) => spool(path, query, `${folder}/rows`, signal),
        catch: (cause) =>
          new DatabaseFailed({
            source: label,
            operation: "read",
            problem: cause instanceof Error ? cause.message : String(cause),
            next: "Check the table or the query, and that the file is a whole SQLite database.",
          }),
      });
      const part: Part = {
        name: label,
        columns: textColumns(read.names),
        sparse: false,
        records: read.records,
        ...fieldsPart(`${folder}/rows`, read.names, options, { texts: [""], quoted: false }, ","),
      };
      return { parts: [part], versions: yield* versions };
    }),
  };
};

const spool = async (path: string, query: string, to: string, signal: AbortSignal) => {
  const { DatabaseSync } = await import("node:sqlite");
  const rows = await SpoolWriter.open(to);
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  try {
    const statement = database.prepare(query);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const names = statement.columns().map(({ name }) => name);
    let records = 0;
    for (const row of statement.iterate()) {
      records++;
      rows.number(records);
      for (const value of Object.values(row)) {
        rows.separate();
        write(rows, value);
      }
      rows.end();
      if (records % 1000 === 0) {
        await rows.drain();
        signal.throwIfAborted();
      }
    }
    return { names, records };
  } finally {
    database.close();
    await rows.close();
  }
};

const write = (rows: SpoolWriter, value: SQLOutputValue): void => {
  if (value === null) return;
  if (value instanceof Uint8Array) rows.text(Buffer.from(value).toString("hex"));
  else rows.text(String(value));
};
