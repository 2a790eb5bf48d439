/** What the record of a run says that its owner asks, whatever was predicted. */
import { type Holdout, type Run, Verdict } from "@ml-pipe/core";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { Judgement } from "../../Evaluation.ts";
import { kindOf } from "../judgedModel.ts";
import { ListEvaluation } from "../../recommend/ListEvaluation.ts";

/** What every evaluation says, and what some say of other costs. */
const Judged = Schema.Struct({
  ...Judgement.fields,
  sensitivity: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        cost: Schema.String,
        factor: Schema.Finite,
        gain: Schema.NullOr(Schema.Finite),
      }),
    ),
  ),
});

/** See the module. */
export interface Known {
  readonly run: Run.Run;
  /** What the judged model is, in words: of how many trials it is the best, too. */
  readonly kind: string | undefined;
  /** The last one: with the evidence of every gate that added to it. */
  readonly verdict: Verdict.Verdict | undefined;
  readonly judged: typeof Judged.Type | undefined;
  /** Where lists were judged, and no model of rows. */
  readonly lists: ListEvaluation | undefined;
  /** Models that were judged on the same test rows, this one among them. */
  readonly models: number;
}

const decodeVerdict = Schema.decodeUnknownOption(Verdict.Verdict);
const decodeJudged = Schema.decodeUnknownOption(Judged);
const decodeLists = Schema.decodeUnknownOption(ListEvaluation);

/** Reads a run's record. */
export const knownOf = (run: Run.Run, looks: ReadonlyArray<Holdout.Look>): Known => {
  const outputs = run.stages.flatMap(({ outputs }) => Object.values(outputs ?? {}));
  const verdict = outputs.flatMap((value) => Option.toArray(decodeVerdict(value))).at(-1);
  const judged = outputs.flatMap((value) => Option.toArray(decodeJudged(value))).at(-1);
  const lists = outputs.flatMap((value) => Option.toArray(decodeLists(value))).at(-1);
  const testSet = looks.findLast(({ table }) => table === verdict?.testSet)?.testSet;
  const models = looks
    .filter((look) => look.testSet === testSet && look.outcome !== "nothing-seen")
    .map(({ model }) => model);
  const kind = kindOf(run, verdict);
  return { run, kind, verdict, judged, lists, models: new Set(models).size };
};
