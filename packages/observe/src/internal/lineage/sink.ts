/** Where events of OpenLineage go: a file of lines, or a server. Nothing waits for either. */
import { LineFile } from "@ml-pipe/core";
import * as Cause from "effect/Cause";
import * as Data from "effect/Data";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Option from "effect/Option";
import * as Queue from "effect/Queue";
import * as Redacted from "effect/Redacted";
import * as Schedule from "effect/Schedule";
import type * as Scope from "effect/Scope";
import { atMost } from "../atMost.ts";
import { problemOf } from "../problemOf.ts";

/** Takes events as JSON text. */
export type Sink = (json: string) => void;

/** At the end of the process, what is left may take this long. */
const flushMillis = 3_000;

/** One line for each event, after those that are there. */
export const fileSink = Effect.fnUntraced(function* (
  path: string,
): Effect.fn.Return<Sink, never, Scope.Scope> {
  const context = yield* Effect.context();
  const file = LineFile.make(path, {
    onFailure: (problem) =>
      Effect.runSyncWith(context)(
        Effect.logWarning(
          `lineage is incomplete: ${path} cannot be written (${problem}). The run is not concerned; see to OPENLINEAGE_URL.`,
        ),
      ),
  });
  yield* Effect.addFinalizer(() => Effect.promise(() => atMost(file.close(), flushMillis)));
  return (json) => {
    file.push(json);
    void file.flush();
  };
});

/** The server did not take an event. */
class Refused extends Data.TaggedError("Refused")<{
  readonly problem: string;
  readonly again: boolean;
}> {}

/** What may wait to be sent. */
const capacity = 10_000;

/** Each event is a request, in their order; one that fails for a passing reason is tried again. */
export const httpSink = Effect.fnUntraced(function* (
  url: URL,
  apiKey: Option.Option<Redacted.Redacted>,
): Effect.fn.Return<Sink, never, Scope.Scope> {
  const queue = yield* Queue.dropping<string, Cause.Done>(capacity);
  const { origin } = url;
  /** For want of room. */
  let lost = 0;
  let warned = false;
  /** The last event did not get through: do not insist with the next. */
  let down = false;

  const warn = (problem: string) =>
    Effect.suspend(() => {
      if (warned) return Effect.void;
      warned = true;
      return Effect.logWarning(
        `lineage is incomplete: ${origin} ${problem}. The run is not concerned; see to OPENLINEAGE_URL.`,
      );
    });

  const post = (body: string) =>
    Effect.tryPromise({
      try: async (signal) => {
        const headers: Record<string, string> = { "content-type": "application/json" };
        if (Option.isSome(apiKey)) {
          headers["authorization"] = `Bearer ${Redacted.value(apiKey.value)}`;
        }
        const response = await fetch(url, { method: "POST", headers, body, signal });
        await response.arrayBuffer();
        return response.status;
      },
      catch: (cause) => new Refused({ problem: problemOf(Cause.fail(cause)), again: true }),
    }).pipe(
      Effect.timeoutOrElse({
        duration: "5 seconds",
        orElse: () =>
          Effect.fail(new Refused({ problem: "has not answered within 5 s", again: true })),
      }),
      Effect.flatMap((status) =>
        status < 300
          ? Effect.void
          : Effect.fail(
              new Refused({
                problem: `answers with status ${status}`,
                again: status >= 500 || status === 429,
              }),
            ),
      ),
    );

  const send = Effect.fnUntraced(function* (body: string) {
    const attempt = post(body);
    const exit = yield* Effect.exit(
      down
        ? attempt
        : Effect.retry(attempt, {
            while: ({ again }) => again,
            schedule: Schedule.exponential("200 millis"),
            times: 3,
          }),
    );
    down = Exit.isFailure(exit);
    if (Exit.isSuccess(exit)) return;
    const error = Cause.squash(exit.cause);
    yield* warn(error instanceof Refused ? error.problem : "cannot be reached");
  });

  const worker = yield* Queue.take(queue).pipe(
    Effect.flatMap(send),
    Effect.forever,
    Effect.ignore,
    Effect.withTracerEnabled(false),
    Effect.forkDetach,
  );
  yield* Effect.addFinalizer(
    Effect.fnUntraced(function* () {
      yield* Queue.end(queue);
      const done = yield* Fiber.await(worker).pipe(
        Effect.interruptible,
        Effect.timeoutOption(flushMillis),
      );
      if (Option.isSome(done) && lost === 0) return;
      worker.interruptUnsafe();
      yield* warn("is too slow: it has not taken all events");
    }),
  );
  return (json) => {
    if (!Queue.offerUnsafe(queue, json)) lost++;
  };
});
