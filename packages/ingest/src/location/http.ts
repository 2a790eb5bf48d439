/** Files at HTTP and HTTPS addresses. */
import { Artifact, Digest } from "@ml-pipe/core";
import type * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import {
  askVersion,
  download,
  type DownloadLimits,
  type HeadersFor,
} from "../internal/download.ts";
import type { Location } from "../Location.ts";
import type { DownloadFailed } from "../SourceError.ts";

/** How files are asked for over HTTP. */
export interface HttpOptions extends DownloadLimits {
  /** Headers that everybody may know. */
  readonly headers?: { readonly [name: string]: string };
  /**
   * Headers with secrets, such as a token (see {@link bearer}). They are sent to
   * the origin of the address only, and are part of nothing that is recorded.
   */
  readonly secretHeaders?: { readonly [name: string]: Config.Config<Redacted.Redacted> };
}

/** What can be wrong with files at HTTP addresses. */
export type HttpError = DownloadFailed | Config.ConfigError;

/**
 * One file or several of one shape at HTTP(S) addresses. Each is downloaded to a temporary file first.
 * Whether it has changed is known by its `ETag` or `Last-Modified`; a server that names neither is asked
 * for the whole file in every run.
 *
 * Fails with {@link DownloadFailed}. Throws a `TypeError` for an address that is none, or that has a
 * password, a token or a signature in it.
 *
 * @example
 * ```ts
 * import { Location, Source } from "@ml-pipe/ingest";
 * import * as Config from "effect/Config";
 *
 * const rates = Source.csv(
 *   Location.http("https://example.org/rates.csv", {
 *     secretHeaders: { authorization: Config.map(Config.Redacted("RATES_TOKEN"), Location.bearer) },
 *     maxSize: "200 MiB",
 *     timeout: "2 minutes",
 *   }),
 * );
 * ```
 */
export const http = (
  address: string | ReadonlyArray<string>,
  options: HttpOptions = {},
): Location<HttpError> => {
  const urls = (typeof address === "string" ? [address] : address).map(urlOf);
  const names = urls.map(({ href }) => href);
  const headersFrom = Effect.map(secretsOf(options.secretHeaders ?? {}), (secrets) =>
    headersForOrigin(options.headers ?? {}, secrets),
  );
  return {
    label: names.join(", "),
    params: { http: names, headers: Digest.ofJson(options.headers ?? {}) },
    versions: Effect.gen(function* () {
      const headersFor = yield* headersFrom;
      const versions = yield* Effect.forEach(
        urls,
        (url) => askVersion(url, headersFor(url), options),
        { concurrency: 4 },
      );
      const known = versions.flatMap((version, index) =>
        version === undefined ? [] : [{ name: names[index] ?? "", version }],
      );
      return known.length < urls.length ? undefined : known;
    }),
    open: Effect.fnUntraced(function* (only) {
      const store = yield* Artifact.ArtifactStore;
      const folder = yield* store.temporaryFolder;
      const headersFor = yield* headersFrom;
      const files = yield* Effect.forEach(
        urls.filter(({ href }) => only?.has(href) ?? true),
        (url, index) => {
          const path = `${folder}/download-${index}`;
          return Effect.map(download(url, path, headersFor(url), options), (version) => ({
            name: url.href,
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

/**
 * A token as the value of an `authorization` header.
 *
 * @example
 * ```ts
 * import { Location } from "@ml-pipe/ingest";
 * import * as Config from "effect/Config";
 *
 * const secretHeaders = { authorization: Config.map(Config.Redacted("TOKEN"), Location.bearer) };
 * ```
 */
export const bearer = (token: Redacted.Redacted): Redacted.Redacted =>
  Redacted.make(`Bearer ${Redacted.value(token)}`);

/** Everything in an address is recorded, so that no secret may be in it, nor in what is said about it. */
const urlOf = (address: string): URL => {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const shown = address.replace(/\/\/[^/]*@/, "//…@");
    throw new TypeError(`Location.http: ${shown} is no http or https address`);
  }
  const secret =
    url.username + url.password === ""
      ? [...url.searchParams.keys()].find((name) => secretNames.test(name))
      : "a user or a password";
  if (secret !== undefined) {
    throw new TypeError(
      `Location.http: the address of ${url.host} has ${secret} in it, which would be recorded; use secretHeaders`,
    );
  }
  return url;
};

const secretNames =
  /^(?:access_?token|token|api_?key|password|secret|sig|(?:x-(?:amz|goog)-)?signature)$/i;

const secretsOf = Effect.fnUntraced(function* (
  configs: NonNullable<HttpOptions["secretHeaders"]>,
): Effect.fn.Return<ReadonlyArray<readonly [string, string]>, Config.ConfigError> {
  const secrets: Array<readonly [string, string]> = [];
  for (const [name, config] of Object.entries(configs)) {
    secrets.push([name, Redacted.value(yield* config)]);
  }
  return secrets;
});

/** Secrets go to the origin that they are for, not to where it redirects. */
const headersForOrigin =
  (
    headers: { readonly [name: string]: string },
    secrets: ReadonlyArray<readonly [string, string]>,
  ) =>
  (first: URL): HeadersFor =>
  async (url) => {
    const all = new Headers(headers);
    if (url.origin === first.origin) for (const [name, value] of secrets) all.set(name, value);
    return all;
  };
