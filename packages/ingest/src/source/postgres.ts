/** Tables and queries of PostgreSQL. */
import { Artifact } from "@ml-pipe/core";
import * as Config from "effect/Config";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import type { Client, QueryResult } from "pg";
import { CsvRecords } from "../internal/csvRecords.ts";
import { fieldsPart, type Part, rejectsOf, textColumns } from "../internal/delivery.ts";
import { spooled } from "../internal/readText.ts";
import type { Notation } from "../internal/values.ts";
import type { Request, Source } from "../Source.ts";
import { DatabaseFailed } from "../SourceError.ts";

/** How a PostgreSQL server is reached. */
export interface PostgresServer {
  readonly host: string;
  /** Default 5432. */
  readonly port?: number;
  readonly database: string;
  readonly user: string;
  /** Default `Config.Redacted("PGPASSWORD")`. */
  readonly password?: Config.Config<Redacted.Redacted>;
  /** Whether the connection is encrypted and the server's certificate checked. Default `true`. */
  readonly tls?: boolean;
}

/** What is read of a PostgreSQL database. */
export type PostgresOptions = {
  /** The server ends the query after this time. Default 30 minutes. */
  readonly timeout?: Duration.Input;
  /**
   * A query whose result tells whether the rows are others than before, such as
   * `SELECT max(updated_at), count(*) FROM trips`. Default: none, so that they are read in every run.
   */
  readonly version?: string;
} & Pick<Notation, "timestamps"> &
  (
    | {
        /** A table, with its schema if it has one: `public.trips`. */ readonly table: string;
        readonly query?: never;
      }
    | { readonly query: string; readonly table?: never }
  );

/** What can be wrong with a PostgreSQL source. */
export type PostgresError = DatabaseFailed | Config.ConfigError;

/**
 * A table or a query of PostgreSQL, streamed by `COPY` in one read-only transaction, so that all rows
 * are as of one instant. Rows are written in the order of all columns of the contract, since a table has none of its own.
 *
 * Values arrive as PostgreSQL writes them: `numeric` fits `int` if it is whole and `float` as the
 * nearest double; `timestamptz` is an instant, `timestamp` and `date` are in the column's zone; arrays,
 * `json` and `bytea` are text.
 *
 * The password is read from the configuration when the stage runs, and is part of nothing recorded.
 * Throws a `TypeError` for an address where the name of a host or a database belongs, which might have
 * the password in it.
 *
 * @example
 * ```ts
 * import { Source } from "@ml-pipe/ingest";
 *
 * const trips = Source.postgres(
 *   { host: "db.example.org", database: "fleet", user: "reader" },
 *   { table: "public.trips", version: "SELECT max(updated_at), count(*) FROM public.trips" },
 * );
 * ```
 */
