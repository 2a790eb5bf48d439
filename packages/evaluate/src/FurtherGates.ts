/**
 * Gates that a verdict has where they are asked for, besides those that every verdict has: fairness, weak
 * segments, robustness, overfitting, and the charter's budgets. Each adds its evidence to the same verdict,
 * its numbers to the same evaluation, and is seen with the same look at the test rows.
 */
import type { Artifact, Charter, Exhibit, Verdict } from "@ml-pipe/core";
import {
  type BusinessCost,
  type Duckdb,
  type Predictions,
  type StatisticsError,
  type Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Budgets from "./Budgets.ts";
import * as Fairness from "./Fairness.ts";
import { blocksOf } from "./internal/blocks.ts";
import type { Groups } from "./internal/fairness/measure.ts";
import { type AnySet, minus, readRows, type RowsError, type RowsOptions } from "./internal/rows.ts";
import { sliceColumn } from "./internal/slices.ts";
import * as Overfit from "./Overfit.ts";
import * as Robustness from "./Robustness.ts";
import * as WeakSegments from "./WeakSegments.ts";

/** What else a verdict is to ask, besides whether groups are treated alike. */
export interface FurtherOptions<Kept extends string = string, Feature extends string = string> {
  /** Whether there are rows with something in common on which the model loses. */
  readonly segments?: WeakSegments.SegmentsOptions<Kept>;
  /** How the model takes missing, noisy and shifted inputs. */
  readonly robustness?: Robustness.RobustnessOptions<Feature>;
  /** How much more it gains on the rows that it learned from. */
  readonly overfit?: Overfit.OverfitOptions;
}

/** What is asked, of any kind of prediction. */
export interface Asked extends FurtherOptions {
  readonly fairness?: Fairness.Asked | undefined;
}

/** The numbers of what was asked: a part of the evaluation. */
export const FurtherResults = Schema.Struct({
  fairness: Schema.optionalKey(Fairness.FairnessResult),
  segments: Schema.optionalKey(WeakSegments.SegmentsResult),
  robustness: Schema.optionalKey(Robustness.RobustnessResult),
  overfit: Schema.optionalKey(Overfit.OverfitResult),
  budgets: Schema.optionalKey(Budgets.BudgetsResult),
});
/** See {@link FurtherResults}. */
export type FurtherResults = typeof FurtherResults.Type;

/** What else was asked, answered. */
export interface Further {
  readonly results: FurtherResults;
  readonly gates: ReadonlyArray<Verdict.Gate<unknown>>;
  readonly exhibits: ReadonlyArray<Exhibit.Exhibit>;
}

/** Throws a `TypeError` for options that say nothing, or name what the feature set does not have. */
export const ask = (
  { spec, contract }: AnySet,
  { segments, robustness, overfit }: FurtherOptions,
  fairness: Fairness.Asked | undefined,
): Asked => {
  if (segments !== undefined) WeakSegments.checkOptions(segments);
  if (overfit !== undefined) Overfit.checkOptions(overfit);
  if (robustness !== undefined) {
    Robustness.checkOptions(
      robustness,
      spec.features.map(({ name }) => name),
    );
  }
  const columns = [...(fairness?.by ?? []), ...(segments?.columns ?? [])];
  const unknown = columns.find((column) => contract.spec.columns[column] === undefined);
  if (unknown !== undefined) {
    throw new TypeError(
      `evaluate: the table of "${spec.name}" has no column "${unknown}"; add it to keep`,
    );
  }
  return {
    ...(fairness === undefined ? {} : { fairness }),
    ...(segments === undefined ? {} : { segments }),
    ...(robustness === undefined ? {} : { robustness }),
    ...(overfit === undefined ? {} : { overfit }),
  };
};

/** What is asked as parameters of the stage: empty where nothing is. */
export const paramsOf = Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Json));

/** Reads predictions with the columns that tell groups of people apart. */
export const readWithGroups = Effect.fnUntraced(function* <
  P extends Pick<Predictions.Predictions, "selected">,
  E,
  R,
>(
  data: Table.AnyTable,
  { fairness }: Asked,
  select: ReadonlyArray<string>,
  read: (select: ReadonlyArray<string>) => Effect.Effect<P, E, R>,
) {
  const groups = yield* Effect.forEach(fairness?.by ?? [], (column) =>
    sliceColumn(data, column, fairness?.minRows ?? 0),
  );
  const predicted = yield* read([...select, ...groups.map(({ sql }) => sql)]);
  const codes = predicted.selected.slice(select.length);
  return {
    ...predicted,
    groups: groups.map((group, index) => ({
      ...group,
      codes: codes[index] ?? new Float64Array(),
    })),
  };
});

