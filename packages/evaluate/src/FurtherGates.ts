/**
 * Gates that a verdict has where they are asked for, besides those that every verdict has: fairness, weak
 * segments, robustness, overfitting, and the charter's budgets. Each adds its evidence to the same verdict,
 * its numbers to the same evaluation, and is seen with the same look at the test rows.
 */
import type { Artifact, Charter, Exhibit, Metric, Verdict } from "@ml-pipe/core";
import type { Decisions, Duckdb, StatisticsError, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Budgets from "./Budgets.ts";
import * as Fairness from "./Fairness.ts";
import { blocksOf } from "./internal/blocks.ts";
import { type AnySet, minus, readRows, type RowsOptions } from "./internal/rows.ts";
import { type SliceColumn, sliceColumn } from "./internal/slices.ts";
import * as Overfit from "./Overfit.ts";
import * as Robustness from "./Robustness.ts";
import * as WeakSegments from "./WeakSegments.ts";

/** What else a verdict is to ask. */
export interface FurtherOptions<Kept extends string = string, Feature extends string = string> {
  /** Whether groups of people are decided on alike. */
  readonly fairness?: Fairness.FairnessOptions<Kept>;
  /** Whether there are rows with something in common on which the model loses. */
  readonly segments?: WeakSegments.SegmentsOptions<Kept>;
  /** How the model takes missing, noisy and shifted inputs. */
  readonly robustness?: Robustness.RobustnessOptions<Feature>;
  /** How much more it gains on the rows that it learned from. */
  readonly overfit?: Overfit.OverfitOptions;
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
export const checkOptions = (
  { spec, contract }: AnySet,
  { fairness, segments, robustness, overfit }: FurtherOptions,
): void => {
  if (fairness !== undefined) Fairness.checkOptions(fairness);
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
};

/** The options as parameters of the stage: empty where nothing is asked. */
export const paramsOf = ({ fairness, segments, robustness, overfit }: FurtherOptions) => {
  const asked = { fairness, segments, robustness, overfit };
  return Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Json))(
    Object.fromEntries(Object.entries(asked).filter(([, one]) => one !== undefined)),
  );
};

/** The columns that tell groups of people apart, to be read with the decisions. */
export const groupsOf = (data: Table.AnyTable, { fairness }: FurtherOptions) =>
  Effect.forEach(fairness?.by ?? [], (column) =>
    sliceColumn(data, column, fairness?.minRows ?? 100),
  );

/** Rows that a gate looks at, at most: what it measures is known to a fraction of a per cent from them. */
const mostRows = 100_000;

/** What the gates are measured on. */
export interface FurtherInput extends Pick<
  RowsOptions,
  "model" | "threshold" | "blocks" | "outcomesBy"
> {
  readonly train: Table.AnyTable;
  readonly data: Table.AnyTable;
  readonly charter: Pick<Charter.Charter<Metric.DecisionMetric>, "spec">;
  readonly decided: Decisions.Decisions;
  /** As {@link groupsOf} gave them, with the numbers of the groups by row. */
  readonly groups: ReadonlyArray<SliceColumn & { readonly codes: Float64Array }>;
  readonly level: number;
  readonly seed: number;
}

/** Answers what is asked. */
export const answer: (
  set: AnySet,
  input: FurtherInput,
  options: FurtherOptions,
) => Effect.Effect<
  Further,
  Decisions.DecisionsError | StatisticsError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> = Effect.fnUntraced(function* (set, input, options) {
  const { decided, charter, level, seed, data, train } = input;
  const { fairness, segments, robustness, overfit } = options;
  const { metric, budgets } = charter.spec;
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
    const decisions = {
      probability: decided.probability,
      label: decided.label,
      threshold: input.threshold,
      blocks: blocksOf(decided.block),
    };
    const found = yield* Fairness.measure(decisions, input.groups, fairness, level);
    add(
      { fairness: found },
      { gates: Fairness.gates(found), exhibits: Fairness.exhibitsOf(found) },
    );
  }
  if (segments === undefined && robustness === undefined && overfit === undefined && !budgets) {
    return further;
  }

  const kept = yield* Effect.forEach(segments?.columns ?? [], (column) =>
    sliceColumn(data, column, segments?.minRows ?? 200),
  );
  const read = (table: Table.AnyTable, select: ReadonlyArray<string>) =>
    readRows(set, { ...input, table, mostRows, select });
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
        gates: [WeakSegments.gate(found, metric.unit, level)],
        exhibits: [WeakSegments.exhibitOf(found, metric.unit)],
      },
    );
  }
  if (robustness !== undefined) {
    const found = yield* Robustness.measure(rows, robustness, bootstrap);
    add(
      { robustness: found },
      {
        gates: [Robustness.gate(found, metric.unit)],
        exhibits: [Robustness.exhibitOf(found, metric.unit)],
      },
    );
  }
  if (overfit !== undefined) {
    const both = { train: yield* read(train, []), test: rows };
    const found = yield* Overfit.measure(both, overfit, bootstrap);
    add(
      { overfit: found },
      {
        gates: [Overfit.gate(found, metric.unit)],
        exhibits: [Overfit.exhibitOf(found, metric.unit)],
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
