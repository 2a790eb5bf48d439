/**
 * Gates, evidence and verdicts: how a candidate is judged.
 *
 * A gate asks one question and answers passed, failed or inconclusive, with its evidence. A verdict
 * collects the evidence on one model and one test set. Only a passed verdict opens the way to
 * `deploy`, by type and, because types vanish when the program runs, by digest.
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Digest from "./Digest.ts";
import * as Stage from "./Stage.ts";
import { stops } from "./internal/marks.ts";

/** The answer of a gate. Inconclusive waits for a person; it never promotes. */
export const Outcome = Schema.Literals(["passed", "failed", "inconclusive"]);
/** See {@link Outcome}. */
export type Outcome = typeof Outcome.Type;

/** What a gate saw: the question, the answer, and what was expected and found, in words. */
export const Evidence = Schema.Struct({
  gate: Schema.String,
  outcome: Outcome,
  expected: Schema.String,
  found: Schema.String,
  /** What to do if the answer is not "passed". */
  next: Schema.String,
});
/** See {@link Evidence}. */
export type Evidence = typeof Evidence.Type;

/** A gate: one question about a subject. */
export interface Gate<in Subject> {
  readonly name: string;
  readonly check: (subject: Subject) => Omit<Evidence, "gate">;
}

/** Whether a candidate may go on. */
export const Status = Schema.Literals(["passed", "rejected", "inconclusive"]);
/** See {@link Status}. */
export type Status = typeof Status.Type;

const fields = {
  /** Digest of the model that was judged. */
  model: Digest.Digest,
  /** Digest of the charter it was judged against. */
  charter: Digest.Digest,
  /** Digest of the test table it was judged on. */
  testSet: Digest.Digest,
  evidence: Schema.Array(Evidence),
  /** Digest of all of the above: what an approval is bound to. */
  digest: Digest.Digest,
};

/**
 * A judgement on one model.
 *
 * @typeParam S - `Verdict<"passed">` is what `deploy` accepts
 */
export interface Verdict<out S extends Status = Status> {
  readonly model: Digest.Digest;
  readonly charter: Digest.Digest;
  readonly testSet: Digest.Digest;
  readonly evidence: ReadonlyArray<Evidence>;
  readonly digest: Digest.Digest;
  readonly status: S;
}

const consistent = Schema.makeFilter<Verdict>(
  (verdict) =>
    (verdict.digest === digestOf(verdict) && verdict.status === statusOf(verdict.evidence)) ||
    "expected a verdict whose status and digest follow from its evidence",
);

/** A verdict of any status; decoding verifies that status and digest follow from the evidence. */
export const Verdict: Schema.Codec<Verdict, unknown> = Schema.Struct({ ...fields, status: Status })
  .check(consistent)
  .annotate({ title: "Verdict" });

/** A passed verdict; any other is refused. */
export const Passed: Schema.Codec<Verdict<"passed">, unknown> = Schema.Struct({
  ...fields,
  status: Schema.Literal("passed"),
})
  .check(consistent)
  .annotate({ title: "Verdict<passed>" });

const digestOf = (verdict: Omit<Verdict, "digest">): Digest.Digest =>
  Digest.ofJson([verdict.model, verdict.charter, verdict.testSet, verdict.evidence]);

const statusOf = (evidence: ReadonlyArray<Evidence>): Status => {
  if (evidence.some(({ outcome }) => outcome === "failed")) return "rejected";
  const passed = evidence.length > 0 && evidence.every(({ outcome }) => outcome === "passed");
  return passed ? "passed" : "inconclusive";
};

/**
 * Judges a subject by gates. One failed gate rejects; no gates at all, or one that could not answer,
 * is inconclusive, because no check passes that did not run.
 *
 * @example
 * ```ts
 * import { Digest, Verdict } from "@ml-pipe/core";
 *
 * const small: Verdict.Gate<{ bytes: number }> = {
 *   name: "size",
 *   check: ({ bytes }) => ({
 *     outcome: bytes <= 1e6 ? "passed" : "failed",
 *     expected: "at most 1 MB", found: `${bytes} bytes`, next: "use fewer trees",
 *   }),
 * };
 * const digest = Digest.ofBytes("…");
 * const verdict = Verdict.judge([small], { bytes: 10 }, { model: digest, charter: digest, testSet: digest });
 * ```
 */
