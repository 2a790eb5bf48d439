/** What the record of a run says that an info sheet asks for. */
import { Contract, type Holdout, type Run, Verdict } from "@ml-pipe/core";
import { Model, Recommender, Release, Table } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import { AnyEvaluation } from "../../Evaluation.ts";
import { Audit } from "../../LeakageAudit.ts";
import { ListEvaluation } from "../../recommend/ListEvaluation.ts";

/** A value among the outputs of a run, and the stage that gave it. */
export interface Found<A> {
  readonly stage: string;
  readonly value: A;
}

/** See the module. */
export interface Known {
  readonly run: Run.Run;
  readonly contracts: ReadonlyArray<Contract.ContractSpec>;
  readonly tables: ReadonlyArray<Found<Table.AnyTable>>;
  readonly model: Found<Model.AnyModel> | undefined;
  /** Of runs that recommend, instead of a model: all that were trained. */
  readonly recommenders: ReadonlyArray<Found<Recommender.AnyRecommender>>;
  readonly lists: Found<ListEvaluation> | undefined;
  readonly release: Found<Release.AnyRelease> | undefined;
  readonly verdict: Found<Verdict.Verdict> | undefined;
  readonly evaluation: Found<AnyEvaluation> | undefined;
  readonly audit: Found<Audit> | undefined;
  /** Looks at the test rows of this run, by any run. */
  readonly looks: ReadonlyArray<Holdout.Look>;
}

/** Reads a run's record. Where several stages gave one kind of value, the last one counts. */
export const knownOf = (run: Run.Run, looks: ReadonlyArray<Holdout.Look>): Known => {
  const outputs = run.stages.flatMap(({ stage, outputs }) =>
    Object.values(outputs ?? {}).map((json) => ({ stage, json })),
  );
  const all = <A>(schema: Schema.ConstraintCodec<A, unknown>): ReadonlyArray<Found<A>> => {
    const decode = Schema.decodeUnknownOption(Schema.toCodecJson(schema));
    return outputs.flatMap(({ stage, json }) => {
      const decoded = decode(json);
      return decoded._tag === "Some" ? [{ stage, value: decoded.value }] : [];
    });
  };
  const verdicts = all(Verdict.Verdict);
  const verdict = verdicts.at(-1);
  const evaluations = all(AnyEvaluation);
  const models = all(Model.AnyModel);
  const mine = looks.filter(({ run: id }) => id === run.id);
  const table = verdict?.value.testSet;
  const testSet = mine.at(-1)?.testSet ?? looks.findLast((look) => look.table === table)?.testSet;
  const decodeContract = Schema.decodeUnknownOption(Contract.ContractSpec);
  return {
    run,
    contracts: Object.values(run.graph.contracts).flatMap((json) => {
      const decoded = decodeContract(json);
      return decoded._tag === "Some" ? [decoded.value] : [];
    }),
    tables: all(Table.AnyTable),
    // Of several models the one that was judged.
    model:
      models.findLast(({ value }) => value.document.digest === verdict?.value.model) ??
      models.at(-1),
    recommenders: all(Recommender.AnyRecommender),
    lists: all(ListEvaluation).at(-1),
    release: all(Release.AnyRelease).at(-1),
    // The stage that judged, not the gate that handed it on.
    verdict: verdict && {
      ...verdict,
      stage:
        verdicts.find(({ value }) => value.digest === verdict.value.digest)?.stage ?? verdict.stage,
    },
    evaluation: evaluations.at(-1),
    audit: all(Audit).at(-1),
    looks: looks.filter((look) => look.testSet === testSet && look.outcome !== "nothing-seen"),
  };
};
