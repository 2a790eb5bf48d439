/** What people have answered since a run asked. Public as `Approval.given`. */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { Run } from "../Run.ts";
import type { StoreShape } from "../Store.ts";
import { check } from "./approval.ts";

/**
 * Words that decide at the gates where a run waits, and that it does not know of before it is resumed:
 * approvals that count now, and rejections.
 *
 * @example
 * ```ts
 * import { Approval, Store } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Option from "effect/Option";
 *
 * const answered = Effect.gen(function* () {
 *   const store = yield* Store.Store;
 *   const run = yield* store.run();
 *   return Option.isNone(run) ? [] : yield* Approval.given(run.value, store);
 * });
 * ```
 */
export const given = Effect.fnUntraced(function* (
  run: Run,
  { approvals }: Pick<StoreShape, "approvals">,
) {
  const now = new Date(yield* Clock.currentTimeMillis);
  const words = yield* Effect.forEach(run.stages, ({ stage, status, asks }) =>
    status !== "suspended" || asks === undefined
      ? Effect.succeed([])
      : Effect.map(approvals.at(run.pipeline, stage), (words) =>
          words
            .filter(({ evidence }) => evidence === asks.evidence)
            .slice(0, 1)
            .map((word) => ({ word, against: { ...asks, now } })),
        ),
  );
  const decided = yield* Effect.forEach(words.flat(), ({ word, against }) =>
    check(word, against).pipe(
      Effect.as([word]),
      Effect.catch(({ reason }) => Effect.succeed(reason === "rejected" ? [word] : [])),
    ),
  );
  return decided.flat();
});
