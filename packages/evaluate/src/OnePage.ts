/**
 * One page for the owner of a decision: the question, the answer, the money, what the answer rests on, what
 * could go wrong, and who decides. In plain words, from the run's record and nothing else.
 */
import { Charter, type Holdout, type Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { answerOf, moneyOf, restsOnOf, risksOf, whoOf } from "./internal/onePage/words.ts";
import { knownOf } from "./internal/onePage/known.ts";

/** The page as text; the command line draws it. */
export const OnePage = Schema.Struct({
  run: Schema.String,
  pipeline: Schema.String,
  startedAt: Schema.DateFromString,
  title: Schema.String,
  /** What is decided, when and by whom. */
  question: Schema.String,
  answer: Schema.Struct({
    /** `none`: no model was judged. */
    status: Schema.Literals(["passed", "rejected", "inconclusive", "none"]),
    sentence: Schema.String,
    why: Schema.String,
  }),
  money: Schema.Array(Schema.String),
  restsOn: Schema.Array(Schema.String),
  risks: Schema.Array(Schema.String),
  who: Schema.Array(Schema.String),
}).annotate({ title: "OnePage" });
/** See {@link OnePage}. */
export type OnePage = typeof OnePage.Type;

/**
 * The page of one run, from its record and the holdout ledger.
 *
 * @example
 * ```ts
 * import type { Run } from "@ml-pipe/core";
 * import { OnePage } from "@ml-pipe/evaluate";
 *
 * const answer = (run: Run.Run): string => OnePage.of(run, []).answer.sentence;
 * ```
 */
export const of = (run: Run.Run, looks: ReadonlyArray<Holdout.Look>): OnePage => {
  const known = knownOf(run, looks);
  const { title, decision } = run.graph.charter;
  return {
    run: run.id,
    pipeline: run.pipeline,
    startedAt: run.startedAt,
    title,
    question: `${decision.question} Decided ${Charter.moment(decision)}, by ${decision.actor}.`,
    answer: answerOf(known),
    money: moneyOf(known),
    restsOn: restsOnOf(known),
    risks: risksOf(known),
    who: whoOf(known),
  };
};
