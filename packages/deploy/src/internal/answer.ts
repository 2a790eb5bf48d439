/** What the server answers to a request: the routes, without the network. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FeatureStore, Onnx } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import * as Result from "effect/Result";
import { type Answered, type Predictor, problemsOf, type Refused } from "../Predictor.ts";
import type { Problem } from "../Request.ts";

/** An answer: a status and a JSON document. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: { readonly [name: string]: string };
  /** How many predictions it holds. */
  readonly predictions?: number;
}

/** A refusal: what is wrong in words, and each problem of the request. */
export const refuse = (
  status: number,
  error: string,
  problems: ReadonlyArray<Problem> = [],
  headers: Answer["headers"] = {},
): Answer => ({ status, body: { error, problems }, headers });

/** The head of a request: all that is needed to decide whether to read its body. */
export interface Head {
  readonly method: string;
  readonly path: string;
  readonly header: (name: string) => string | undefined;
}

/** What the server knows. */
export interface Settings {
  readonly predictor: Predictor;
  readonly maxBodyBytes: number;
  readonly token: Redacted.Redacted<string> | undefined;
}

/** At most so many requests in one list. */
export const maxRequests = 1_000;

/** At most so many problems in one answer. */
const maxProblems = 100;

const methodsOf: { readonly [path: string]: ReadonlyArray<string> } = {
  "/": ["GET", "HEAD"],
  "/signature": ["GET", "HEAD"],
  "/healthz": ["GET", "HEAD"],
  "/predict": ["POST"],
};

/** The answer to a head, or `undefined` if it depends on the body. */
export const answerHead = (head: Head, settings: Settings): Effect.Effect<Answer> | undefined => {
  const refusal = refuseHead(head, settings);
  if (refusal !== undefined) return Effect.succeed(refusal);
  const { predictor, token } = settings;
  switch (head.path) {
    case "/healthz":
      return healthz(predictor, isAuthorised(head.header("authorization"), token));
    case "/predict":
      return undefined;
    default:
      return Effect.succeed(signature(predictor));
  }
};

const refuseHead = (head: Head, settings: Settings): Answer | undefined => {
  const { method, path } = head;
  const methods = Object.hasOwn(methodsOf, path) ? methodsOf[path] : undefined;
  if (settings.token === undefined && !isLocalName(head.header("host"))) {
    return refuse(
      421,
      "this server answers to localhost only. To serve other names, give it a token (ML_PIPE_SERVE_TOKEN) and send it as a bearer token",
    );
  }
  const authorised = isAuthorised(head.header("authorization"), settings.token);
  // Who watches whether a server lives needs no token, and learns nothing else.
  if (!authorised && !(path === "/healthz" && methods?.includes(method))) {
    const challenge = { "www-authenticate": "Bearer" };
    return refuse(401, "send the token: authorization: Bearer …", [], challenge);
  }
  if (methods === undefined) {
    return refuse(404, "there is nothing here: POST /predict, GET /signature, GET /healthz");
  }
  if (!methods.includes(method)) {
    const allow = methods.join(", ");
    return refuse(405, `${path} takes ${allow}`, [], { allow });
  }
  return path === "/predict" ? unreadable(head, settings.maxBodyBytes) : undefined;
};

/** It lives, whatever the age of its state; who may know reads that, too. */
const healthz = Effect.fnUntraced(function* (
  { label, release, freshness }: Predictor,
  authorised: boolean,
): Effect.fn.Return<Answer> {
  if (!authorised) return { status: 200, body: { status: "live" } };
  const now = new Date(yield* Clock.currentTimeMillis);
  const state = yield* Effect.match(freshness(now), {
    onSuccess: (features) => ({ features: features.map(freshnessJson) }),
    onFailure: ({ message }) => ({ features: [], problem: message }),
  });
  const knownUntil = release.knownUntil.toISOString();
  return { status: 200, body: { status: "live", release: label, knownUntil, ...state } };
});

const freshnessJson = ({
  feature,
  knownUntil,
  ageMillis,
}: FeatureStore.FeatureFreshness): object => ({
  feature,
  knownUntil: knownUntil.toISOString(),
  stale: ageMillis > 0,
  ageSeconds: Math.round(ageMillis / 1000),
});

const signature = ({ label, release, signature, example }: Predictor): Answer => ({
  status: 200,
  body: {
    release: label,
    decision: release.decision,
    predict: "POST /predict with one request, or a list of at most 1000",
    request: signature,
    example,
  },
});

/** Why a body is not read, if it is not. */
const unreadable = ({ header }: Head, maxBodyBytes: number): Answer | undefined => {
  const type = header("content-type");
  if (type === undefined || !isJson(type)) {
    const found = type === undefined ? "no content-type" : JSON.stringify(type.slice(0, 60));
    return refuse(415, `send content-type: application/json; found ${found}`);
  }
  const encoding = header("content-encoding") ?? "identity";
  if (encoding !== "identity") return refuse(415, "send the body without a content-encoding");
  if (Number(header("content-length") ?? 0) > maxBodyBytes) return tooLarge(maxBodyBytes);
  return undefined;
};

