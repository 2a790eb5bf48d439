/** The HTTP server itself. Loaded when a server starts, so that nothing else waits for it. */
import { createServer, type Server } from "node:http";
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer";
import * as ByteSize from "effect/ByteSize";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { HttpServerError } from "effect/http/HttpServerError";
import { HttpServerRequest, MaxBodySize } from "effect/http/HttpServerRequest";
import * as HttpServerResponse from "effect/http/HttpServerResponse";
import type * as Scope from "effect/Scope";
import {
  type Answer,
  answerBody,
  answerHead,
  refuse,
  type Settings,
  tooLarge,
  wantsExplanation,
} from "./answer.ts";

/** A request that was answered: no header and no payload. */
export interface AccessEntry {
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly millis: number;
  /** How many predictions the answer held. */
  readonly predictions: number;
  readonly release: string;
}

/** How the server listens and stops. */
export interface ListenOptions extends Settings {
  readonly host: string;
  readonly port: number;
  readonly requestTimeoutMillis: number;
  readonly shutdownTimeoutMillis: number;
  readonly log: (entry: AccessEntry) => void;
}

/** Why a server could not listen. */
export interface ListenFailure {
  readonly code: string;
}

/** Listens until the scope closes; then answers what is in flight, for a bounded time. */
export const listen = Effect.fnUntraced(function* (
  options: ListenOptions,
): Effect.fn.Return<{ readonly port: number }, ListenFailure, Scope.Scope> {
  const { host, port, requestTimeoutMillis, shutdownTimeoutMillis } = options;
  const node = createServer({
    requestTimeout: requestTimeoutMillis,
    headersTimeout: requestTimeoutMillis,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: Math.min(1_000, requestTimeoutMillis),
  });
  const server = yield* NodeHttpServer.make(() => node, {
    host,
    port,
    disablePreemptiveShutdown: true,
  }).pipe(Effect.mapError(({ cause }): ListenFailure => ({ code: codeOf(cause) })));
  let stopping = false;
  yield* server.serve(
    handle(options, () => stopping).pipe(
      Effect.provideService(MaxBodySize, ByteSize.bytes(options.maxBodyBytes)),
    ),
  );
  // Finalizers run last first: the handler is still there while this one waits.
  yield* Effect.addFinalizer(() => {
    stopping = true;
    return Effect.promise(() => close(node, shutdownTimeoutMillis));
  });
  return { port: portOf(node) };
});

/** Accepts nothing new, waits for what is in flight, and cuts off what does not end in time. */
const close = (server: Server, timeoutMillis: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), timeoutMillis);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });

const handle = (options: ListenOptions, isStopping: () => boolean) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest;
    const clock = yield* Clock.Clock;
    const start = clock.currentTimeMillisUnsafe();
    const [path = "", search = ""] = request.url.split("?", 2);
    const answered = ({ status, predictions = 0 }: Pick<Answer, "status" | "predictions">) => {
      const now = clock.currentTimeMillisUnsafe();
      options.log({
        at: new Date(start).toISOString(),
        method: request.method.slice(0, 20),
        path: path.slice(0, 200),
        status,
        millis: now - start,
        predictions,
        release: options.predictor.label,
      });
    };
    const answer = yield* answerTo(request, path, search, options).pipe(
      // 499: the caller went away.
      Effect.onInterrupt(() => Effect.sync(() => answered({ status: 499 }))),
    );
    answered(answer);
    const { status, body, headers = {} } = answer;
    return HttpServerResponse.jsonUnsafe(body, {
      status,
      headers: isStopping() ? { ...headers, connection: "close" } : headers,
    });
  });

const answerTo = (
  request: HttpServerRequest,
  path: string,
  search: string,
  settings: Settings,
): Effect.Effect<Answer> => {
  const head = { method: request.method, path, header: (name: string) => request.headers[name] };
  const known = answerHead(head, settings);
  if (known !== undefined) return known;
  return request.arrayBuffer.pipe(
    Effect.flatMap((bytes) => answerBody(bytes, settings.predictor, wantsExplanation(search))),
    Effect.catch((error) =>
      error._tag === "OnnxFailed"
        ? unanswered(error)
        : Effect.succeed(unread(error, settings.maxBodyBytes)),
    ),
    Effect.catchDefect(unanswered),
  );
};

const unanswered = (cause: unknown): Effect.Effect<Answer> =>
  Effect.as(
    Effect.logError("a request could not be answered", cause),
    refuse(500, "the server could not answer this request; its log says why"),
  );

const unread = ({ reason }: HttpServerError, maxBodyBytes: number): Answer =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
    ? tooLarge(maxBodyBytes)
    : refuse(400, "the body could not be read to its end", [], { connection: "close" });

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
