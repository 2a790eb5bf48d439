import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Artifact } from "@ml-pipe/core";
import { Onnx, Release } from "@ml-pipe/data";
import { Registry } from "@ml-pipe/deploy";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { afterAll, assert, beforeAll, describe, it } from "vitest";
import { candidate, request } from "../../packages/deploy/test-fixtures/trips.ts";
import { mlPipe, remove, start, type Started, workspace } from "./support.ts";

const cwd = workspace("releases");
const env = { ML_PIPE_STATE: "state" };
afterAll(() => remove(cwd));

beforeAll(() =>
  Effect.runPromise(
    Effect.flatMap(candidate(), (release) =>
      Registry.Registry.use((registry) => registry.publish(release)),
    ).pipe(
      Effect.provide(Registry.Registry.layer(join(cwd, "state"))),
      Effect.provide(Artifact.ArtifactStore.layer(join(cwd, "state"))),
    ),
  ),
);

const verb = (args: ReadonlyArray<string>, input?: string) =>
  mlPipe(args, { cwd, env, ...(input === undefined ? {} : { input }) });

const decodeLine = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)),
);
const lines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => decodeLine(line));

describe("releases", () => {
  it("lists them, as data too", async () => {
    const { code, out } = await verb(["releases"]);
    assert.strictEqual(code, 0);
    assert.match(
      out,
      /^trip-delay@1 {2}passed {2}warn passengers\? {2}acts from 0\.25 {2}2001-06-01 08:00:00Z$/m,
    );
    const decode = Schema.decodeUnknownSync(
      Schema.fromJsonString(Schema.Array(Release.AnyRelease)),
    );
    const [release] = decode((await verb(["releases", "--json"])).out);
    assert.propertyVal(release, "threshold", 0.25);
  });

  it("shows what a request carries", async () => {
    const { out } = await verb(["releases", "trip-delay"]);
    assert.match(out, /^ {2}km {4}int +km$/m);
    assert.match(out, /^ {2}rain {2}boolean or null/m);
    assert.match(out, /echo '\{"at":.+\}' \| ml-pipe predict trip-delay@1$/m);
  });

  it("suggests the name that was meant", async () => {
    const { code, err } = await verb(["releases", "trip-delya"]);
    assert.strictEqual(code, 2);
    assert.include(
      err,
      'ReleaseNotFound: there is no release "trip-delya". Did you mean trip-delay',
    );
    const empty = await mlPipe(["releases", "--state", "nowhere"], { cwd });
    assert.deepStrictEqual([empty.code, empty.out], [0, ""]);
    assert.include(empty.err, "nothing has been released in nowhere yet");
  });
});

describe("export", () => {
  it("writes the model as ONNX, whole or not at all", async () => {
    const { code, out, err } = await verb(["export", "trip-delay", "--onnx", "model.onnx"]);
    assert.strictEqual(code, 0, err);
    assert.match(out, /^model\.onnx: trip-delay@1 as ONNX, \d+ bytes$/m);
    assert.match(out, /takes rows × 4: km, hour, rain, lateLately$/m);
    const { inputs, outputs } = await Effect.runPromise(Onnx.inspect(join(cwd, "model.onnx")));
    assert.deepStrictEqual(
      [...inputs, ...outputs],
      [
        { name: "input", type: "float64", shape: ["rows", 4] },
        { name: "probability", type: "float64", shape: ["rows", 1] },
      ],
    );
    const nowhere = await verb([
      "export",
      "trip-delay",
      "--onnx",
      "no/folder/model.onnx",
      "--json",
    ]);
    assert.strictEqual(nowhere.code, 1);
    assert.include(nowhere.err, "no/folder/model.onnx");
  });
});