export const postgres = (
  server: PostgresServer,
  options: PostgresOptions,
): Source<PostgresError> => {
  const { host, port = 5432, database, user, tls = true } = server;
  if ([host, database].some((name) => /:\/\/|@/.test(name))) {
    throw new TypeError(
      "Source.postgres: host and database are names, not an address; give host, port, database and user apart, and the password as PGPASSWORD",
    );
  }
  const { timeout = "30 minutes", version, table, query } = options;
  const label = `postgres://${host}:${port}/${database}#${table ?? "query"}`;
  const failed = failedAt(label);

  const connected = Effect.acquireRelease(
    Effect.gen(function* () {
      const password = yield* server.password ?? Config.Redacted("PGPASSWORD");
      return yield* Effect.tryPromise({
        try: async () => {
          const { default: pg } = await import("pg");
          const client = new pg.Client({
            host,
            port,
            database,
            user,
            password: Redacted.value(password),
            ssl: tls,
            connectionTimeoutMillis: 30_000,
            application_name: "ml-pipe",
          });
          // A connection that breaks while it is idle must not end the process.
          client.on("error", () => {});
          await client.connect();
          await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
          const millis = Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(timeout)));
          await client.query(`SET LOCAL statement_timeout = ${millis}`);
          await client.query("SET LOCAL TimeZone = 'UTC'");
          await client.query("SET LOCAL DateStyle = 'ISO, YMD'");
          await client.query("SET LOCAL extra_float_digits = 1");
          await client.query("SET LOCAL bytea_output = 'hex'");
          // Servers since 14 end the query of a client that is gone.
          await client.query(
            "SELECT set_config(name, '1000', true) FROM pg_settings WHERE name = 'client_connection_check_interval'",
          );
          return client;
        },
        catch: failed("connect to"),
      });
    }),
    (client) => Effect.promise(() => client.end().catch(() => {})),
  );

  const versionIn = (client: Client) =>
    version === undefined
      ? Effect.succeed(undefined)
      : Effect.map(
          Effect.tryPromise({
            try: () =>
              client.query<Array<unknown>>({ text: version, rowMode: "array", types: asText }),
            catch: failed("ask for the version of"),
          }),
          ({ rows }) => [{ name: label, version: JSON.stringify(rows) }],
        );

  return {
    label,
    params: {
      postgres: label,
      user,
      table: table ?? null,
      query: query ?? null,
      version: version ?? null,
    },
    increments: "rows",
    versions:
      version === undefined
        ? Effect.succeed(undefined)
        : Effect.scoped(Effect.flatMap(connected, versionIn)),
    open: Effect.fnUntraced(function* (request) {
      const store = yield* Artifact.ArtifactStore;
      const folder = yield* store.temporaryFolder;
      const client = yield* connected;
      const versions = yield* versionIn(client);
      const relation = table === undefined ? `(${query})` : nameOf(table);
      const read = yield* Effect.tryPromise({
        try: (signal) => copy(client, relation, request, (what) => `${folder}/${what}`, signal),
        catch: failed("read"),
      });
      const notation: Notation = { ...options, booleans: { true: ["t"], false: ["f"] } };
      const part: Part = {
        name: label,
        columns: textColumns(read.names),
        sparse: false,
        unordered: true,
        records: read.records,
        ...fieldsPart(`${folder}/rows`, read.names, notation, { texts: [""], quoted: false }, ","),
        ...rejectsOf(`${folder}/rejects`, read.rejected),
      };
      return { parts: [part], versions };
    }),
  };
};

/** Copies the contract's columns of a relation into a spool. */
const copy = async (
  client: Client,
  relation: string,
  { contract, from }: Request,
  scratch: (what: string) => string,
  signal: AbortSignal,
) => {
  const { to } = await import("pg-copy-streams");
  const shape: QueryResult = await client.query(`SELECT * FROM ${relation} AS source LIMIT 0`);
  const there = shape.fields.map(({ name }) => name);
  const taken = there.filter((name) => Object.hasOwn(contract.columns, name));
  const names = [...taken, ...there.filter((name) => !taken.includes(name))];
  if (taken.length === 0) return { names, records: 0, rejected: 0 };
  const select = taken.map(identifier).join(", ");
  const since =
    from === undefined
      ? ""
      : ` WHERE ${identifier(from.column)} >= ${literal(from.value)} OR ${identifier(from.column)} IS NULL`;
  const query = `COPY (SELECT ${select} FROM ${relation} AS source${since}) TO STDOUT (FORMAT csv)`;
  const stream = client.query(to(query));
  signal.addEventListener("abort", () => stream.destroy(), { once: true });
  const dialect = { delimiter: ",", quote: '"', escape: '"', comment: "", trim: false };
  const { records, rejected } = await spooled(
    stream,
    scratch,
    (sink) => new CsvRecords(dialect, sink, { header: taken, skip: 0 }),
  );
  return { names, records: records.records, rejected };
};

/** Values as PostgreSQL writes them: a `Date` would lose microseconds. */
const asText = { getTypeParser: () => (text: string) => text };

const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** A table's name with its schema, each part quoted. */
const nameOf = (table: string) => table.split(".").map(identifier).join(".");

const advice: { readonly [code: string]: string } = {
  "28P01": "Check the user and the password.",
  "3D000": "Check the name of the database.",
  "42P01": "Check the name of the table, and its schema.",
  "42501": "Let the owner of the database give this user read access.",
  "57014": "Raise timeout, or read less.",
  ECONNREFUSED: "Check host and port, and that the server runs.",
  ENOTFOUND: "Check the name of the host.",
};

const failedAt = (source: string) => (operation: string) => (cause: unknown) => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return new DatabaseFailed({
    source,
    operation,
    problem: cause instanceof Error ? cause.message || code : String(cause),
    next: advice[code] ?? "Check the connection and the query, then run again.",
  });
};
