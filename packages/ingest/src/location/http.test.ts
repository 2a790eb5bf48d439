import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Config from "effect/Config";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Effect from "effect/Effect";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { ingested, services } from "../ingest.fixture.ts";
import * as Location from "../Location.ts";
import * as Source from "../Source.ts";

const Ride = Contract.make("ride", {
  version: "1",
  owner: "fleet",
  columns: { seats: Column.int() },
});

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** A server on this machine; its address, and what it was asked. */
const server = (answer: Answer) =>
  Effect.acquireRelease(
    Effect.callback<{ origin: string; asked: Array<string>; close: () => void }>((resume) => {
      const asked: Array<string> = [];
      const one = http.createServer((request, response) => {
        asked.push(`${request.method} ${request.url}`);
        answer(request, response);
      });
      one.listen(0, "127.0.0.1", () => {
        // A server that listens on a port has an address of this type.
        const { port } = one.address() as AddressInfo;
        const close = () => {
          one.closeAllConnections();
          one.close();
        };
        resume(Effect.succeed({ origin: `http://127.0.0.1:${port}`, asked, close }));
      });
    }),
    ({ close }) => Effect.sync(close),
  );

const secret = "s3cr3t-token";
const provided = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.provide(services),
    Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ TOKEN: secret }))),
  );
const quick = { backoff: "1 millis", retries: 2 } as const;
const csv = "seats\n1\n2\n";

