/**
 * Info sheets: what a reader must know to believe a model, asked as the model info sheet of Kapoor &
 * Narayanan (Patterns 4(9), 2023) and REFORMS (Science Advances 10(18), 2024) ask it, in our own words.
 * Each question is answered from the run's record, with where the answer is from, or left to a person,
 * with why. Nothing is answered that the record does not say.
 */
import type { Holdout, Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { knownOf } from "./internal/infoSheet/known.ts";
import { sections } from "./internal/infoSheet/questions.ts";

/** One question and its answer, or why there is none. */
export const InfoQuestion = Schema.Struct({
  /** Stable, such as `leakage.L1.4`. */
  id: Schema.String,
  /** Who asks: the model info sheet, REFORMS with its item, or both. */
  askedBy: Schema.String,
  question: Schema.String,
  answer: Schema.NullOr(
    Schema.Struct({
      text: Schema.String,
      /** What of the record says so, such as `stage "evaluate", audit`. */
      evidence: Schema.String,
    }),
  ),
  /** What a person must answer: why the record cannot, or what it leaves open. Null where nothing is left. */
  forPerson: Schema.NullOr(Schema.String),
});
/** See {@link InfoQuestion}. */
export type InfoQuestion = typeof InfoQuestion.Type;

/** The info sheet of one run. */
export const InfoSheet = Schema.Struct({
  run: Schema.String,
  pipeline: Schema.String,
  startedAt: Schema.DateFromString,
  /** Questions with an answer, and all questions. */
  answered: Schema.Int,
  asked: Schema.Int,
  sections: Schema.Array(
    Schema.Struct({ title: Schema.String, questions: Schema.Array(InfoQuestion) }),
  ),
}).annotate({ title: "InfoSheet" });
/** See {@link InfoSheet}. */
export type InfoSheet = typeof InfoSheet.Type;

/**
 * The info sheet of a run, from its record and the holdout ledger.
 *
 * @example
 * ```ts
 * import type { Run } from "@ml-pipe/core";
 * import { InfoSheet } from "@ml-pipe/evaluate";
 *
 * const open = (run: Run.Run) =>
 *   InfoSheet.of(run, [])
 *     .sections.flatMap(({ questions }) => questions)
 *     .filter(({ answer }) => answer === null)
 *     .map(({ question }) => question);
 * ```
 */
export const of = (run: Run.Run, looks: ReadonlyArray<Holdout.Look>): InfoSheet => {
  const known = knownOf(run, looks);
  const answered = sections.map(({ title, questions }) => ({
    title,
    questions: questions.map(({ id, askedBy, question, answer, person }) => {
      const found = answer(known);
      const left = typeof person === "function" ? person(known) : person;
      return { id, askedBy, question, answer: found, forPerson: left };
    }),
  }));
  const all = answered.flatMap(({ questions }) => questions);
  return {
    run: run.id,
    pipeline: run.pipeline,
    startedAt: run.startedAt,
    answered: all.filter(({ answer }) => answer !== null).length,
    asked: all.length,
    sections: answered,
  };
};