/** Rows that a gate looks at, at most: what it measures is known to a fraction of a per cent from them. */
const mostRows = 100_000;

/** What the gates are measured on. */
export interface FurtherInput extends Pick<
  RowsOptions,
  "model" | "cost" | "blocks" | "outcomesBy"
> {
  readonly train: Table.AnyTable;
  readonly data: Table.AnyTable;
  readonly charter: Pick<Charter.Charter, "spec">;
  /** What the model says of the test rows, what came, and their groups: see {@link readWithGroups}. */
  readonly predicted: BusinessCost.Said &
    Pick<Predictions.Predictions, "label" | "block"> & { readonly groups: Groups };
  /** With the confidence level of all intervals. */
  readonly look: { readonly level: number };
  readonly seed: number;
}

/** Answers what is asked. */
export const answer: (
  set: AnySet,
  input: FurtherInput,
  asked: Asked,
) => Effect.Effect<Further, RowsError | StatisticsError, Duckdb.Duckdb | Artifact.ArtifactStore> =
  Effect.fnUntraced(function* (set, input, asked) {
    const { predicted, charter, seed, data, train, cost: business } = input;
    const { fairness, segments, robustness, overfit } = asked;
    const { baseline, budgets } = charter.spec;
    const { unit } = business;
    const { level } = input.look;
    const bootstrap = { level, seed };
    let further: Further = { results: {}, gates: [], exhibits: [] };
    const add = (results: FurtherResults, more: Pick<Further, "gates" | "exhibits">) => {
      further = {
        results: { ...further.results, ...results },
        gates: [...further.gates, ...more.gates],
        exhibits: [...further.exhibits, ...more.exhibits],
      };
    };

    if (fairness !== undefined) {
      const { label, block, groups } = predicted;
      const done = yield* business.done(predicted);
      const cost = yield* business.of(done, label);
      const treated = { done, label, cost, blocks: blocksOf(block) };
      const found = yield* Fairness.measure(treated, groups, fairness, level);
      add(
        { fairness: found },
        { gates: Fairness.gates(found, unit), exhibits: Fairness.exhibitsOf(found, unit) },
      );
    }
    if (segments === undefined && robustness === undefined && overfit === undefined && !budgets) {
      return further;
    }

    const kept = yield* Effect.forEach(segments?.columns ?? [], (column) =>
      sliceColumn(data, column, segments?.minRows ?? 200),
    );
    const read = (table: Table.AnyTable, select: ReadonlyArray<string>) =>
      readRows(set, { ...input, baseline, table, mostRows, select });
    const rows = yield* read(
      data,
      kept.map(({ sql }) => sql),
    );
    if (segments !== undefined) {
      const cost = yield* rows.costOf(yield* rows.score(rows.features));
      const coded = kept.map((column, index) => ({
        ...column,
        codes: rows.selected[index] ?? new Float64Array(),
      }));
      const gain = minus(rows.baselineCost, cost);
      const found = yield* WeakSegments.measure(rows, coded, gain, segments, bootstrap);
      add(
        { segments: found },
        {
          gates: [WeakSegments.gate(found, unit, level)],
          exhibits: [WeakSegments.exhibitOf(found, unit)],
        },
      );
    }
    if (robustness !== undefined) {
      const found = yield* Robustness.measure(rows, robustness, bootstrap);
      add(
        { robustness: found },
        {
          gates: [Robustness.gate(found, unit)],
          exhibits: [Robustness.exhibitOf(found, unit)],
        },
      );
    }
    if (overfit !== undefined) {
      const both = { train: yield* read(train, []), test: rows };
      const found = yield* Overfit.measure(both, overfit, bootstrap);
      add(
        { overfit: found },
        {
          gates: [Overfit.gate(found, unit)],
          exhibits: [Overfit.exhibitOf(found, unit)],
        },
      );
    }
    if (budgets !== undefined) {
      const measured = yield* Budgets.measure(set, input.model, rows, budgets);
      add(
        { budgets: Budgets.rounded(measured) },
        {
          gates: Budgets.gates(measured, budgets),
          exhibits: [Budgets.exhibitOf(measured, budgets)],
        },
      );
    }
    return further;
  }, Effect.scoped);
