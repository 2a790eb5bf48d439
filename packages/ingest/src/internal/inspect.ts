/** Looks at a source file without reading its rows. */
import type { Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { Duckdb, Table, TableSchema } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { SourceBroken, type SourceMissing, SourceUnreadable, WrongFormat } from "../SourceError.ts";
import { attempt } from "./attempt.ts";
import { looksLike } from "./looksLike.ts";

/** What is known of a Parquet file from its footer. */
export interface Inspected {
  readonly rows: number;
  readonly columns: ReadonlyArray<TableSchema.SqlColumn>;
}

/** Reads the footer of a Parquet file; every way in which that can go wrong is an error of its own. */
export const inspect = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<
  Inspected,
  SourceMissing | SourceUnreadable | WrongFormat | SourceBroken,
  Duckdb.Duckdb
> {
  const { head, tail, bytes } = yield* ends(file);
  if (head.subarray(0, magic.length).compare(magic) !== 0) {
    const { what, next } = looksLike(head);
    return yield* new WrongFormat({
      path: file,
      format: "a Parquet file",
      looksLike: what,
      next: `${next}.`,
    });
  }
  if (tail.subarray(4).compare(magic) !== 0 || bytes < tail.readUInt32LE(0) + 12) {
    const problem = `it ends after ${bytes} bytes without the footer that every Parquet file has, so it was cut off`;
    return yield* new SourceBroken({ path: file, format: "Parquet file", problem });
  }
  const db = yield* Duckdb.Duckdb;
  return yield* Effect.gen(function* () {
    const columns = yield* TableSchema.describe(Table.parquet(file));
    const [footer] = yield* db.rows(
      "read the footer",
      `SELECT CAST(num_rows AS DOUBLE) AS n FROM parquet_file_metadata(${Duckdb.fileLiteral(file)})`,
    );
    return { columns, rows: Number(footer?.["n"] ?? 0) };
  }).pipe(
    Effect.mapError(
      ({ problem }) => new SourceBroken({ path: file, format: "Parquet file", problem }),
    ),
  );
});

const magic = Buffer.from("PAR1");

interface Ends {
  readonly head: Buffer;
  /** The last 8 bytes: length of the footer and magic number. */
  readonly tail: Buffer;
  readonly bytes: number;
}

const ends = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<Ends, SourceMissing | SourceUnreadable> {
  const stat = yield* attempt(file, () => fs.stat(file));
  if (!stat.isFile()) {
    return yield* new SourceUnreadable({
      path: file,
      problem: `it is ${kindOf(stat)}, not a file`,
      next: "Name one Parquet file.",
    });
  }
  return yield* attempt(file, async () => {
    const handle = await fs.open(file, "r");
    try {
      const bytes = stat.size;
      const head = Buffer.alloc(Math.min(512, bytes));
      const tail = Buffer.alloc(8);
      await handle.read(head, 0, head.length, 0);
      if (bytes >= 12) await handle.read(tail, 0, tail.length, bytes - tail.length);
      return { head, tail, bytes };
    } finally {
      await handle.close();
    }
  });
});

const kindOf = (stat: Stats): string =>
  stat.isDirectory() ? "a folder" : stat.isSocket() || stat.isFIFO() ? "a pipe" : "a device";