/** A body beyond the limit. The connection closes, so that the rest need not be read. */
export const tooLarge = (maxBodyBytes: number): Answer =>
  refuse(
    413,
    `the body is too large: send at most ${maxBodyBytes} bytes, in several requests if need be`,
    [],
    { connection: "close" },
  );

const isJson = (type: string): boolean => {
  const [name = "", ...parameters] = type.toLowerCase().split(";");
  return (
    name.trim() === "application/json" &&
    parameters.every((one) => !/^\s*charset=/.test(one) || /^\s*charset="?utf-?8"?\s*$/.test(one))
  );
};

/** The names by which a server on this machine is called; any other is a page's trick (DNS rebinding). */
const isLocalName = (host: string | undefined): boolean =>
  host === undefined || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host);

const isAuthorised = (
  header: string | undefined,
  token: Redacted.Redacted<string> | undefined,
): boolean => {
  if (token === undefined) return true;
  const sent = /^bearer +(\S+) *$/i.exec(header ?? "")?.[1];
  // Digests have one length, and comparing them takes the same time whatever was sent.
  return sent !== undefined && timingSafeEqual(digest(sent), digest(Redacted.value(token)));
};

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** What `POST /predict` was asked for besides predictions: `?explain=1`. */
export const wantsExplanation = (search: string): boolean => {
  const given = new URLSearchParams(search).get("explain");
  return given !== null && given !== "0" && given !== "false";
};

/** The answer to a body. */
export const answerBody = (
  bytes: ArrayBuffer,
  predictor: Predictor,
  explaining: boolean,
): Effect.Effect<Answer, Onnx.OnnxFailed> => {
  if (explaining && predictor.explain === undefined) {
    return Effect.succeed(
      refuse(
        422,
        "this release does not explain its predictions, as none with a model in ONNX or of a system does: ask without explain",
      ),
    );
  }
  if (bytes.byteLength === 0) {
    return Effect.succeed(refuse(400, "the body is empty: send a JSON object or a list"));
  }
  const json = parse(bytes);
  if (Result.isFailure(json)) return Effect.succeed(refuse(400, json.failure));
  return Array.isArray(json.success)
    ? answerList(json.success, predictor, explaining)
    : answerOne(json.success, predictor, explaining);
};

const utf8 = new TextDecoder("utf-8", { fatal: true });

const parse = (bytes: ArrayBuffer): Result.Result<unknown, string> => {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return Result.fail("the body is not UTF-8 text");
  }
  try {
    return Result.succeed(JSON.parse(text));
  } catch (cause) {
    const at = /at position (\d+)/.exec(cause instanceof Error ? cause.message : "")?.[1];
    const end = /end of JSON input|unterminated/i.test(String(cause));
    const where = end ? ": it ends too early" : at === undefined ? "" : ` (at character ${at})`;
    return Result.fail(`the body is not JSON${where}; NaN and Infinity are not JSON either`);
  }
};

const notValid = "the request is not valid";

const answerOne = (json: unknown, predictor: Predictor, explaining: boolean) =>
  Effect.map(predictor.answer([json]), ([result]): Answer => {
    if (result === undefined) throw new TypeError("an answer is missing");
    return Result.isFailure(result)
      ? refusal([[result.failure, ""]])
      : { status: 200, body: told(result.success, predictor, explaining), predictions: 1 };
  });

const told = (answered: Answered, { explain }: Predictor, explaining: boolean) =>
  explaining ? { ...answered.prediction, explanation: explain?.(answered) } : answered.prediction;

const answerList = (list: ReadonlyArray<unknown>, predictor: Predictor, explaining: boolean) => {
  if (list.length > maxRequests) {
    const expected = `at most ${maxRequests} requests in a list`;
    const found = `${list.length}`;
    return Effect.succeed(refuse(422, notValid, [{ field: "", expected, found }]));
  }
  return Effect.map(predictor.answer(list), (results): Answer => {
    const refused = results.flatMap((result, index) =>
      Result.isFailure(result) ? [[result.failure, `[${index}]`] as const] : [],
    );
    if (refused.length > 0) return refusal(refused);
    const predictions = results.flatMap((result) =>
      Result.isSuccess(result) ? [told(result.success, predictor, explaining)] : [],
    );
    return { status: 200, body: predictions, predictions: predictions.length };
  });
};

/** What is wrong with requests comes before what is wrong here, because it does not go away. */
const refusal = (all: ReadonlyArray<readonly [Refused, place: string]>): Answer => {
  const invalid = all.filter(([{ _tag }]) => _tag === "RequestInvalid");
  const problems: Array<Problem> = [];
  for (const [refused, place] of invalid.length > 0 ? invalid : all) {
    for (const problem of problemsOf(refused)) {
      if (problems.length >= maxProblems) break;
      const { field } = problem;
      const dot = place === "" || field === "" ? "" : ".";
      problems.push({ ...problem, field: `${place}${dot}${field}` });
    }
  }
  return invalid.length > 0
    ? refuse(422, notValid, problems)
    : refuse(503, "the state of the features is not available", problems, { "retry-after": "1" });
};
