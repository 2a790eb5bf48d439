/** Looks at a source file without reading its rows. */
import type { Stats } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Duckdb, Table, TableSchema } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { NotParquet, ParquetBroken, SourceMissing, SourceUnreadable } from "../SourceError.ts";
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
  SourceMissing | SourceUnreadable | NotParquet | ParquetBroken,
  Duckdb.Duckdb
> {
  const { head, tail, bytes } = yield* ends(file);
  if (head.subarray(0, magic.length).compare(magic) !== 0) {
    const { what, next } = looksLike(head);
    return yield* new NotParquet({ path: file, looksLike: what, next: `${next}.` });
  }
  if (tail.subarray(4).compare(magic) !== 0 || bytes < tail.readUInt32LE(0) + 12) {
    const problem = `it ends after ${bytes} bytes without the footer that every Parquet file has, so it was cut off`;
    return yield* new ParquetBroken({ path: file, problem });
  }
  const db = yield* Duckdb.Duckdb;
  return yield* Effect.gen(function* () {
    const columns = yield* TableSchema.describe(Table.parquet(file));
    const [footer] = yield* db.rows(
      "read the footer",
      `SELECT CAST(num_rows AS DOUBLE) AS n FROM parquet_file_metadata(${Duckdb.fileLiteral(file)})`,
    );
    return { columns, rows: Number(footer?.["n"] ?? 0) };
  }).pipe(Effect.mapError(({ problem }) => new ParquetBroken({ path: file, problem })));
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

/** Runs a file operation; a failure says what is there instead, or how to be allowed to read it. */
export const attempt = <A>(
  file: string,
  run: () => Promise<A>,
): Effect.Effect<A, SourceMissing | SourceUnreadable> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      cause instanceof Error && "code" in cause ? String(cause.code) : String(cause),
  }).pipe(Effect.catch((code) => Effect.flatMap(explain(file, code), Effect.fail)));

const explain = (file: string, code: string): Effect.Effect<SourceMissing | SourceUnreadable> =>
  code === "ENOENT" || code === "ENOTDIR"
    ? missing(file)
    : Effect.succeed(
        new SourceUnreadable({
          path: file,
          problem: code,
          next:
            code === "EACCES" || code === "EPERM"
              ? "Give this user read access."
              : "Check the disk and try again.",
        }),
      );

/** Says which files there are where the file was expected. */
const missing = (file: string): Effect.Effect<SourceMissing> =>
  Effect.promise(async () => {
    const folder = path.dirname(file);
    const names = await fs.readdir(folder).catch(() => undefined);
    const parquet = names?.filter((name) => name.endsWith(".parquet")).toSorted() ?? [];
    const listed = parquet.slice(0, 5).join(", ") + (parquet.length > 5 ? ", …" : "");
    const next =
      names === undefined
        ? `The folder ${folder} does not exist either: check the path; a relative one starts at ${process.cwd()}.`
        : parquet.length > 0
          ? `Check its name; in that folder there are ${listed}.`
          : "Check the path: its folder has no Parquet file.";
    return new SourceMissing({ path: file, next });
  });
