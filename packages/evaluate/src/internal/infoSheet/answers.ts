/** How questions of the info sheet are answered: the text, and what of the record says so. */
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import type { Found, Known } from "./known.ts";

type Answer = { readonly text: string; readonly evidence: string } | null;

/** A question; `person` says what is left to a person, or null if the answer is all there is to say. */
export interface Question {
  readonly id: string;
  readonly askedBy: string;
  readonly question: string;
  readonly answer: (known: Known) => Answer;
  readonly person: string | null | ((known: Known) => string | null);
}

/** Why there is no answer about the score. */
export const noEvaluation = "The record has no evaluation of a model.";

/** Rows that broke a contract, and records that are no rows, are no data that the run took in. */
export const isQuarantine = (name: string): boolean =>
  name.endsWith("-quarantine") || name === "rejected-record";

/** The tables that the run took in. */
export const takenIn = ({ tables }: Known) =>
  tables.filter(({ value }) => value.role === "raw" && !isQuarantine(value.contract.name));

/** An answer from the charter. */
export const charter = (text: string): Answer => ({ text, evidence: "charter" });

/** An answer from what a stage gave, if one did. */
export const by = <A>(
  found: Found<A> | undefined,
  what: string,
  text: (value: A) => string,
): Answer =>
  found === undefined
    ? null
    : { text: text(found.value), evidence: `stage "${found.stage}", ${what}` };

/** An answer of several parts, if there is any. */
export const joined = (parts: ReadonlyArray<string>, evidence: string): Answer =>
  parts.length === 0 ? null : { text: parts.join("; "), evidence };

const stageOf = (known: Known, role: string) =>
  known.tables.find(({ value }) => value.role === role);

/** The finding or exhibit texts of stages, as evidence of what was left out. */
export const exhibitsOf = (
  { run }: Known,
  title: RegExp,
): ReadonlyArray<readonly [string, string]> =>
  run.stages.flatMap(({ stage, exhibits }) =>
    exhibits.flatMap((one) =>
      title.test(one.title) && one.caption !== undefined ? [[stage, one.caption] as const] : [],
    ),
  );

/** The contract of the features: the one that the test table is under. */
export const featureContract = (known: Known) => {
  const name = stageOf(known, "test")?.value.contract.name;
  return known.contracts.find((contract) => contract.name === name);
};

const FeatureParams = Schema.Struct({
  featureSet: Schema.String,
  features: Schema.Array(Schema.String),
});
const decodeFeatures = Schema.decodeUnknownOption(FeatureParams);

/** What the model is given, if the run computed it; the contract also has columns that are carried along. */
export const featureNames = (known: Known): ReadonlyArray<string> => {
  const name = featureContract(known)?.name;
  const sets = known.run.graph.stages.flatMap(({ params }) =>
    Option.toArray(decodeFeatures(params)),
  );
  return sets.find(({ featureSet }) => featureSet === name)?.features ?? [];
};

/** The contracts of what was taken in. */
export const sourceContracts = (known: Known) => {
  const names = new Set(takenIn(known).map(({ value }) => value.contract.name));
  return known.contracts.filter(({ name }) => names.has(name));
};
