/**
 * The kinds of leakage, as data: what each is, what types prevent, what a run checks, what an audit looks
 * for, and what only a person knows. The documentation, the report and the info sheet are made from it.
 */
import * as Schema from "effect/Schema";

/**
 * The eight kinds of Kapoor & Narayanan (Patterns 4(9), 2023, table 1), and repeated use of the test set
 * (`R`), which costs more than most of them (Roth, arXiv 2604.04199).
 */
export const KindId = Schema.Literals([
  "L1.1",
  "L1.2",
  "L1.3",
  "L1.4",
  "L2",
  "L3.1",
  "L3.2",
  "L3.3",
  "R",
]);
/** See {@link KindId}. */
export type KindId = typeof KindId.Type;

/** One kind of leakage. */
export interface Kind {
  readonly id: KindId;
  readonly name: string;
  /** What it is, and why the score is then wrong. */
  readonly explanation: string;
  /** What does not compile. */
  readonly byType: string;
  /** What stops a run. */
  readonly atRunTime: string;
  /** Whether both hold for every model that `evaluate` judged, whatever the contract declares. */
  readonly always: boolean;
  /** What is looked for in the data. */
  readonly audit: string;
  /** What no tool can see. */
  readonly person: string;
}

/**
 * All kinds, in their usual order.
 *
 * @example
 * ```ts
 * import { Leakage } from "@ml-pipe/evaluate";
 *
 * const names = Leakage.kinds.map(({ id, name }) => `${id} ${name}`);
 * const first = names[0]; // "L1.1 No test set"
 * ```
 */
export const kinds: ReadonlyArray<Kind> = [
  {
    id: "L1.1",
    name: "No test set",
    explanation:
      "The model is judged on rows that it was trained on, so the score shows what it remembers.",
    byType: "`evaluate` takes a table in the role `test`; only a split makes one",
    atRunTime: "role, split and digests of model and tables are compared",
    always: true,
    audit: "whether the test set is large enough to say anything",
    person: "whether anybody looked at the test rows outside the pipeline",
  },
  {
    id: "L1.2",
    name: "Pre-processing on train and test together",
    explanation:
      "A mean, an imputation or an encoding was computed from rows that include the test rows, so training has seen them.",
    byType: "what is fitted takes a table in the role `train`",
    atRunTime: "the model names the table that it was fitted on, and it must be the train table",
    always: true,
    audit:
      "whether what a linear model standardises by are the means of train, or of both together",
    person: "whether the data were changed before they were handed over, with all rows in view",
  },
  {
    id: "L1.3",
    name: "Feature selection on train and test together",
    explanation:
      "Features were chosen because they help on rows that include the test rows, so the test only confirms the choice.",
    byType: "selection is fitted like any transformation: on `train`",
    atRunTime:
      "the features are part of the model and of its digest; another choice is another look",
    always: true,
    audit: "looks at these test rows by models with other features",
    person: "how the features were chosen before the pipeline was written",
  },
  {
    id: "L1.4",
    name: "Duplicates across the split",
    explanation:
      "The same thing is in train and in test, so the model has seen the answer to some test rows.",
    byType: "",
    atRunTime: "`validate` sets exact duplicates aside before the split",
    always: false,
    audit: "test rows whose features and outcome are, or nearly are, those of a train row",
    person: "whether one thing was recorded twice under different values",
  },
  {
    id: "L2",
    name: "Illegitimate features",
    explanation:
      "A feature is the outcome in disguise, or is known only after it, so the score vanishes when the model is used.",
    byType: 'a feature that reads a column with `availableAt: "outcome"` does not compile',
    atRunTime: "availability is checked again; histories use only what was known by then",
    always: true,
    audit:
      "features that nearly tell the outcome alone, identifiers, names that speak of the outcome, gain concentrated in one feature",
    person: "whether each column is really known when the contract says so",
  },
  {
    id: "L3.1",
    name: "Temporal leakage",
    explanation:
      "The model was trained on rows later than the ones it is judged on, so it knows their future.",
    byType: "a contract with an event time is split by time only",
    atRunTime: "cuts, and an embargo for outcomes that were not known yet",
    always: false,
    audit:
      "test rows before the end of training, an embargo shorter than outcomes take, rows in an order that tells the outcome",
    person: "whether the time of the decision is recorded correctly",
  },
  {
    id: "L3.2",
    name: "Train and test rows are not independent",
    explanation:
      "Rows of one person, household or machine are in train and in test, so the model recognises who it is instead of why.",
    byType: "a contract with a group is split so that no group is in two parts",
    atRunTime: "the split verifies that parts share no group",
    always: false,
    audit: "groups in both parts, and columns that look like a group which nobody declared",
    person: "what the rows belong to: only who knows the data can declare the group",
  },
  {
    id: "L3.3",
    name: "The test set is not what the model will meet",
    explanation:
      "The test rows were sampled otherwise than the rows to be decided, so the score is about somebody else.",
    byType: "",
    atRunTime: "the charter names decision, actor and surface; `monitor` compares what arrives",
    always: false,
    audit: "test rows that differ from train, or from the population that was declared",
    person: "which rows never got into the data, and why",
  },
  {
    id: "R",
    name: "Repeated use of the test set",
    explanation:
      "Of several models judged on the same rows the one that fits them best by chance is chosen, so its score is too good.",
    byType: "",
    atRunTime:
      "the holdout ledger records each look; a second model needs a reason, and intervals widen",
    always: true,
    audit: "earlier looks at these rows, under any split or pipeline",
    person: "whether the rows were looked at outside this state folder",
  },
];
