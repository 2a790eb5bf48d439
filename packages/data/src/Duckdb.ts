/**
 * DuckDB as a service: the one engine for all tables. Sessions are in UTC, memory is bounded, and an
 * interrupted effect interrupts its query.
 */
import type { DuckDBConnection, DuckDBInstance, DuckDBVector } from "@duckdb/node-api";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";

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
  /**
   * Typed arrays of equal length as a relation of doubles in DuckDB's memory, for as long as the scope
   * lives: what was computed here, on its way into a table. NaN becomes null.
   */
  readonly fromColumns: (
    operation: string,
    columns: { readonly [name: string]: Float64Array },
  ) => Effect.Effect<string, DuckdbError, Scope.Scope>;
}

/** How DuckDB is set up. */
export interface DuckdbOptions {
  /** Such as `1GB`, the default: beyond it, queries spill to {@link temporaryFolder}. */
  readonly memoryLimit?: string;
  /** Default: one per core. */
  readonly threads?: number;
  /** Default: one of this process in the system's folder for temporary files, made when needed. */
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

  /**
   * Uses a connection of its own, so that queries of concurrent stages do not wait for each other.
   * Interruption interrupts the query and returns when it has stopped, so that no file is still being
   * written afterwards.
   */
  const withConnection = <A>(
    operation: string,
    use: (connection: DuckDBConnection) => Promise<A>,
  ): Effect.Effect<A, DuckdbError> =>
    Effect.callback((resume) => {
      let connection: DuckDBConnection | undefined;
      let interrupted = false;
      const work = async (): Promise<A> => {
        connection = await (await instance()).connect();
        try {
          if (interrupted) throw new Error("interrupted");
          await connection.run("SET TimeZone = 'UTC'");
          return await use(connection);
        } finally {
          connection.closeSync();
          connection = undefined;
        }
      };
      const settled = work().then(
        (value) => resume(Effect.succeed(value)),
        (cause) => resume(Effect.fail(errorOf(operation, cause))),
      );
      return Effect.promise(async () => {
        interrupted = true;
        // A query that has only just begun forgets an interrupt: repeat it until it stops.
        const timer = setInterval(() => connection?.interrupt(), 5);
        connection?.interrupt();
        await settled;
        clearInterval(timer);
      });
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
      withConnection(operation, async (connection) => {
        const sql = select
          .map((expression) => `coalesce(CAST(${expression} AS DOUBLE), 'NaN'::DOUBLE)`)
          .join(", ");
        const columns = select.map(() => new Float64Array(rows));
        const result = await connection.stream(`SELECT ${sql} FROM ${from}`);
        let offset = 0;
        for (;;) {
          const chunk = await result.fetchChunk();
          if (chunk === null || chunk.rowCount === 0) break;
          if (offset + chunk.rowCount > rows) throw new Error(`expected ${rows} rows, found more`);
          for (const [index, column] of columns.entries()) {
            copyDoubles(chunk.getColumnVector(index), chunk.rowCount, column, offset);
          }
          offset += chunk.rowCount;
        }
        if (offset !== rows) throw new Error(`expected ${rows} rows, found ${offset}`);
        return { rows, columns };
      }),
    fromColumns: Effect.fnUntraced(function* (operation, columns) {
      const relation = identifier(`columns ${randomUUID()}`);
      // Not acquireRelease: it could not be interrupted while it writes.
      yield* Effect.addFinalizer(() =>
        Effect.ignore(
          withConnection("forget columns", (connection) =>
            connection.run(`DROP TABLE IF EXISTS ${relation}`),
          ),
        ),
      );
      yield* withConnection(operation, async (connection) => {
        const names = Object.keys(columns).map((name) => `${identifier(name)} DOUBLE`);
        await connection.run(`CREATE TABLE ${relation} (${names.join(", ")})`);
        const { DOUBLE, DuckDBDataChunk } = await import("@duckdb/node-api");
        const appender = await connection.createAppender(relation.slice(1, -1));
        const values = Object.values(columns);
        const rows = values[0]?.length ?? 0;
        if (values.some(({ length }) => length !== rows)) throw new Error("uneven columns");
        for (let start = 0; start < rows; start += chunkRows) {
          const size = Math.min(chunkRows, rows - start);
          const chunk = DuckDBDataChunk.create(
            values.map(() => DOUBLE),
            size,
          );
          for (const [index, column] of values.entries()) {
            const part = Array.from(column.subarray(start, start + size));
            chunk.setColumnValues(
              index,
              part.map((value) => (Number.isNaN(value) ? null : value)),
            );
          }
          appender.appendDataChunk(chunk);
        }
        appender.closeSync();
      });
      return relation;
    }),
  });
});

/** Rows that DuckDB takes at once. */
const chunkRows = 2048;

const errorOf = (operation: string, cause: unknown): DuckdbError =>
  new DuckdbError({ operation, problem: cause instanceof Error ? cause.message : String(cause) });

/**
 * Copies a vector of doubles without nulls. The library keeps one typed array in it, which copies at
 * once; should a later version keep it elsewhere, the values are read one by one.
 */
const copyDoubles = (vector: DuckDBVector, rows: number, to: Float64Array, at: number): void => {
  if ("items" in vector && vector.items instanceof Float64Array) {
    to.set(vector.items.subarray(0, rows), at);
    return;
  }
  for (let row = 0; row < rows; row++) to[at + row] = Number(vector.getItem(row));
};

const open = async (options: DuckdbOptions): Promise<DuckDBInstance> => {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  return DuckDBInstance.create(":memory:", {
    memory_limit: options.memoryLimit ?? "1GB",
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    temp_directory: options.temporaryFolder ?? join(tmpdir(), `ml-pipe-duckdb-${process.pid}`),
    preserve_insertion_order: "true",
  });
};

/**
 * A text literal in SQL, safe for any text.
 *
 * @example
 * ```ts
 * import { Duckdb } from "@ml-pipe/data";
 *
 * const sql: string = Duckdb.literal("it's"); // 'it''s'
 * ```
 */
export const literal = (text: string): string => {
  const parts = text.split("\0").map((part) => `'${part.replaceAll("'", "''")}'`);
  // The parser ends at a NUL character, so that one is spelled as a function.
  return parts.length === 1 ? parts.join("") : `(${parts.join(" || chr(0) || ")})`;
};

/**
 * A quoted identifier in SQL, safe for any name. DuckDB does not tell upper and lower case apart in it.
 *
 * @example
 * ```ts
 * import { Duckdb } from "@ml-pipe/data";
 *
 * const sql: string = Duckdb.identifier('a "b"'); // "a ""b"""
 * ```
 */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * The path of a file to read as a text literal in SQL. DuckDB takes `*`, `?` and `[` in it for a
 * pattern and would read other files; here they stand for themselves.
 */
export const fileLiteral = (path: string): string => literal(path.replaceAll(/[[*?]/g, "[$&]"));
