/** A file of data as a relation of DuckDB. */
import { Duckdb } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";

/** Text is read once, into a table; Parquet stays where it is. Undefined for another kind of file. */
export const relationOf = (
  file: string,
): Effect.Effect<string, Duckdb.DuckdbError, Duckdb.Duckdb> | undefined => {
  const from = Duckdb.fileLiteral(file);
  if (/\.(parquet|pq)$/i.test(file)) return Effect.succeed(`read_parquet(${from})`);
  const reader = /\.(csv|tsv|txt)(\.gz|\.zst)?$/i.test(file)
    ? `read_csv(${from}, sample_size = -1)`
    : /\.(ndjson|jsonl|json)(\.gz|\.zst)?$/i.test(file)
      ? `read_json(${from}, sample_size = -1)`
      : undefined;
  if (reader === undefined) return undefined;
  return Duckdb.Duckdb.use((db) =>
    db.execute(`read ${file}`, `CREATE OR REPLACE TABLE drafted AS SELECT * FROM ${reader}`),
  ).pipe(Effect.as("drafted"));
};
