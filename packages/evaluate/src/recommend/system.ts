/** The stage that judges a candidate inside the system that it would serve in, next to its own lists. */
import { type Contract, Digest, Stage, Verdict } from "@ml-pipe/core";
import { Recommendations, System, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { ListTables } from "../internal/recommend/honest.ts";
import { systemGates } from "../internal/recommend/gates.ts";
import {
  fingerprintOf,
  judge,
  type ListOptions,
  type ListsError,
  type ListsNeeds,
  settingsOf,
} from "../internal/recommend/judging.ts";
import { propertiesOf } from "../internal/recommend/measure.ts";
import { creditsOf, sourceResult } from "../internal/recommend/sources.ts";
import { systemExhibits, systemFindings } from "../internal/recommend/tell.ts";
import { SystemEvaluation } from "./ListEvaluation.ts";

/** How {@link system} judges. */
export interface SystemOptions<S extends string> extends ListOptions {
  /** The source that may join the system: it is judged as what it adds to the others. */
  readonly candidate: S;
}

/** The schemas of what is read: what the system reads, the baseline's lists and the test part. */
type Inputs<
  C extends Contract.Contract,
  I extends Contract.Contract,
  S extends string,
> = System.Inputs<C, I, S> & {
  readonly baseline: Schema.Codec<Recommendations.Recommendations, unknown>;
  readonly data: Schema.Codec<Table.Table<C, "test">, unknown>;
};

/** The stage that {@link system} makes. */
export type SystemStage<
  C extends Contract.Contract,
  I extends Contract.Contract,
  S extends string,
> = Stage.Stage<
  System.Tables<Inputs<C, I, S>>,
  Stage.Ports<{ readonly verdict: Verdict.Verdict; readonly evaluation: SystemEvaluation }>,
  {},
  ListsError | System.MergeError,
  ListsNeeds
>;

/**
 * A stage that judges a source of candidates as the product would feel it: the system is merged with it and without
 * it, and the difference is what it gains. Beside that stands what its own lists gain over the charter's baseline. A
 * gain alone that is not there inside the system is a finding: what the source finds, the others find too, or its
 * places cost theirs.
 *
 * The verdict is about the candidate among these sources, and passed only if every gate passed: `gain survives the merge` (the
 * interval of the gain inside, paired by user, lies at or above the charter's smallest gain; below it: failed;
 * across it: inconclusive), `no leakage suspected`, `enough data` and `charter in force`. For each source the
 * evaluation says what it gains alone and inside, which places are owed to it, how many it changes, and what its
 * lists have in common with the candidate's.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { System } from "@ml-pipe/data";
 * import { Evaluate } from "@ml-pipe/evaluate";
 *
 * const stageFor = <C extends Contract.Contract, I extends Contract.Contract>(
 *   home: System.System<C, I, "factors" | "popularity">, charter: Charter.Charter<Metric.ListMetric>,
 * ) => Evaluate.system(home, { charter, candidate: "factors" });
 * ```
 */
export const system = <C extends Contract.Contract, I extends Contract.Contract, S extends string>(
  judgedSystem: System.System<C, I, S>,
  options: SystemOptions<NoInfer<S>>,
): SystemStage<C, I, S> => {
  const { charter, candidate } = options;
  const settings = settingsOf(options);
  const { interactions, catalogue, spec, name } = judgedSystem;
  const { metric } = charter.spec;
  if (!judgedSystem.sources.includes(candidate) || judgedSystem.sources.length < 2) {
    throw new TypeError(
      `evaluate: the candidate "${candidate}" must be one of two or more sources of "${name}"`,
    );
  }
  const listsOf = (tables: Read): ListTables =>
    Object.fromEntries(
      judgedSystem.sources.flatMap((source) => {
        const table = tables[source];
        return table === undefined ? [] : [[source, table] as const];
      }),
    );
  // The same candidate among other sources is another question, and another look at the test rows.
  const digestOf = (tables: Read) =>
    Digest.ofJson([
      judgedSystem.digest,
      candidate,
      Object.values(listsOf(tables)).map((table) => Table.digestOf(table)),
    ]);
  return Stage.make("evaluateSystem", {
    description: `judges what "${candidate}" gains inside "${name}"`,
    input: inputsOf(judgedSystem),
    outputs: { verdict: Verdict.Verdict, evaluation: SystemEvaluation },
    params: { system: judgedSystem.digest, candidate, charter: charter.digest, ...settings },
    charter,
    fingerprint: (inputs) => {
      const tables = tablesOf(inputs);
      const digest = digestOf(tables);
      return fingerprintOf({ interactions, charter, settings, digest, data: tables.data });
    },
    run: Effect.fnUntraced(function* (inputs, { exhibit, finding, progress }) {
      const tables = tablesOf(inputs);
      const { train, data, items, baseline } = tables;
      const lists = listsOf(tables);
      const { verdict, evaluation } = yield* judge(
        {
          interactions,
          charter,
          settings,
          digest: digestOf(tables),
          purpose: `what "${candidate}" gains inside "${name}", in ${metric.name}`,
          lists,
          baseline,
          train,
          data,
          tagged:
            catalogue === undefined || spec.diversify === null || items === undefined
              ? undefined
              : { catalogue, tags: spec.diversify, table: items },
        },
        systemGates,
        Effect.fnUntraced(function* (setting) {
          const { ground, bootstrap } = setting;
          const merged = yield* System.run(judgedSystem, tables);
          const whole = yield* setting.places(merged);
          const credits = yield* creditsOf(judgedSystem.sources, merged, ground, metric.list.at);
          const own = yield* Effect.forEach(Object.entries(lists), ([source, table]) =>
            Effect.gen(function* () {
              const alone = yield* setting.places(yield* Table.relation(table));
              const less = yield* System.run(judgedSystem, tables, { without: [source] });
              yield* progress({ label: `without ${source}` });
              return { source, alone, without: yield* setting.places(less) };
            }),
          );
          const judged = own.find(({ source }) => source === candidate)!;
          const sources = yield* Effect.forEach(own, (one) =>
            sourceResult(setting, { spec, whole, judged: judged.alone, credits }, one),
          );
          const { alone, inside } = sources.find(({ source }) => source === candidate)!;
          const sides = { judged: whole, against: judged.without, baseline: setting.baseline };
          const gain = alone.difference.estimate;
          return {
            ...setting.common(whole),
            system: name,
            candidate,
            sources,
            properties: yield* propertiesOf(ground, sides, metric.list, bootstrap),
            survives: gain > 0 ? inside.difference.estimate / gain : null,
          };
        }),
      );
      yield* progress({ label: "users", rows: evaluation.users });
      yield* Effect.forEach(systemFindings(evaluation, interactions.contract.spec.owner), finding);
      yield* Effect.forEach(systemExhibits(evaluation, charter), exhibit);
      return { verdict, evaluation };
    }, Effect.scoped),
  });
};

const inputsOf = <C extends Contract.Contract, I extends Contract.Contract, S extends string>(
  judged: System.System<C, I, S>,
): Inputs<C, I, S> => ({
  ...System.inputsOf(judged),
  baseline: Table.of(Recommendations.contract, "checked"),
  data: Table.of(judged.interactions.contract, "test"),
});

const Read = Schema.StructWithRest(
  Schema.Struct({
    train: Table.AnyTable,
    data: Table.AnyTable,
    baseline: Table.AnyTable,
    items: Schema.optionalKey(Table.AnyTable),
  }),
  [Schema.Record(Schema.String, Table.AnyTable)],
);

type Read = typeof Read.Type;

/** The inputs as any tables: their schemas were checked when the stage took them. */
const tablesOf = Schema.decodeUnknownSync(Read);
