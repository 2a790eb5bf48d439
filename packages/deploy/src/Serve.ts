/**
 * Serving a release over HTTP: `POST /predict`, `GET /signature`, `GET /healthz`. Every request is
 * checked against the release's contract, and every refusal is a JSON document that says what to change.
 */
import { FeatureStoreRedis, type OnlineFeatures } from "@ml-pipe/data";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Redacted from "effect/Redacted";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import type { AccessEntry } from "./internal/httpServer.ts";
import * as Predictor from "./Predictor.ts";
import * as Recording from "./Recording.ts";
import type { GetError } from "./Registry.ts";

export type { AccessEntry } from "./internal/httpServer.ts";

/** The variable of the environment with the token that callers must send. */
export const tokenVariable = "ML_PIPE_SERVE_TOKEN";

/** Tokens shorter than this could be guessed. */
const minTokenLength = 16;

/** The server would be open to others without a token, or with one that is easily guessed. */
export class TokenRequired extends Schema.TaggedError<TokenRequired>()("TokenRequired", {
  host: Schema.String,
  problem: Schema.Literals(["absent", "short"]),
}) {
  override get message(): string {
    return this.problem === "absent"
      ? `refused to listen on ${this.host}, which others can reach, without a token. Set ${tokenVariable} to a secret of at least ${minTokenLength} characters, or listen on 127.0.0.1.`
      : `the token is too short. Set ${tokenVariable} to a secret of at least ${minTokenLength} characters without spaces.`;
  }
}

/** The address cannot be listened on: taken, forbidden or not of this machine. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  host: Schema.String,
  port: Schema.Int,
  code: Schema.String,
}) {
  override get message(): string {
    const next = {
      EADDRINUSE: "Another program listens there: choose another port with --port.",
      EACCES: "This user may not use that port: choose one from 1024 on with --port.",
      EADDRNOTAVAIL: "This machine has no such address: choose another with --host.",
      ENOTFOUND: "There is no such host: choose another with --host.",
    }[this.code];
    return `cannot listen on ${this.host}:${this.port} (${this.code}). ${next ?? "Choose another address with --host and --port."}`;
  }
}

/** How a release is served. */
export interface ServeOptions {
  readonly predictor: Predictor.Predictor;
  /** Default `127.0.0.1`: only this machine. Any other address needs a token. */
  readonly host?: string;
  /** Default 8080; 0 takes a free one. */
  readonly port?: number;
  /** Larger bodies are refused unread. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** What callers must send as `authorization: Bearer …`. */
  readonly token?: Redacted.Redacted<string> | undefined;
  /** How long a caller may take to send a request. Default 10 seconds. */
  readonly requestTimeout?: Duration.Input;
  /** How long requests in flight may take when the server stops. Default 10 seconds. */
  readonly shutdownTimeout?: Duration.Input;
  /** Told of each request, without headers and payloads. Default: nobody. */
  readonly log?: (entry: AccessEntry) => void;
  /** Records requests and the features computed for them. Default: nothing is recorded. */
  readonly record?: Recording.RecordingOptions;
}