describe("predict", () => {
  const two = [request, { ...request, km: 4000 }];
  const expectTwo = (out: string) => {
    const found = lines(out);
    assert.deepStrictEqual(
      found.map(({ row, release }) => [row, release]),
      [
        [1, "trip-delay@1"],
        [2, "trip-delay@1"],
      ],
    );
    const [first = {}, second = {}] = found;
    assert.isNumber(first["probability"]);
    assert.notStrictEqual(first["probability"], second["probability"]);
  };

  it("reads NDJSON, a JSON array and CSV alike", async () => {
    const keys = Object.keys(request);
    const csv = [
      keys.join(),
      ...two.map((row) =>
        Object.values(row)
          .map((value) => (value === null ? "" : `"${value}"`))
          .join(),
      ),
    ].join("\r\n");
    const ndjson = two.map((row) => JSON.stringify(row)).join("\n");
    const answers = [];
    for (const input of [ndjson, JSON.stringify(two, undefined, 2), `\uFEFF${csv}\n`]) {
      const { code, out, err } = await verb(["predict", "trip-delay"], input);
      assert.strictEqual(code, 0, err);
      expectTwo(out);
      answers.push(out);
    }
    assert.strictEqual(new Set(answers).size, 1);
  });

  it("explains predictions if asked to", async () => {
    const { code, out, err } = await verb(
      ["predict", "trip-delay", "--explain"],
      JSON.stringify(two),
    );
    assert.strictEqual(code, 0, err);
    expectTwo(out);
    for (const { explanation } of lines(out)) assert.property(explanation, "contributions");
  });

  it("reads and writes files", async () => {
    writeFileSync(join(cwd, "rows.json"), JSON.stringify(two));
    const { code, out } = await verb([
      "predict",
      "trip-delay@1",
      "--in",
      "rows.json",
      "--out",
      "predictions.ndjson",
    ]);
    assert.deepStrictEqual([code, out], [0, ""]);
    expectTwo(readFileSync(join(cwd, "predictions.ndjson"), "utf8"));
  });

  it("answers each row in its place, also those that are not valid, and ends with 3", async () => {
    const input = [
      JSON.stringify(request),
      "{ nonsense",
      JSON.stringify({ ...request, km: "far", extra: 1 }),
      JSON.stringify(request).replace('"km":', '"km":NaN,"x":'),
    ].join("\n");
    const { code, out, err } = await verb(["predict", "trip-delay"], input);
    assert.strictEqual(code, 3);
    const [first, second, third, fourth] = lines(out);
    assert.isNumber(first?.["probability"]);
    assert.match(
      JSON.stringify(second),
      /"row":2,"problems":\[\{"field":"","expected":"a row","found":"not JSON: /,
    );
    assert.deepInclude(third?.["problems"], {
      field: "km",
      expected: "a whole number from 1 to 5000 (km)",
      found: '"far"',
    });
    assert.match(JSON.stringify(third), /an extra field/);
    assert.match(JSON.stringify(fourth), /not JSON/);
    assert.include(err, "3 rows of 4 could not be predicted");
  });

  it("says what is wrong with the file", async () => {
    const missing = await verb(["predict", "trip-delay", "--in", "nope.csv"]);
    assert.strictEqual(missing.code, 1);
    assert.include(missing.err, "nope.csv (ENOENT). Check that the path exists.");
    const empty = await verb(["predict", "trip-delay"], "");
    assert.strictEqual(empty.code, 2);
    assert.include(empty.err, "no rows in standard input");
  });
});

describe("serve", () => {
  it("refuses to be open to others without a token", async () => {
    const { code, err } = await verb(["serve", "trip-delay", "--port", "0", "--host", "0.0.0.0"]);
    assert.strictEqual(code, 1);
    assert.include(err, "Set ML_PIPE_SERVE_TOKEN to a secret of at least 16 characters");
  });

  let server: Started;
  let url = "";
  beforeAll(async () => {
    server = start(["serve", "trip-delay", "--port", "0"], { cwd, env });
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(await server.until("/predict (POST)"))?.[0] ?? "";
  });

  const post = async (
    body: string,
    headers: Record<string, string> = { "content-type": "application/json" },
  ) => {
    const response = await fetch(`${url}/predict`, { method: "POST", body, headers });
    const parsed: unknown = await response.json();
    return { status: response.status, body: parsed };
  };

  it("predicts one row, or a list", async () => {
    const one = await post(JSON.stringify(request));
    assert.strictEqual(one.status, 200);
    assert.deepInclude(one.body, { release: "trip-delay@1" });
    const list = await post(JSON.stringify([request, request]));
    assert.deepStrictEqual(list.body, [one.body, one.body]);
  });

  it("says everything that is wrong with a request", async () => {
    const { km: _, ...without } = request;
    const { status, body } = await post(JSON.stringify({ ...without, from: 3, more: true }));
    assert.strictEqual(status, 422);
    assert.deepStrictEqual(body, {
      error: "the request is not valid",
      problems: [
        { field: "from", expected: "text that matches [A-Z]{3}", found: "3" },
        {
          field: "km",
          expected: "a whole number from 1 to 5000 (km)",
          found: "nothing: the field is missing",
        },
        {
          field: "more",
          expected: "no other field than at, from, km, rain",
          found: "an extra field",
        },
      ],
    });
    const list = await post(JSON.stringify([request, { ...request, km: 0 }]));
    assert.strictEqual(list.status, 422);
    assert.include(JSON.stringify(list.body), '"field":"[1].km"');
  });

  it("refuses what is not JSON, NaN, an empty body, another type, method or path", async () => {
    const nan = await post(JSON.stringify(request).replace(/"km":\d+/, '"km":NaN'));
    assert.strictEqual(nan.status, 400);
    assert.match(JSON.stringify(nan.body), /the body is not JSON; NaN /);
    assert.include(JSON.stringify((await post("")).body), "the body is empty");
    assert.strictEqual((await post("km=1", { "content-type": "text/plain" })).status, 415);
    const got = await fetch(`${url}/predict`);
    assert.deepStrictEqual([got.status, got.headers.get("allow")], [405, "POST"]);
    const nowhere = await fetch(`${url}/nope`);
    assert.strictEqual(nowhere.status, 404);
    assert.include(
      await nowhere.text(),
      "there is nothing here: POST /predict, GET /signature, GET /healthz",
    );
  });

  it("refuses 50 MB, with or without a length, and goes on answering", async () => {
    const whole = await post("x".repeat(50 << 20));
    assert.strictEqual(whole.status, 413);
    const { status, text } = await raw(url, [
      "POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 52428800\r\n\r\n",
      "x".repeat(1_000),
    ]);
    assert.strictEqual(status, 413);
    assert.include(text, "the body is too large: send at most 1048576 bytes");
    const megabyte = `100000\r\n${"x".repeat(1 << 20)}\r\n`;
    const chunked = await raw(url, [
      "POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
      ...Array.from({ length: 50 }, () => megabyte),
    ]);
    assert.strictEqual(chunked.status, 413);
    assert.strictEqual((await post(JSON.stringify(request))).status, 200, "still answers");
  });

  it("tells its health and its signature", async () => {
    const health = await fetch(`${url}/healthz`);
    assert.strictEqual(health.status, 200);
    const { knownUntil, features, ...rest } = Object(await health.json());
    assert.deepStrictEqual(rest, { status: "live", release: "trip-delay@1" });
    assert.deepInclude(features[0], { feature: "lateLately", stale: true });
    assert.match(knownUntil, /^\d{4}-\d{2}-\d{2}T00:00:00\.000Z$/);
    const signature = await (await fetch(`${url}/signature`)).text();
    assert.include(signature, '"additionalProperties":false');
  });

  it("refuses a port that is taken", async () => {
    const { code, err } = await verb(["serve", "trip-delay", "--port", new URL(url).port]);
    assert.strictEqual(code, 1);
    assert.include(
      err,
      "(EADDRINUSE). Another program listens there: choose another port with --port",
    );
  });

  it("lets a request under way end when it is told to stop", async () => {
    const body = JSON.stringify(request);
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    const ended = new Promise((resolve) => socket.on("close", resolve));
    socket.write(
      `POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    server.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 200));
    socket.write(body.slice(5));
    await ended;
    assert.match(answer, /^HTTP\/1\.1 200 OK/);
    const { code } = await server.ended;
    assert.strictEqual(code, 0);
  });
});

/** Writes bytes as they are, and stops as soon as there is an answer. */
const raw = (url: string, parts: ReadonlyArray<string>) =>
  new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes("\r\n\r\n{")) return;
      socket.destroy();
      resolve({ status: Number(text.slice(9, 12)), text });
    });
    socket.on("error", (cause) => (text === "" ? reject(cause) : undefined));
    for (const part of parts) socket.write(part);
  });
