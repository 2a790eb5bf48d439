import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Effect from "effect/Effect";
import { createHash, createHmac } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { ingested, services } from "../ingest.fixture.ts";
import * as Location from "../Location.ts";
import * as Source from "../Source.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) =>
  createHmac("sha256", key).update(text).digest();

interface Signed {
  readonly method: string;
  readonly url: URL;
  readonly headers: { readonly [name: string]: string };
  readonly region: string;
  readonly secret: string;
}

/** AWS Signature Version 4 of a request, written from its specification, for the server's side. */
const signatureOf = ({ method, url, headers, region, secret }: Signed): string => {
  const names = Object.keys(headers).toSorted();
  const encode = (text: string) =>
    encodeURIComponent(text).replaceAll(
      /[!'()*]/g,
      (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join("&");
  const path = url.pathname
    .split("/")
    .map((part) => encode(decodeURIComponent(part)))
    .join("/");
  const canonical = [
    method,
    path,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    names.join(";"),
    headers["x-amz-content-sha256"],
  ].join("\n");
  const date = headers["x-amz-date"] ?? "";
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const key = scope
    .split("/")
    .reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${secret}`);
  return hmac(key, text).toString("hex");
};

const keys = { id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
const region = "eu-central-1";

/** A bucket of objects behind a server that refuses what is not signed with the keys. */
const bucket = (objects: { readonly [key: string]: string }, pageSize = 2) =>
  Effect.acquireRelease(
    Effect.callback<{ endpoint: string; close: () => void }>((resume) => {
      const server = http.createServer((request, response) => {
        const refuse = (status: number, code: string) =>
          response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
        const { authorization = "" } = request.headers;
        const [, credential = "", signed = "", signature = ""] =
          /^AWS4-HMAC-SHA256 Credential=(.*), ?SignedHeaders=(.*), ?Signature=(.*)$/.exec(
            authorization,
          ) ?? [];
        const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
        const expected = signatureOf({
          method: request.method ?? "",
          url,
          headers: Object.fromEntries(
            signed.split(";").map((name) => [name, String(request.headers[name])]),
          ),
          region,
          secret: keys.secret,
        });
        if (!credential.startsWith(`${keys.id}/`)) return refuse(403, "InvalidAccessKeyId");
        if (signature !== expected) return refuse(403, "SignatureDoesNotMatch");
        const [, name = "", ...rest] = url.pathname.split("/");
        if (name !== "lake") return refuse(404, "NoSuchBucket");
        const key = decodeURIComponent(rest.join("/"));
        if (key !== "") {
          const content = objects[key];
          if (content === undefined) return refuse(404, "NoSuchKey");
          response.writeHead(200, { etag: `"${sha256(content)}"` });
          return response.end(request.method === "HEAD" ? undefined : content);
        }
        const prefix = url.searchParams.get("prefix") ?? "";
        const after = url.searchParams.get("continuation-token") ?? "";
        const all = Object.keys(objects)
          .toSorted()
          .filter((one) => one.startsWith(prefix) && one > after);
        const page = all.slice(0, pageSize);
        const escape = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
        const contents = page.map(
          (one) =>
            `<Contents><Key>${escape(one)}</Key><ETag>&quot;${sha256(objects[one] ?? "")}&quot;</ETag></Contents>`,
        );
        const next =
          all.length > pageSize
            ? `<NextContinuationToken>${escape(page.at(-1) ?? "")}</NextContinuationToken>`
            : "";
        return response.end(`<ListBucketResult>${contents.join("")}${next}</ListBucketResult>`);
      });
      server.listen(0, "127.0.0.1", () => {
        // A server that listens on a port has an address of this type.
        const { port } = server.address() as AddressInfo;
        const close = () => {
          server.closeAllConnections();
          server.close();
        };
        resume(Effect.succeed({ endpoint: `http://127.0.0.1:${port}`, close }));
      });
    }),
    ({ close }) => Effect.sync(close),
  );

const Ride = Contract.make("ride", {
  version: "1",
  owner: "fleet",
  columns: { seats: Column.int(), day: Column.int() },
});