/** A server that listens. */
export interface Server {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** What starting a server can fail with. */
export type ServeError = TokenRequired | ListenError;

/**
 * Serves a release until the scope closes. It then accepts nothing new, answers what is in flight, and
 * closes after `shutdownTimeout` at the latest.
 *
 * @example
 * ```ts
 * import { type Predictor, Serve } from "@ml-pipe/deploy";
 * import * as Effect from "effect/Effect";
 *
 * const forever = (predictor: Predictor.Predictor) =>
 *   Effect.scoped(
 *     Effect.gen(function* () {
 *       const { url } = yield* Serve.server({ predictor, port: 8080 });
 *       yield* Effect.logInfo(`serving ${predictor.label} at ${url}`);
 *       return yield* Effect.never;
 *     }),
 *   );
 * ```
 */
export const server: (options: ServeOptions) => Effect.Effect<Server, ServeError, Scope.Scope> =
  Effect.fnUntraced(function* (options) {
    const { host = "127.0.0.1", port = 8080, token, record } = options;
    if (token === undefined && !isLoopback(host)) {
      return yield* new TokenRequired({ host, problem: "absent" });
    }
    if (token !== undefined && !isToken(Redacted.value(token))) {
      return yield* new TokenRequired({ host, problem: "short" });
    }
    const predictor =
      record === undefined ? options.predictor : yield* Recording.record(options.predictor, record);
    const { listen } = yield* Effect.promise(() => import("./internal/httpServer.ts"));
    const listening = yield* listen({
      predictor,
      token,
      host,
      port,
      maxBodyBytes: options.maxBodyBytes ?? 1024 * 1024,
      requestTimeoutMillis: millis(options.requestTimeout ?? "10 seconds"),
      shutdownTimeoutMillis: millis(options.shutdownTimeout ?? "10 seconds"),
      log: options.log ?? (() => {}),
    }).pipe(Effect.mapError(({ code }) => new ListenError({ host, port, code })));
    const name = host.includes(":") ? `[${host}]` : host;
    return { host, port: listening.port, url: `http://${name}:${listening.port}` };
  });

const millis = (input: Duration.Input): number =>
  Duration.toMillis(Duration.fromInputUnsafe(input));

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);

const isToken = (token: string): boolean => token.length >= minTokenLength && /^\S+$/.test(token);

/** How {@link run} serves. */
export interface RunOptions extends Omit<ServeOptions, "predictor" | "token"> {
  /** Where releases and artifacts are, such as `.ml-pipe`. */
  readonly stateFolder: string;
  /** `flight-delay@3`, `flight-delay@latest` or `flight-delay`. */
  readonly release: string;
  /** Default: `ML_PIPE_SERVE_TOKEN` of the environment. */
  readonly token?: string | undefined;
  /**
   * Reads the state of histories from the feature store (see `FeatureStoreRedis.configured`), which is kept
   * fresh. Default: from the release, as it was when that was made.
   */
  readonly store?: OnlineFeatures.StateOptions | undefined;
  /** Stops the server. */
  readonly signal?: AbortSignal;
  /** Told when the server listens. */
  readonly onListening?: (server: Server, predictor: Predictor.Predictor) => void;
}

/** What {@link run} rejects with. */
export type RunError = ServeError | GetError | Predictor.StoreLoadError;

/**
 * Serves a release of a state folder until the signal aborts. Resolves when the server has stopped;
 * rejects with an error whose message says what to do if it cannot start.
 *
 * @example
 * ```ts
 * import { Serve } from "@ml-pipe/deploy";
 *
 * const serve = (signal: AbortSignal): Promise<void> =>
 *   Serve.run({ stateFolder: ".ml-pipe", release: "flight-delay", signal });
 * ```
 */
export const run = async (options: RunOptions): Promise<void> => {
  const { stateFolder, release, signal, onListening, token: given, store, ...rest } = options;
  const secret = given ?? process.env[tokenVariable];
  const token = secret === undefined || secret === "" ? undefined : Redacted.make(secret);
  const program = Effect.gen(function* () {
    const predictor =
      store === undefined
        ? yield* Predictor.open(stateFolder, release)
        : yield* Predictor.openWithStore(stateFolder, release, store).pipe(
            Effect.provide(yield* Layer.build(FeatureStoreRedis.configured(stateFolder))),
          );
    const listening = yield* server({ ...rest, predictor, token });
    onListening?.(listening, predictor);
    yield* aborted(signal);
  });
  await Effect.runPromise(Effect.scoped(program));
};

const aborted = (signal: AbortSignal | undefined): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const done = () => resume(Effect.void);
    if (signal?.aborted === true) return done();
    signal?.addEventListener("abort", done, { once: true });
  });
