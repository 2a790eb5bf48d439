import * as net from "node:net";
import { assert, describe, it } from "@effect/vitest";
import { Explanation } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import * as Schema from "effect/Schema";
import { released } from "../test-fixtures/stateFolder.ts";
import { request } from "../test-fixtures/trips.ts";
import * as Predictor from "./Predictor.ts";
import * as Serve from "./Serve.ts";

const started = Effect.fnUntraced(function* (options: Partial<Serve.ServeOptions> = {}) {
  const predictor = yield* Predictor.open(yield* released, "trip-delay");
  return yield* Serve.server({ predictor, port: 0, ...options });
});

interface Reply {
  readonly status: number;
  readonly json: unknown;
  readonly headers: Headers;
}

const ask = (url: string, init: RequestInit = {}) =>
  Effect.promise(async (): Promise<Reply> => {
    const reply = await fetch(url, init);
    const text = await reply.text();
    const json: unknown = text === "" ? undefined : JSON.parse(text);
    return { status: reply.status, json, headers: reply.headers };
  });

const json = { "content-type": "application/json" };
const post = (url: string, body: string, headers: Record<string, string> = json) =>
  ask(`${url}/predict`, { method: "POST", body, headers });

/** Sends raw bytes, slowly if asked to, and returns all that comes back until the connection closes. */
const raw = (port: number, send: (socket: net.Socket) => void) =>
  Effect.promise(
    () =>
      new Promise<string>((resolve) => {
        let received = "";
        const socket = net.connect(port, "127.0.0.1", () => send(socket));
        socket.on("data", (chunk) => (received += chunk));
        socket.on("error", () => {});
        socket.on("close", () => resolve(received));
      }),
  );

const Explained = Schema.Struct({
  probability: Schema.Finite,
  explanation: Explanation.Explanation,
});

const fields = "no other field than at, from, km, rain";

