/** Files in S3 and in storage that speaks its protocol. */
import { Artifact } from "@ml-pipe/core";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Redacted from "effect/Redacted";
import {
  ask,
  askVersion,
  download,
  type DownloadLimits,
  type HeadersFor,
} from "../internal/download.ts";
import type { Location } from "../Location.ts";
import { NoFiles } from "../SourceError.ts";
import type { Version } from "../Source.ts";
import type { HttpError } from "./http.ts";

/** Where objects are, and how they are asked for. */
export interface S3Options extends DownloadLimits {
  readonly bucket: string;
  /** One object. Either this, or `prefix`. */
  readonly key?: string;
  /** All objects whose key begins with it, in the order of their keys. */
  readonly prefix?: string;
  /** Of those, only keys that end with it, such as `.parquet`. */
  readonly suffix?: string;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Address of another service, such as `https://minio.example.org`. Default: that of AWS. */
  readonly endpoint?: string;
  /** Whether the bucket is in the path, not in the host. Default: with an `endpoint`. */
  readonly pathStyle?: boolean;
  /** Whether the bucket is public, so that nothing is signed. Default `false`. */
  readonly anonymous?: boolean;
  /** Default `Config.Redacted("AWS_ACCESS_KEY_ID")`. */
  readonly accessKeyId?: Config.Config<Redacted.Redacted>;
  /** Default `Config.Redacted("AWS_SECRET_ACCESS_KEY")`. */
  readonly secretAccessKey?: Config.Config<Redacted.Redacted>;
  /** Default `Config.Redacted("AWS_SESSION_TOKEN")`, if there is one. */
  readonly sessionToken?: Config.Config<Redacted.Redacted>;
}

/** What can be wrong with files in S3. */
export type S3Error = HttpError | NoFiles;

/**
 * Objects of a bucket. Requests are signed (AWS Signature Version 4); a changed object is known by its
 * `ETag`. Each is downloaded to a temporary file first.
 *
 * @example
 * ```ts
 * import { Location, Source } from "@ml-pipe/ingest";
 *
 * const trips = Source.parquet(
 *   Location.s3({ bucket: "lake", prefix: "trips/", suffix: ".parquet", region: "eu-central-1" }),
 *   { partitions: true },
 * );
 * ```
 */
export const s3 = (options: S3Options): Location<S3Error> => {
  const { bucket, key, prefix, suffix = "", region = "us-east-1", endpoint } = options;
  if ((key === undefined) === (prefix === undefined)) {
    throw new TypeError("Location.s3: name either a key or a prefix");
  }
  const label = `s3://${bucket}/${key ?? `${prefix}*${suffix}`}`;
  const { pathStyle = endpoint !== undefined } = options;
  const base = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
  if (!pathStyle) base.host = `${bucket}.${base.host}`;
  const root = `${base.origin}${base.pathname.replace(/\/$/, "")}${pathStyle ? `/${bucket}` : ""}`;
  const urlOf = (name: string) =>
    new URL(`${root}/${name.split("/").map(encodeURIComponent).join("/")}`);

  const list = Effect.fnUntraced(function* (headersFor: HeadersFor) {
    const found: Array<{ readonly key: string; readonly version: string }> = [];
    let after: string | undefined;
    do {
      const url = new URL(`${root}/`);
      url.searchParams.set("list-type", "2");
      url.searchParams.set("prefix", prefix ?? "");
      if (after !== undefined) url.searchParams.set("continuation-token", after);
      const page = yield* ask(url, headersFor, options);
      for (const [, content = ""] of page.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        const name = element(content, "Key") ?? "";
        if (!name.endsWith(suffix) || name.endsWith("/")) continue;
        found.push({ key: name, version: element(content, "ETag") ?? "" });
      }
      after = element(page, "NextContinuationToken");
    } while (after !== undefined);
    if (found.length === 0) {
      return yield* new NoFiles({
        location: label,
        next: "Check the bucket, the prefix and the suffix.",
      });
    }
    return found.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  });
  const keys = Effect.fnUntraced(function* (headersFor: HeadersFor) {
    return key === undefined ? (yield* list(headersFor)).map((one) => one.key) : [key];
  });
  const nameOf = (one: string) => `s3://${bucket}/${one}`;

  return {
    label,
    params: { s3: root, key: key ?? null, prefix: prefix ?? null, suffix },
    versions: Effect.gen(function* () {
      const headersFor = yield* signer(options, region);
      if (key !== undefined) {
        const version = yield* askVersion(urlOf(key), headersFor, options);
        return version === undefined ? undefined : [{ name: nameOf(key), version }];
      }
      const found = yield* list(headersFor);
      return found.map((one): Version => ({ name: nameOf(one.key), version: one.version }));
    }),
    open: Effect.fnUntraced(function* (only) {
      const store = yield* Artifact.ArtifactStore;
      const folder = yield* store.temporaryFolder;
      const headersFor = yield* signer(options, region);
      const wanted = (yield* keys(headersFor)).filter((one) => only?.has(nameOf(one)) ?? true);
      const files = yield* Effect.forEach(
        wanted,
        (one, index) => {
          const path = `${folder}/download-${index}`;
          return Effect.map(download(urlOf(one), path, headersFor, options), (version) => ({
            name: nameOf(one),
            path,
            ...(version === undefined ? {} : { version }),
          }));
        },
        { concurrency: 4 },
      );
      return { files, folder };
    }),
  };
};

/** The text of the first element of a name. S3 escapes five characters. */
const element = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>(.*?)</${name}>`, "s")
    .exec(xml)?.[1]
    ?.replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#34;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

/** Signs requests with the secrets of the configuration, which it asks for now. */
const signer = Effect.fnUntraced(function* (
  options: S3Options,
  region: string,
): Effect.fn.Return<HeadersFor, Config.ConfigError> {
  if (options.anonymous === true) return () => Promise.resolve(new Headers());
  const accessKeyId = yield* options.accessKeyId ?? Config.Redacted("AWS_ACCESS_KEY_ID");
  const secretAccessKey = yield* (
    options.secretAccessKey ?? Config.Redacted("AWS_SECRET_ACCESS_KEY")
  );
  const token = options.sessionToken ?? Config.Redacted("AWS_SESSION_TOKEN");
  const sessionToken = Option.getOrUndefined(
    yield* options.sessionToken === undefined
      ? Config.option(token)
      : Config.map(token, Option.some),
  );
  return async (url, method) => {
    const { AwsV4Signer } = await import("aws4fetch");
    const signed = await new AwsV4Signer({
      method,
      url: url.href,
      headers: { "accept-encoding": "identity" },
      accessKeyId: Redacted.value(accessKeyId),
      secretAccessKey: Redacted.value(secretAccessKey),
      ...(sessionToken === undefined ? {} : { sessionToken: Redacted.value(sessionToken) }),
      service: "s3",
      region,
    }).sign();
    return new Headers(signed.headers);
  };
});