const withKeys =
  (secret: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(
      Effect.provide(services),
      Effect.provide(
        ConfigProvider.layer(
          ConfigProvider.fromUnknown({ AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: secret }),
        ),
      ),
    );

describe("Location.s3", () => {
  it("the test's own signature is that of AWS's published examples", () => {
    // Signature calculations: single chunk, examples "GET Object" and "GET Bucket (List Objects)".
    const empty = sha256("");
    const common = { "x-amz-content-sha256": empty, "x-amz-date": "20130524T000000Z" };
    const example = { method: "GET", region: "us-east-1", secret: keys.secret };
    const host = "examplebucket.s3.amazonaws.com";
    assert.strictEqual(
      signatureOf({
        ...example,
        url: new URL(`https://${host}/test.txt`),
        headers: { ...common, host, range: "bytes=0-9" },
      }),
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    assert.strictEqual(
      signatureOf({
        ...example,
        url: new URL(`https://${host}/?max-keys=2&prefix=J`),
        headers: { ...common, host },
      }),
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
  });

  it.live("all objects under a prefix, page by page, whatever their keys", () =>
    Effect.gen(function* () {
      const { endpoint } = yield* bucket({
        "rides/day=1/a b+c&d.csv": "seats\n1\n",
        "rides/day=2/é~(x)*'!.csv": "seats\n2\n",
        "rides/day=3/z.csv": "seats\n3\n",
        "rides/day=3/note.txt": "no data",
        "rides/day=4/": "",
        "other.csv": "seats\n9\n",
      });
      const location = Location.s3({
        bucket: "lake",
        prefix: "rides/",
        suffix: ".csv",
        endpoint,
        region,
      });
      const source = Source.csv(location, { partitions: true });
      const { rows } = yield* ingested(source, { contract: Ride });
      assert.deepStrictEqual(rows, [
        { seats: "1", day: "1" },
        { seats: "2", day: "2" },
        { seats: "3", day: "3" },
      ]);
      const versions = (yield* source.versions) ?? [];
      assert.deepStrictEqual(versions[2], {
        name: "s3://lake/rides/day=3/z.csv",
        version: `"${sha256("seats\n3\n")}"`,
      });
      assert.deepStrictEqual(
        versions,
        (yield* Effect.scoped(source.open({ contract: Ride }))).versions,
      );
      assert.notInclude(JSON.stringify([source.params, source.label]), keys.secret);
    }).pipe(withKeys(keys.secret)),
  );

  it.live("one object; no such object, no object, no such bucket", () =>
    Effect.gen(function* () {
      const { endpoint } = yield* bucket({ "a.csv": "seats,day\n1,2\n" });
      const at = (options: Partial<Location.S3Options>) =>
        ingested(Source.csv(Location.s3({ bucket: "lake", endpoint, region, ...options })), {
          contract: Ride,
        });
      assert.deepStrictEqual((yield* at({ key: "a.csv" })).rows, [{ seats: "1", day: "2" }]);
      const missing = yield* Effect.flip(at({ key: "b.csv" }));
      assert.include(missing.message, "the server answers 404 NoSuchKey");
      const none = yield* Effect.flip(at({ prefix: "x/" }));
      assert.strictEqual(none._tag, "NoFiles");
      assert.include(
        (yield* Effect.flip(at({ bucket: "sea", prefix: "" }))).message,
        "NoSuchBucket",
      );
    }).pipe(withKeys(keys.secret)),
  );

  it.live("wrong keys are said, not shown", () =>
    Effect.gen(function* () {
      const { endpoint } = yield* bucket({ "a.csv": "seats,day\n1,2\n" });
      const source = Source.csv(Location.s3({ bucket: "lake", key: "a.csv", endpoint, region }));
      const error = yield* Effect.flip(ingested(source, { contract: Ride }));
      assert.include(error.message, "403 SignatureDoesNotMatch. Check the secrets");
      assert.notInclude(JSON.stringify(error), "wrong-secret");
    }).pipe(withKeys("wrong-secret")),
  );

  it("refuses what names no object or two", () => {
    assert.throws(() => Location.s3({ bucket: "lake" }), "either a key or a prefix");
    assert.throws(() => Location.s3({ bucket: "lake", key: "a", prefix: "b" }));
  });
});