describe("Serve.server", () => {
  it.live("predicts one request, and a list", () =>
    Effect.gen(function* () {
      const { url } = yield* started();
      const one = yield* post(url, JSON.stringify(request));
      assert.strictEqual(one.status, 200);
      const prediction = {
        probability: 1 / (1 + Math.exp(-0.6)),
        act: true,
        decision: "warn passengers? yes",
        release: "trip-delay@1",
        missing: [],
        stale: [],
        unseen: [],
        unavailable: [],
      };
      assert.deepStrictEqual(one.json, prediction);
      const many = yield* post(url, JSON.stringify([request, request]));
      assert.deepStrictEqual(many.json, [prediction, prediction]);
      assert.deepStrictEqual((yield* post(url, "[]")).json, []);
      const utf8 = { "content-type": "Application/JSON; charset=UTF-8" };
      assert.strictEqual((yield* post(url, JSON.stringify(request), utf8)).status, 200);
    }),
  );

  it.live("explains predictions where asked to", () =>
    Effect.gen(function* () {
      const { url } = yield* started();
      const explained = yield* ask(`${url}/predict?explain=1`, {
        method: "POST",
        body: JSON.stringify([request]),
        headers: json,
      });
      const [one] = Schema.decodeUnknownSync(Schema.Array(Explained))(explained.json);
      const { scale, base, contributions } = one!.explanation;
      assert.strictEqual(scale, "logOdds");
      const logOdds = contributions.reduce((sum, { contribution }) => sum + contribution, base);
      assert.closeTo(1 / (1 + Math.exp(-logOdds)), one!.probability, 1e-12);
      assert.include(
        contributions.map(({ feature }) => feature),
        "km",
      );
      const plain = yield* ask(`${url}/predict?explain=0`, {
        method: "POST",
        body: JSON.stringify(request),
        headers: json,
      });
      assert.notProperty(plain.json, "explanation");
    }),
  );

  it.live("refuses to explain a model that it cannot look into", () =>
    Effect.gen(function* () {
      const predictor = yield* Predictor.open(yield* released, "trip-delay");
      const { url } = yield* Serve.server({
        predictor: { ...predictor, explain: undefined },
        port: 0,
      });
      const body = JSON.stringify(request);
      const refused = yield* ask(`${url}/predict?explain=1`, {
        method: "POST",
        body,
        headers: json,
      });
      assert.strictEqual(refused.status, 422);
      assert.include(JSON.stringify(refused.json), "ask without explain");
      assert.strictEqual((yield* post(url, body)).status, 200);
    }),
  );

  it.live("says that it lives, what it serves, and what a request is", () =>
    Effect.gen(function* () {
      const { url } = yield* started();
      const { features, ...health } = Object((yield* ask(`${url}/healthz?verbose`)).json);
      assert.deepStrictEqual(health, {
        status: "live",
        release: "trip-delay@1",
        knownUntil: "2001-06-01T00:00:00.000Z",
      });
      assert.deepInclude(features[0], {
        feature: "lateLately",
        knownUntil: "2001-06-01T00:00:00.000Z",
        stale: true,
      });
      const signature = yield* ask(url);
      const atPattern: unknown = Object(signature.json).request.properties.at.pattern;
      assert.deepStrictEqual((yield* ask(`${url}/signature`)).json, signature.json);
      assert.deepInclude(signature.json, {
        release: "trip-delay@1",
        request: {
          $schema: "https://json-schema.org/draft/2020-12/schema",
          title: "trip-request",
          type: "object",
          additionalProperties: false,
          required: ["at", "from", "km", "rain"],
          properties: {
            at: {
              type: "string",
              format: "date-time",
              description: "departure",
              pattern: atPattern,
            },
            from: { type: "string", pattern: "^(?:[A-Z]{3})$" },
            km: { type: "integer", description: "in km", minimum: 1, maximum: 5000 },
            rain: { type: ["boolean", "null"] },
          },
        },
      });
      const { example } = Object(signature.json);
      assert.strictEqual((yield* post(url, JSON.stringify(example))).status, 200);
      assert.strictEqual((yield* ask(`${url}/healthz`, { method: "HEAD" })).status, 200);
    }),
  );

  it.live("answers each bad request with what to change", () =>
    Effect.gen(function* () {
      const { url } = yield* started();
      const text = JSON.stringify(request);
      const cases: ReadonlyArray<readonly [Effect.Effect<Reply>, number, unknown]> = [
        [
          post(url, text.replace('"km":1000,', "")),
          422,
          {
            field: "km",
            expected: "a whole number from 1 to 5000 (km)",
            found: "nothing: the field is missing",
          },
        ],
        [
          post(url, text.replace("{", '{"extra":1,')),
          422,
          { field: "extra", expected: fields, found: "an extra field" },
        ],
        [
          post(url, text.replace("1000", '"1000"')),
          422,
          { field: "km", expected: "a whole number from 1 to 5000 (km)", found: '"1000"' },
        ],
        [
          post(url, text.replace("1000", "1e999")),
          422,
          {
            field: "km",
            expected: "a whole number from 1 to 5000 (km)",
            found: "Infinity: not a number that JSON can hold",
          },
        ],
        [
          post(url, text.replace("true", '"NaN"')),
          422,
          { field: "rain", expected: "true or false, or null", found: '"NaN"' },
        ],
        [
          post(url, `[${text},${text.replace("AAA", "aaa")},7]`),
          422,
          { field: "[1].from", expected: "text that matches [A-Z]{3}", found: '"aaa"' },
        ],
        [
          post(url, JSON.stringify(Array.from({ length: 1001 }, () => request))),
          422,
          { field: "", expected: "at most 1000 requests in a list", found: "1001" },
        ],
        [
          post(url, text.replace("1000", "NaN")),
          400,
          "the body is not JSON; NaN and Infinity are not JSON either",
        ],
        [post(url, text.slice(0, -1)), 400, "the body is not JSON (at character "],
        [
          post(url, '{"at":"200'),
          400,
          "the body is not JSON: it ends too early; NaN and Infinity are not JSON either",
        ],
        [post(url, ""), 400, "the body is empty: send a JSON object or a list"],
        [
          ask(`${url}/predict`, {
            method: "POST",
            headers: json,
            body: new Uint8Array([0x22, 0xff, 0x22]),
          }),
          400,
          "the body is not UTF-8 text",
        ],
        [
          post(url, text, { "content-type": "text/plain" }),
          415,
          'send content-type: application/json; found "text/plain"',
        ],
        [
          post(url, text, { "content-type": "application/json; charset=latin1" }),
          415,
          "send content-type: application/json",
        ],
        [
          post(url, text, { ...json, "content-encoding": "gzip" }),
          415,
          "send the body without a content-encoding",
        ],
        [ask(`${url}/predict`), 405, "/predict takes POST"],
        [ask(`${url}/healthz`, { method: "DELETE" }), 405, "/healthz takes GET, HEAD"],
        [
          ask(`${url}/constructor`),
          404,
          "there is nothing here: POST /predict, GET /signature, GET /healthz",
        ],
      ];
      for (const [reply, status, expected] of cases) {
        const { status: found, json } = yield* reply;
        const { error, problems } = Object(json);
        assert.strictEqual(found, status, JSON.stringify(json));
        if (typeof expected === "string") assert.include(error, expected);
        else {
          assert.strictEqual(error, "the request is not valid");
          assert.deepStrictEqual(problems[0], expected);
        }
      }
      assert.strictEqual((yield* ask(`${url}/predict`)).headers.get("allow"), "POST");
      assert.strictEqual((yield* post(url, text)).status, 200);
    }),
  );

  it.live("refuses a body of 50 MB without reading it", () =>
    Effect.gen(function* () {
      const { port, url } = yield* started();
      const before = process.memoryUsage().rss;
      const head = (length: string) =>
        `POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${length}\r\n\r\n`;
      // With its length: refused before a byte of it is sent.
      const announced = yield* raw(port, (socket) =>
        socket.write(head(`content-length: ${50 * 1024 * 1024}`)),
      );
      assert.match(announced, /^HTTP\/1\.1 413 /);
      assert.include(announced, "the body is too large: send at most 1048576 bytes");
      // Without: refused at the limit, while it is still being sent.
      let sent = 0;
      const streamed = yield* raw(port, (socket) => {
        const chunk = Buffer.alloc(64 * 1024, " ");
        socket.write(head("transfer-encoding: chunked"));
        const more = () => {
          while (!socket.destroyed && sent < 50 * 1024 * 1024) {
            sent += chunk.length;
            socket.write(`${chunk.length.toString(16)}\r\n`);
            if (!socket.write(Buffer.concat([chunk, Buffer.from("\r\n")]))) {
              socket.once("drain", more);
              return;
            }
          }
        };
        more();
      });
      assert.match(streamed, /^HTTP\/1\.1 413 /);
      assert.isBelow(sent, 20 * 1024 * 1024);
      assert.isBelow(process.memoryUsage().rss - before, 40 * 1024 * 1024);
      // A caller who sends all of it before looking sees the answer too.
      assert.strictEqual((yield* post(url, "x".repeat(50 * 1024 * 1024))).status, 413);
      assert.strictEqual((yield* post(url, JSON.stringify(request))).status, 200);
    }),
  );

  it.live("gives up on a caller who is too slow, and on nonsense", () =>
    Effect.gen(function* () {
      const { port, url } = yield* started({ requestTimeout: "200 millis" });
      const slow = yield* raw(port, (socket) =>
        socket.write("POST /predict HTTP/1.1\r\nhost: localhost\r\n"),
      );
      assert.match(slow, /^HTTP\/1\.1 408 /);
      const nonsense = yield* raw(port, (socket) => socket.write("hello\r\n\r\n"));
      assert.match(nonsense, /^HTTP\/1\.1 400 /);
      const gone = yield* raw(port, (socket) => {
        socket.write(
          "POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
        );
        socket.end();
      });
      assert.notInclude(gone, "HTTP/1.1 200");
      assert.strictEqual((yield* post(url, JSON.stringify(request))).status, 200);
    }),
  );

  it.live("logs requests without what they carried", () =>
    Effect.gen(function* () {
      const entries: Array<Serve.AccessEntry> = [];
      const { url } = yield* started({ log: (entry) => entries.push(entry) });
      yield* post(`${url}`, JSON.stringify([request, request]));
      yield* ask(`${url}/predict?secret=1\n`, { headers: { authorization: "Bearer hidden" } });
      assert.deepInclude(entries[0], {
        method: "POST",
        path: "/predict",
        status: 200,
        predictions: 2,
        release: "trip-delay@1",
      });
      assert.deepInclude(entries[1], { status: 405, path: "/predict", predictions: 0 });
      const text = JSON.stringify(entries);
      for (const secret of ["AAA", "secret", "hidden"]) assert.notInclude(text, secret);
    }),
  );
});

