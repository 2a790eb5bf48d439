/**
 * DuckDB as a service: the one engine for all tables. Sessions are in UTC, memory is bounded, and an
 * interrupted effect interrupts its query.
 */
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";

/** A query failed: what was tried, and what DuckDB said. */
export class DuckdbError extends Schema.TaggedError<DuckdbError>()("DuckdbError", {
  operation: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `cannot ${this.operation}: ${this.problem}`;
  }
}

/** A row as plain JSON-like values; integers beyond 2^53 arrive as text. */
export type Row = { readonly [column: string]: unknown };

/** Columns of doubles, in the order asked for; null and NaN are both NaN. */
export interface NumericColumns {
  readonly rows: number;
  readonly columns: ReadonlyArray<Float64Array>;
}

/** What can be asked of DuckDB. `operation` says in words what for: it goes into the error. */
export interface DuckdbShape {
  readonly execute: (operation: string, sql: string) => Effect.Effect<void, DuckdbError>;
  /** For small results: one JavaScript object a row. */
  readonly rows: (operation: string, sql: string) => Effect.Effect<ReadonlyArray<Row>, DuckdbError>;
  /** Reads expressions of a relation as typed arrays, without an object a row. */
  readonly numericColumns: (
    operation: string,
    query: {
      readonly from: string;
      readonly select: ReadonlyArray<string>;
      /** Number of rows of `from`. */
      readonly rows: number;
    },
  ) => Effect.Effect<NumericColumns, DuckdbError>;
}

/** How DuckDB is set up. */
export interface DuckdbOptions {
  /** Such as `1GB`, the default: beyond it, queries spill to `temporaryFolder`. */
  readonly memoryLimit?: string;
  /** Default: one per core. */
  readonly threads?: number;
  readonly temporaryFolder?: string;
}

/**
 * DuckDB.
 *
 * @example
 * ```ts
 * import { Duckdb } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const answer = Duckdb.Duckdb.use((db) => db.rows("add", "SELECT 40 + 2 AS answer")).pipe(
 *   Effect.provide(Duckdb.Duckdb.layer()),
 * );
 * ```
 */
export class Duckdb extends Context.Service<Duckdb, DuckdbShape>()("@ml-pipe/data/Duckdb") {
  /** An in-process DuckDB without a database file; the library loads at the first query. */
  static readonly layer = (options: DuckdbOptions = {}): Layer.Layer<Duckdb> =>
    Layer.effect(Duckdb, make(options));
}

const make = Effect.fnUntraced(function* (options: DuckdbOptions) {
  let opened: Promise<DuckDBInstance> | undefined;
  const instance = () => (opened ??= open(options));
  yield* Effect.addFinalizer(() =>
    Effect.promise(async () => {
      const database = await opened?.catch(() => undefined);
      database?.closeSync();
    }),
  );

  /** Uses a connection of its own, so that queries of concurrent stages do not wait for each other. */
  const withConnection = <A>(
    operation: string,
    use: (connection: DuckDBConnection, signal: AbortSignal) => Promise<A>,
  ): Effect.Effect<A, DuckdbError> =>
    Effect.tryPromise({
      try: async (signal) => {
        const connection = await (await instance()).connect();
        const interrupt = () => connection.interrupt();
        signal.addEventListener("abort", interrupt);
        try {
          await connection.run("SET TimeZone = 'UTC'");
          return await use(connection, signal);
        } finally {
          signal.removeEventListener("abort", interrupt);
          connection.closeSync();
        }
      },
      catch: (cause) =>
        new DuckdbError({
          operation,
          problem: cause instanceof Error ? cause.message : String(cause),
        }),
    });

  return Duckdb.of({
    execute: (operation, sql) =>
      withConnection(operation, async (connection) => {
        await connection.run(sql);
      }),
    rows: (operation, sql) =>
      withConnection(operation, async (connection) => {
        const reader = await connection.runAndReadAll(sql);
        return reader.getRowObjectsJson();
      }),
    numericColumns: (operation, { from, select, rows }) =>
      withConnection(operation, async (connection, signal) => {
        const sql = select
          .map((expression) => `coalesce(CAST(${expression} AS DOUBLE), 'NaN'::DOUBLE)`)
          .join(", ");
        const columns = select.map(() => new Float64Array(rows));
        const result = await connection.stream(`SELECT ${sql} FROM ${from}`);
        let offset = 0;
        for (;;) {
          const chunk = await result.fetchChunk();
          if (chunk === null || chunk.rowCount === 0 || signal.aborted) break;
          for (const [index, column] of columns.entries()) {
            const vector = chunk.getColumnVector(index);
            for (let row = 0; row < chunk.rowCount; row++) {
              column[offset + row] = Number(vector.getItem(row));
            }
          }
          offset += chunk.rowCount;
        }
        if (offset !== rows) throw new Error(`expected ${rows} rows, found ${offset}`);
        return { rows, columns };
      }),
  });
});

const open = async (options: DuckdbOptions): Promise<DuckDBInstance> => {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  return DuckDBInstance.create(":memory:", {
    memory_limit: options.memoryLimit ?? "1GB",
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    ...(options.temporaryFolder === undefined ? {} : { temp_directory: options.temporaryFolder }),
    preserve_insertion_order: "true",
  });
};

/** A text literal in SQL. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A quoted identifier in SQL. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * The path of a file to read as a text literal in SQL. DuckDB takes `*`, `?` and `[` in it for a
 * pattern and would read other files; here they stand for themselves.
 */
export const fileLiteral = (path: string): string => literal(path.replaceAll(/[[*?]/g, "[$&]"));
