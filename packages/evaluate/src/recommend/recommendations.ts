/** The stage that judges lists against those of the baseline, on the test part of a split. */
import { type Contract, Stage, Verdict } from "@ml-pipe/core";
import {
  type Catalogue,
  type Interactions,
  Recommendations,
  type System,
  Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { listGates } from "../internal/recommend/gates.ts";
import {
  fingerprintOf,
  judge,
  type ListOptions,
  type ListsError,
  type ListsNeeds,
  settingsOf,
} from "../internal/recommend/judging.ts";
import { propertiesOf } from "../internal/recommend/measure.ts";
import { listExhibits, listFindings } from "../internal/recommend/tell.ts";
import { ListEvaluation } from "./ListEvaluation.ts";

/** How {@link recommendations} judges. */
export interface RecommendationsOptions<I extends Contract.Contract> extends ListOptions {
  /** What tells items apart, for the diversity of lists. Default: it is not measured. */
  readonly diversity?: { readonly items: Catalogue.Catalogue<I> } & Catalogue.Tags<I>;
}

/** The schemas of what is read; `items` where diversity is measured. */
type Inputs<C extends Contract.Contract, I extends Contract.Contract> = {
  readonly lists: Schema.Codec<Recommendations.Recommendations, unknown>;
  readonly baseline: Schema.Codec<Recommendations.Recommendations, unknown>;
  readonly train: Schema.Codec<Table.Table<C, "train">, unknown>;
  readonly data: Schema.Codec<Table.Table<C, "test">, unknown>;
} & ([I] extends [never]
  ? {}
  : { readonly items: Schema.Codec<Table.Table<I, "checked">, unknown> });

/** The stage that {@link recommendations} makes. */
export type RecommendationsStage<
  C extends Contract.Contract,
  I extends Contract.Contract,
> = Stage.Stage<
  System.Tables<Inputs<C, I>>,
  Stage.Ports<{ readonly verdict: Verdict.Verdict; readonly evaluation: ListEvaluation }>,
  {},
  ListsError,
  ListsNeeds
>;

/**
 * A stage that judges lists, of one source or of a whole system, against those of the charter's baseline: what
 * users of the test part liked there, and had not met before, is looked for in the first places.
 *
 * The verdict is passed only if every gate passed: `beats the baseline` (the interval of the gain, paired by user,
 * lies at or above the charter's smallest gain; below it: failed; across it: inconclusive), `no leakage suspected`,
 * `enough data` and `charter in force`. Coverage, concentration, novelty, popularity, diversity and serendipity are
 * shown beside it.
 *
 * Fails where no honest verdict is possible: lists of another split, lists that are none, a baseline that the
 * charter does not name, nobody to judge; and with `HoldoutSpent` where something else was judged on the same rows
 * before and nobody said why.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { Interactions } from "@ml-pipe/data";
 * import { Evaluate } from "@ml-pipe/evaluate";
 *
 * const stageFor = <C extends Contract.Contract>(
 *   interactions: Interactions.Interactions<C>, charter: Charter.Charter<Metric.ListMetric>,
 * ) => Evaluate.recommendations(interactions, { charter });
 * ```
 */
export const recommendations = <C extends Contract.Contract, I extends Contract.Contract = never>(
  interactions: Interactions.Interactions<C>,
  options: RecommendationsOptions<I>,
): RecommendationsStage<C, I> => {
  const { charter, diversity } = options;
  const settings = settingsOf(options);
  const { metric, baseline } = charter.spec;
  return Stage.make("evaluate", {
    description: `judges the ${metric.name} of lists against "${baseline.name}"`,
    input: inputsOf(interactions, diversity?.items),
    outputs: { verdict: Verdict.Verdict, evaluation: ListEvaluation },
    params: {
      interactions: interactions.digest,
      charter: charter.digest,
      ...settings,
      diversity:
        diversity === undefined
          ? null
          : { items: diversity.items.digest, by: diversity.by, separator: diversity.separator },
    },
    charter,
    fingerprint: (inputs) => {
      const { lists, data } = tablesOf(inputs);
      const digest = Table.digestOf(lists);
      return fingerprintOf({ interactions, charter, settings, digest, data });
    },
    run: Effect.fnUntraced(function* (inputs, { exhibit, finding, progress }) {
      const { lists, baseline, train, data, items } = tablesOf(inputs);
      const judged = yield* judge(
        {
          interactions,
          charter,
          settings,
          digest: Table.digestOf(lists),
          purpose: `${metric.name} of lists against "${charter.spec.baseline.name}"`,
          lists: { lists },
          baseline,
          train,
          data,
          tagged:
            diversity === undefined || items === undefined
              ? undefined
              : { catalogue: diversity.items, tags: diversity, table: items },
        },
        listGates,
        Effect.fnUntraced(function* (setting) {
          const mine = yield* setting.places(yield* Table.relation(lists));
          const { ground, bootstrap } = setting;
          const sides = { judged: mine, against: setting.baseline, baseline: setting.baseline };
          return {
            ...setting.common(mine),
            metric: yield* setting.metric(mine, setting.baseline),
            properties: yield* propertiesOf(ground, sides, metric.list, bootstrap),
          };
        }),
      );
      const { evaluation, verdict } = judged;
      yield* progress({ label: "users", rows: evaluation.users });
      yield* Effect.forEach(listFindings(evaluation, interactions.contract.spec.owner), finding);
      yield* Effect.forEach(listExhibits(evaluation, charter), exhibit);
      return { verdict, evaluation };
    }),
  });
};

const inputsOf = <C extends Contract.Contract, I extends Contract.Contract>(
  { contract }: Interactions.Interactions<C>,
  items: Catalogue.Catalogue<I> | undefined,
): Inputs<C, I> => {
  const inputs: Stage.Fields = {
    lists: Table.of(Recommendations.contract, "checked"),
    baseline: Table.of(Recommendations.contract, "checked"),
    train: Table.of(contract, "train"),
    data: Table.of(contract, "test"),
    ...(items === undefined ? {} : { items: Table.of(items.contract, "checked") }),
  };
  // Whether there are items, only the compiler knows as `I`.
  return inputs as Inputs<C, I>;
};

const Read = Schema.Struct({
  lists: Table.AnyTable,
  baseline: Table.AnyTable,
  train: Table.AnyTable,
  data: Table.AnyTable,
  items: Schema.optionalKey(Table.AnyTable),
});

/** The inputs as any tables: their schemas were checked when the stage took them. */
const tablesOf = Schema.decodeUnknownSync(Read);