describe("who may call", () => {
  const token = Redacted.make("correct-horse-battery");

  it.live("asks for the token, if there is one", () =>
    Effect.gen(function* () {
      const { url } = yield* started({ token });
      const text = JSON.stringify(request);
      const withToken = (sent: string) => post(url, text, { ...json, authorization: sent });
      assert.strictEqual((yield* withToken("Bearer correct-horse-battery")).status, 200);
      assert.strictEqual((yield* withToken("bearer correct-horse-battery")).status, 200);
      for (const wrong of [
        "Bearer wrong-horse-battery",
        "Bearer ",
        "Basic correct-horse-battery",
        "correct-horse-battery",
      ]) {
        const reply = yield* withToken(wrong);
        assert.strictEqual(reply.status, 401);
        assert.strictEqual(reply.headers.get("www-authenticate"), "Bearer");
        assert.notInclude(JSON.stringify(reply.json), "correct-horse");
      }
      assert.strictEqual((yield* post(url, text)).status, 401);
      assert.strictEqual((yield* ask(`${url}/nothing`)).status, 401);
      assert.deepStrictEqual((yield* ask(`${url}/healthz`)).json, { status: "live" });
    }),
  );

  it.live("does not open to others without a good token", () =>
    Effect.gen(function* () {
      for (const host of ["0.0.0.0", "::", "192.168.0.1"]) {
        const error = yield* Effect.flip(started({ host }));
        assert.strictEqual(
          error.message,
          `refused to listen on ${host}, which others can reach, without a token. Set ML_PIPE_SERVE_TOKEN to a secret of at least 16 characters, or listen on 127.0.0.1.`,
        );
      }
      for (const short of ["", "short", "with spaces in it, and long"]) {
        const error = yield* Effect.flip(started({ host: "0.0.0.0", token: Redacted.make(short) }));
        assert.include(error.message, "the token is too short");
      }
      const { port } = yield* started({ host: "0.0.0.0", token });
      assert.strictEqual((yield* ask(`http://127.0.0.1:${port}/healthz`)).status, 200);
    }),
  );

  it.live("does not answer a web page under another name of this machine", () =>
    Effect.gen(function* () {
      const { port } = yield* started();
      const asked = (host: string) =>
        raw(port, (socket) =>
          socket.write(`GET /signature HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`),
        );
      assert.match(yield* asked("evil.example"), /^HTTP\/1\.1 421 /);
      for (const host of ["localhost", `127.0.0.1:${port}`, "[::1]:1"]) {
        assert.match(yield* asked(host), /^HTTP\/1\.1 200 /);
      }
    }),
  );

  it.live("says when it cannot listen", () =>
    Effect.gen(function* () {
      const { port } = yield* started();
      const taken = yield* Effect.flip(started({ port }));
      assert.strictEqual(
        taken.message,
        `cannot listen on 127.0.0.1:${port} (EADDRINUSE). Another program listens there: choose another port with --port.`,
      );
    }),
  );
});