export const judge = <Subject>(
  gates: ReadonlyArray<Gate<Subject>>,
  subject: Subject,
  about: Pick<Verdict, "model" | "charter" | "testSet">,
): Verdict => {
  const evidence = gates.map((gate) => ({ gate: gate.name, ...gate.check(subject) }));
  const verdict = { ...about, evidence, status: statusOf(evidence) };
  return { ...verdict, digest: digestOf(verdict) };
};

/**
 * Judges further: a verdict on the same model, charter and test set with the evidence of more gates. An
 * approval of the verdict before is none of this one.
 *
 * @example
 * ```ts
 * import { Verdict } from "@ml-pipe/core";
 *
 * const light: Verdict.Gate<{ bytes: number }> = {
 *   name: "size",
 *   check: ({ bytes }) => ({
 *     outcome: bytes <= 1e6 ? "passed" : "failed",
 *     expected: "at most 1 MB", found: `${bytes} bytes`, next: "use fewer trees",
 *   }),
 * };
 * const further = (verdict: Verdict.Verdict) => Verdict.extend(verdict, [light], { bytes: 10 });
 * ```
 */
export const extend = <Subject>(
  verdict: Verdict,
  gates: ReadonlyArray<Gate<Subject>>,
  subject: Subject,
): Verdict => {
  const evidence = [
    ...verdict.evidence,
    ...gates.map((gate) => ({ gate: gate.name, ...gate.check(subject) })),
  ];
  const extended = { ...verdict, evidence, status: statusOf(evidence) };
  return { ...extended, digest: digestOf(extended) };
};

/** A gate stays shut: the verdict is rejected or inconclusive. Says which gates, why, and what next. */
export class GateClosed extends Schema.TaggedError<GateClosed>()("GateClosed", {
  status: Schema.Literals(["rejected", "inconclusive"]),
  evidence: Schema.Array(Evidence),
}) {
  readonly [stops] = true;
  override get message(): string {
    const open = this.evidence.filter(({ outcome }) => outcome !== "passed");
    const lines = open.map(
      ({ gate, outcome, expected, found, next }) =>
        `  ${gate} ${outcome}: expected ${expected}, found ${found}. ${next}`,
    );
    const why = lines.length > 0 ? lines.join("\n") : "  no gate gave an answer";
    return `the model is ${this.status}, so it is not deployed:\n${why}`;
  }
}

/**
 * The built-in stage between `evaluate` and `deploy`: hands a passed verdict on and stops the run at
 * any other, with the evidence in the error ({@link GateClosed}).
 *
 * @example
 * ```ts
 * import { type Ref, Verdict } from "@ml-pipe/core";
 *
 * // inside Pipeline.make:
 * const open = (verdict: Ref.Ref<Verdict.Verdict, never, never>) => Verdict.gate({ verdict });
 * ```
 */
export const gate = Stage.make("gate", {
  description: "lets only a passed verdict through",
  input: { verdict: Verdict },
  output: Passed,
  run: ({ verdict }) => requirePassed(verdict),
});

/**
 * Narrows a verdict to a passed one, or fails with {@link GateClosed}.
 *
 * @example
 * ```ts
 * import { Verdict } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const isOpen = (verdict: Verdict.Verdict): Effect.Effect<boolean> =>
 *   Verdict.requirePassed(verdict).pipe(Effect.isSuccess);
 * ```
 */
export const requirePassed = (verdict: Verdict): Effect.Effect<Verdict<"passed">, GateClosed> => {
  const { status, evidence } = verdict;
  return status === "passed"
    ? Effect.succeed({ ...verdict, status })
    : Effect.fail(new GateClosed({ status, evidence }));
};
