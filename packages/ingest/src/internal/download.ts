/** Downloads a file over HTTP(S) into a folder, within limits; what can go wrong has a type. */
import * as fs from "node:fs/promises";
import * as ByteSize from "effect/ByteSize";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import { DownloadFailed } from "../SourceError.ts";

/** Limits of a download. */
export interface DownloadLimits {
  /** For the whole of it, redirects and body. Default 10 minutes. */
  readonly timeout?: Duration.Input;
  /** Default 4 GiB. */
  readonly maxSize?: ByteSize.Input;
  /** Further attempts where another may succeed (429, 5xx, a lost connection). Default 3. */
  readonly retries?: number;
  /** Before the first further attempt; doubled before each of the next. Default 1 second. */
  readonly backoff?: Duration.Input;
}

/** The headers of a request to a URL; asked again for each redirect. */
export type HeadersFor = (url: URL, method: "GET" | "HEAD") => Promise<Headers>;

/** What a server says about a file: enough to know whether it is another one. */
export const versionOf = (headers: Headers): string | undefined => {
  const etag = headers.get("etag");
  if (etag !== null) return etag;
  const modified = headers.get("last-modified");
  return modified === null ? undefined : `${modified} ${headers.get("content-length") ?? ""}`;
};

/** Asks for the headers of a file only. A server that does not answer such questions says nothing. */
export const askVersion = (
  url: URL,
  headersFor: HeadersFor,
  limits: DownloadLimits,
): Effect.Effect<string | undefined, DownloadFailed> =>
  attempts(url, limits, async (signal) => {
    const response = await request(url, "HEAD", headersFor, signal);
    if (response.status === 405 || response.status === 501) return undefined;
    await mustBeOk(url, response);
    return versionOf(response.headers);
  });

/** Downloads a file; its version, if the server names one. */
export const download = (
  url: URL,
  to: string,
  headersFor: HeadersFor,
  limits: DownloadLimits,
): Effect.Effect<string | undefined, DownloadFailed> => {
  const { maxSize = 4 * 2 ** 30 }: { readonly maxSize?: ByteSize.Input } = limits;
  const most = ByteSize.toNumberUnsafe(ByteSize.fromInputUnsafe(maxSize));
  return attempts(url, limits, async (signal) => {
    const response = await request(url, "GET", headersFor, signal);
    await mustBeOk(url, response);
    const type = response.headers.get("content-type") ?? "";
    if (/^text\/html\b/i.test(type)) {
      await response.body?.cancel();
      throw failed(
        url,
        `it is a web page (${type}), not data`,
        "Check the address; a page to log in looks like this too.",
      );
    }
    const length = response.headers.get("content-length");
    const encoded = response.headers.has("content-encoding");
    const tooLarge = () =>
      failed(url, `it is larger than ${most} bytes`, "Raise maxSize if that is meant.");
    if (length !== null && Number(length) > most) {
      await response.body?.cancel();
      throw tooLarge();
    }
    const file = await fs.open(to, "w");
    let bytes = 0;
    try {
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length;
        if (bytes > most) throw tooLarge();
        await file.writeFile(chunk);
      }
    } catch (cause) {
      if (cause instanceof DownloadFailed || signal.aborted) throw cause;
      throw transient(
        url,
        `it was cut off after ${bytes}${length === null ? "" : ` of ${length}`} bytes`,
      );
    } finally {
      await file.close();
    }
    if (length !== null && !encoded && Number(length) !== bytes) {
      throw transient(url, `it was cut off after ${bytes} of ${length} bytes`);
    }
    return versionOf(response.headers);
  });
};

/** A request whose body is read as text: a listing. */
export const ask = (
  url: URL,
  headersFor: HeadersFor,
  limits: DownloadLimits,
): Effect.Effect<string, DownloadFailed> =>
  attempts(url, limits, async (signal) => {
    const response = await request(url, "GET", headersFor, signal);
    await mustBeOk(url, response);
    return response.text();
  });

const failed = (url: URL, problem: string, next: string) =>
  new DownloadFailed({ url: shown(url), problem, next, transient: false });

const transient = (url: URL, problem: string) =>
  new DownloadFailed({
    url: shown(url),
    problem,
    next: "It was tried several times: see whether the server is well, then run again.",
    transient: true,
  });

const shown = (url: URL) => url.href;

const maxRedirects = 5;

const request = async (
  url: URL,
  method: "GET" | "HEAD",
  headersFor: HeadersFor,
  signal: AbortSignal,
): Promise<Response> => {
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const headers = await headersFor(at, method);
    // What is compressed on the way cannot be compared with its length.
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
    const response = await fetch(at, { method, headers, redirect: "manual", signal });
    const location = response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = new URL(location, at);
    if (redirects >= maxRedirects) {
      throw failed(
        url,
        `it redirects more than ${maxRedirects} times`,
        "Name the address where it ends.",
      );
    }
    if (
      !/^https?:$/.test(next.protocol) ||
      (at.protocol === "https:" && next.protocol === "http:")
    ) {
      throw failed(
        url,
        `it redirects to ${next.protocol}//${next.host}, which is not safe`,
        "Name an address over https.",
      );
    }
    at = next;
  }
};

const mustBeOk = async (url: URL, response: Response): Promise<void> => {
  const { status, statusText } = response;
  if (status === 200) return;
  const body = (await response.text().catch(() => "")).slice(0, 1 << 16);
  // S3 says in XML what is wrong.
  const code = /<Code>([\w.]+)<\/Code>/.exec(body)?.[1];
  const problem = `the server answers ${status} ${code ?? statusText}`.trim();
  if (status === 429 || status >= 500) throw transient(url, problem);
  const next =
    status === 404 || status === 410
      ? "Check the address: there is no such file."
      : status === 401 || status === 403
        ? "Check the secrets, and what they give access to."
        : "Check the address.";
  throw failed(url, problem, next);
};

const attempts = <A>(
  url: URL,
  limits: DownloadLimits,
  run: (signal: AbortSignal) => Promise<A>,
): Effect.Effect<A, DownloadFailed> => {
  const timeout = Duration.fromInputUnsafe(limits.timeout ?? "10 minutes");
  return Effect.tryPromise({
    try: run,
    catch: (cause) =>
      cause instanceof DownloadFailed ? cause : transient(url, networkProblem(cause)),
  }).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(transient(url, `it took longer than ${Duration.format(timeout)}`)),
    }),
    Effect.retry({
      times: limits.retries ?? 3,
      schedule: Schedule.exponential(limits.backoff ?? "1 second"),
      while: (error) => error.transient,
    }),
  );
};

/** What `fetch` says is in the cause of its error. */
const networkProblem = (cause: unknown): string => {
  const inner = cause instanceof Error ? (cause.cause ?? cause) : cause;
  if (!(inner instanceof Error)) return String(inner);
  const code = "code" in inner ? String(inner.code) : "";
  return code === "" || inner.message.includes(code) ? inner.message : `${inner.message} (${code})`;
};