describe("Serve.run", () => {
  it.live("rejects with what to do when it cannot start", () =>
    Effect.gen(function* () {
      const stateFolder = yield* released;
      const rejection = (options: Partial<Serve.RunOptions>) =>
        Effect.promise(() =>
          Serve.run({ stateFolder, release: "trip-delay", port: 0, ...options }).then(
            () => "no error",
            (error: unknown) => (error instanceof Error ? error.message : "no Error"),
          ),
        );
      assert.include(yield* rejection({ release: "trip" }), "Did you mean");
      assert.include(yield* rejection({ host: "0.0.0.0" }), "without a token");
      assert.include(yield* rejection({ host: "0.0.0.0", token: "short" }), "is too short");
    }),
  );

  it.live("resolves when its signal aborts", () =>
    Effect.gen(function* () {
      const stateFolder = yield* released;
      const stop = new AbortController();
      let served = "";
      yield* Effect.promise(() =>
        Serve.run({
          stateFolder,
          release: "trip-delay@latest",
          port: 0,
          token: "correct-horse-battery",
          signal: stop.signal,
          onListening: ({ url }, { label }) => {
            served = `${label} at ${url}`;
            stop.abort();
          },
        }),
      );
      assert.match(served, /^trip-delay@1 at http:\/\/127\.0\.0\.1:\d+$/);
    }),
  );
});