describe("Location.http", () => {
  it.live("downloads a file; whether it changed is asked without its body", () =>
    Effect.gen(function* () {
      const { origin, asked } = yield* server((request, response) => {
        const { authorization } = request.headers;
        response.writeHead(authorization === `Bearer ${secret}` ? 200 : 401, { etag: '"v1"' });
        response.end(request.method === "HEAD" ? undefined : csv);
      });
      const secretHeaders = {
        authorization: Config.map(Config.Redacted("TOKEN"), Location.bearer),
      };
      const source = Source.csv(Location.http(`${origin}/a.csv?x=1`, { secretHeaders, ...quick }));
      assert.deepStrictEqual(yield* source.versions, [
        { name: `${origin}/a.csv?x=1`, version: '"v1"' },
      ]);
      const { rows } = yield* ingested(source, { contract: Ride });
      assert.deepStrictEqual(rows, [{ seats: "1" }, { seats: "2" }]);
      assert.deepStrictEqual(asked, ["HEAD /a.csv?x=1", "GET /a.csv?x=1"]);
      assert.notInclude(JSON.stringify([source.params, source.label]), secret);

      const open = Source.csv(Location.http(`${origin}/a.csv`, quick));
      const error = yield* Effect.flip(ingested(open, { contract: Ride }));
      assert.strictEqual(error._tag, "DownloadFailed");
      assert.include(error.message, "the server answers 401 Unauthorized. Check the secrets");
    }).pipe(provided),
  );

  it.live("tries again where that may help, and only there", () =>
    Effect.gen(function* () {
      let fails = 2;
      const { origin, asked } = yield* server((request, response) => {
        const status = request.url === "/none" ? 404 : fails-- > 0 ? 503 : 200;
        response.writeHead(status).end(csv);
      });
      const at = (path: string) => Source.csv(Location.http(`${origin}${path}`, quick));
      const { rows } = yield* ingested(at("/a.csv"), { contract: Ride });
      assert.strictEqual(rows.length, 2);
      assert.strictEqual(asked.length, 3);
      fails = 3;
      const error = yield* Effect.flip(ingested(at("/b.csv"), { contract: Ride }));
      assert.include(error.message, "the server answers 503 Service Unavailable. It was tried");
      const missing = yield* Effect.flip(ingested(at("/none"), { contract: Ride }));
      assert.include(missing.message, "404 Not Found. Check the address: there is no such file.");
      assert.strictEqual(asked.filter((one) => one.endsWith("/none")).length, 1);
    }).pipe(provided),
  );

  it.live("what is cut off, too large, too slow, or a web page is no data", () =>
    Effect.gen(function* () {
      const { origin } = yield* server((request, response) => {
        switch (request.url) {
          case "/cut":
            response.writeHead(200, { "content-length": "100" }).write(csv);
            setTimeout(() => response.destroy(), 10);
            return;
          case "/chunked":
            response.writeHead(200).write(csv);
            setTimeout(() => response.destroy(), 10);
            return;
          case "/large":
            response.writeHead(200).end("x".repeat(2000));
            return;
          case "/slow":
            response.writeHead(200).write(csv);
            return;
          case "/page":
            response.writeHead(200, { "content-type": "text/html" }).end("<html>log in</html>");
            return;
          default:
            response.writeHead(200).end("<!doctype html>");
        }
      });
      const errorOf = (path: string, options: Location.HttpOptions = {}) =>
        Effect.map(
          Effect.flip(
            ingested(
              Source.csv(Location.http(`${origin}${path}`, { ...quick, retries: 0, ...options })),
              {
                contract: Ride,
              },
            ),
          ),
          ({ message }) => message,
        );
      assert.include(yield* errorOf("/cut"), "it was cut off after 10 of 100 bytes");
      assert.include(yield* errorOf("/chunked"), "it was cut off after 10 bytes");
      assert.include(yield* errorOf("/large", { maxSize: 1000 }), "it is larger than 1000 bytes");
      assert.include(
        yield* errorOf("/slow", { timeout: "100 millis" }),
        "it took longer than 100ms",
      );
      assert.include(yield* errorOf("/page"), "it is a web page (text/html), not data");
      assert.include(yield* errorOf("/unlabelled"), "it looks like a web page");
      const gone = yield* server(() => {});
      gone.close();
      const nowhere = Source.csv(Location.http(gone.origin, { ...quick, retries: 0 }));
      const error = yield* Effect.flip(ingested(nowhere, { contract: Ride }));
      assert.include(error.message, "ECONNREFUSED");
    }).pipe(provided),
  );

  it.live("redirects are followed a few times; secrets stay with their origin", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = [];
      const other = yield* server((request, response) => {
        seen.push(request.headers.authorization);
        response.writeHead(200).end(csv);
      });
      const { origin } = yield* server((request, response) => {
        const to = request.url === "/loop" ? "/loop" : `${other.origin}/a.csv`;
        response.writeHead(302, { location: to }).end();
      });
      const secretHeaders = { authorization: Config.Redacted("TOKEN") };
      const at = (path: string) =>
        Source.csv(Location.http(`${origin}${path}`, { secretHeaders, ...quick }));
      const { rows } = yield* ingested(at("/a.csv"), { contract: Ride });
      assert.strictEqual(rows.length, 2);
      assert.deepStrictEqual(seen, [undefined]);
      const error = yield* Effect.flip(ingested(at("/loop"), { contract: Ride }));
      assert.include(error.message, "it redirects more than 5 times");
    }).pipe(provided),
  );

  it.live(
    "a file that changes between the plan and the run is not recorded under the old version",
    () =>
      Effect.gen(function* () {
        let version = 0;
        const { origin } = yield* server((_, response) => {
          response.writeHead(200, { etag: `"v${version++}"` }).end(csv);
        });
        const source = Source.csv(Location.http(`${origin}/a.csv`, quick));
        const before = yield* source.versions;
        const { versions } = yield* Effect.scoped(source.open({ contract: Ride }));
        assert.notDeepEqual(versions, before);
        // Without a version there is nothing to compare, and nothing to cache.
        const bare = yield* server((_, response) => response.writeHead(200).end(csv));
        assert.isUndefined(yield* Source.csv(Location.http(`${bare.origin}/a.csv`)).versions);
      }).pipe(provided),
  );

  it("refuses addresses that cannot be, or have a password in them", () => {
    assert.throws(() => Location.http("ftp://example.org/x.csv"), "no http or https address");
    assert.throws(() => Location.http("https://me:pw@example.org/x.csv"), "use secretHeaders");
    assert.throws(() => Location.http("https://ghp_1@example.org/x.csv"), "use secretHeaders");
    for (const name of ["token", "api_key", "sig", "X-Amz-Signature"]) {
      assert.throws(
        () => Location.http(`https://example.org/x.csv?${name}=s3cr3t`),
        new RegExp(`example\\.org has ${name} in it, which would be recorded; use secretHeaders$`),
      );
    }
    assert.throws(
      () => Location.http("postgres://me:s3cr3t@example.org/db"),
      "Location.http: postgres://…@example.org/db is no http or https address",
    );
    assert.throws(() => Location.http("x.csv"));
  });
});
