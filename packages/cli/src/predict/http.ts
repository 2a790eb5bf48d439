/** Predictions over HTTP: what each request gets. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Predictor, Request } from "@ml-pipe/deploy";
import * as Result from "effect/Result";

/** Whether the server is about to stop. */
export interface Health {
  stopping: boolean;
}

/** A body may be this long. */
const maxBytes = 1 << 20;

/** What a caller still sends after it was refused is read and dropped, up to here. */
const maxDroppedBytes = 64 << 20;

/** A list may have so many rows. */
const maxRows = 1_000;

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: { readonly [name: string]: string };
}

/** Answers requests with one release. */
export const handler = (predictor: Predictor.Predictor, health: Health): RequestListener => {
  const routes: { readonly [path: string]: { readonly [method: string]: Route } } = {
    "/predict": { POST: (request) => predict(predictor, request) },
    "/signature": {
      GET: () => ({
        status: 200,
        body: {
          release: predictor.label,
          request: predictor.signature,
          example: predictor.example,
        },
      }),
    },
    "/healthz": {
      GET: () => ({
        status: health.stopping ? 503 : 200,
        body: { status: health.stopping ? "stopping" : "ok", release: predictor.label },
      }),
    },
  };
  return (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const route = routes[pathname];
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "");
    const found = route?.[method];
    const answered =
      route === undefined
        ? error(
            404,
            `there is nothing at ${pathname.slice(0, 100)}: try ${Object.keys(routes).join(", ")}`,
          )
        : found === undefined
          ? {
              ...error(405, `${pathname} takes ${Object.keys(route).join(", ")}`),
              headers: { allow: Object.keys(route).join(", ") },
            }
          : found(request);
    Promise.resolve(answered).then(
      (answer) => send(request, response, answer, health),
      () => send(request, response, error(500, "the server failed to answer"), health),
    );
  };
};

type Route = (request: IncomingMessage) => Answer | Promise<Answer>;

const error = (status: number, message: string, problems?: unknown): Answer => ({
  status,
  body: { error: message, ...(problems === undefined ? {} : { problems }) },
});

const send = (
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, headers = {} }: Answer,
  { stopping }: Health,
): void => {
  if (response.writableEnded || response.destroyed) return;
  const text = JSON.stringify(body);
  if (!request.complete) drop(request);
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    ...(stopping ? { connection: "close" } : {}),
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : text);
};

/**
 * Drops the rest of a body. Closing the connection at once would be quicker, but then many callers
 * see a broken connection instead of the answer.
 */
const drop = (request: IncomingMessage): void => {
  let bytes = 0;
  request.removeAllListeners("data");
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxDroppedBytes) request.socket.destroy();
  });
  request.resume();
};

const predict = async (
  predictor: Predictor.Predictor,
  request: IncomingMessage,
): Promise<Answer> => {
  const type = request.headers["content-type"] ?? "application/json";
  if (!/^application\/([\w.-]+\+)?json\b/i.test(type)) {
    return error(415, `expected the content type application/json, found ${type.slice(0, 100)}`);
  }
  const text = await read(request);
  if (text === undefined) {
    return error(413, `the body is longer than ${maxBytes} bytes: send fewer rows at a time`);
  }
  const parsed = parse(text);
  if (Result.isFailure(parsed)) return error(400, `the body is not JSON: ${parsed.failure}`);
  return Array.isArray(parsed.success)
    ? predictList(predictor, parsed.success)
    : predictOne(predictor, parsed.success);
};

const predictOne = (predictor: Predictor.Predictor, json: unknown): Answer => {
  const prediction = predictor.predict(json);
  return Result.isSuccess(prediction)
    ? { status: 200, body: prediction.success }
    : error(400, "the request is not valid", prediction.failure.problems);
};

/** All rows or none: a caller never has to guess which ones were answered. */
const predictList = (predictor: Predictor.Predictor, rows: ReadonlyArray<unknown>): Answer => {
  if (rows.length > maxRows) {
    return error(413, `expected at most ${maxRows} rows, found ${rows.length}`);
  }
  const predictions = [];
  const problems: Array<Request.Problem> = [];
  for (const [index, row] of rows.entries()) {
    const prediction = predictor.predict(row);
    if (Result.isSuccess(prediction)) predictions.push(prediction.success);
    else {
      for (const problem of prediction.failure.problems) {
        const field = problem.field === "" ? `[${index}]` : `[${index}].${problem.field}`;
        problems.push({ ...problem, field });
      }
    }
    if (problems.length >= 100) break;
  }
  return problems.length > 0
    ? error(400, "the request is not valid", problems)
    : { status: 200, body: predictions };
};

/** The body as text, or nothing if it is too long. */
const read = async (request: IncomingMessage): Promise<string | undefined> => {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) return undefined;
  return new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) resolve(undefined);
      else chunks.push(chunk);
    });
    request.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.on("error", reject);
  });
};

const parse = (text: string): Result.Result<unknown, string> => {
  if (text.trim() === "") return Result.fail("it is empty");
  try {
    const json: unknown = JSON.parse(text);
    return Result.succeed(json);
  } catch (cause) {
    return Result.fail(cause instanceof Error ? cause.message : String(cause));
  }
};
