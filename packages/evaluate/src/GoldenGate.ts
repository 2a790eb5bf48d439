/** The stage that holds a candidate against a golden set: it may not lose what the release gets right. */
import {
  type Artifact,
  type Charter,
  type Contract,
  Digest,
  type Exhibit,
  Golden,
  type Metric,
  Stage,
  type Store,
  Verdict,
} from "@ml-pipe/core";
import {
  BusinessCost,
  type Duckdb,
  type Expr,
  type FeatureSet,
  GoldenSet,
  McNemar,
  Model,
  Predictions,
  Release,
  Rule,
  type StatisticsError,
  Table,
  Words,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { OtherTrainTable } from "./Judging.ts";
import { requireSignature, type WrongPrediction } from "./WrongPrediction.ts";

const { counted, number, percent, whole } = Words;

/** The verdict is on another model than the one that is held against the golden set. */
export class OtherModel extends Schema.TaggedError<OtherModel>()("OtherModel", {
  model: Digest.Digest,
  judged: Digest.Digest,
}) {
  override get message(): string {
    return `the verdict is on the model ${this.judged.slice(0, 19)}, and the model for the golden set is ${this.model.slice(0, 19)}. Wire both to the same model.`;
  }
}

/** The golden table is not of the golden set that the gate was made for. */
export class OtherGoldenSet extends Schema.TaggedError<OtherGoldenSet>()("OtherGoldenSet", {
  golden: Schema.String,
  expected: Digest.Digest,
  found: Digest.Digest,
}) {
  override get message(): string {
    return `the golden table (${this.found.slice(0, 19)}) is not the golden set ${this.golden} (${this.expected.slice(0, 19)}). Wire its stage to the gate: GoldenSet.stage.`;
  }
}

/** How the gate judges. */
export interface GoldenOptions<
  Out extends Contract.Contract,
  M extends BusinessCost.RowMetric = BusinessCost.RowMetric,
> {
  /** What a row costs, and the baseline as long as nothing is released. */
  readonly charter: Charter.Charter<M>;
  /**
   * A row is right that costs at most so much more than with perfect foresight, in the metric's unit. Default 0; of
   * numbers, which are never met exactly, it must be said.
   */
  readonly tolerance?: number;
  /** Rows that a candidate must get right, whatever it wins elsewhere. Default: none in particular. */
  readonly mustPass?: ($: Expr.Columns<Out>) => Expr.Expr<boolean, "decision">;
  /** Confidence from which more losses than wins are no accident; default 0.95. */
  readonly level?: number;
}

/** Of numbers, the tolerance must be said. */
export type ToleranceOf<M extends BusinessCost.RowMetric> = M extends Metric.NumberMetric
  ? { readonly tolerance: number }
  : {};

/** What a candidate and what is in place do on the golden rows. */
export const GoldenComparison = Schema.Struct({
  golden: Schema.String,
  digest: Digest.Digest,
  rows: Schema.Int,
  /** What the candidate is compared with, such as `flight-delay@3`, or the name of the baseline. */
  against: Schema.String,
  /** Rows that the candidate gets right, and that what is in place does. */
  correct: Schema.Int,
  correctInPlace: Schema.Int,
  /** Rows that only what is in place, and that only the candidate gets right. */
  losses: Schema.Int,
  wins: Schema.Int,
  /** Of as many losses if both were equally good: exact McNemar, one-sided. */
  pValue: Schema.Finite,
  level: Schema.Finite,
  /** How much more than with perfect foresight a row may cost to be right, in {@link unit}. */
  tolerance: Schema.Finite,
  unit: Schema.String,
  /** What rows cost on average. */
  cost: Schema.Struct({ candidate: Schema.Finite, inPlace: Schema.Finite }),
  mustPass: Schema.Struct({ rows: Schema.Int, failed: Schema.Int }),
  /** Row numbers in the golden set, from 0, of the first rows lost and of the first must-pass rows failed. */
  lost: Schema.Array(Schema.Int),
  failed: Schema.Array(Schema.Int),
}).annotate({ title: "GoldenComparison" });
/** See {@link GoldenComparison}. */
export type GoldenComparison = typeof GoldenComparison.Type;

/** What {@link noRegression} can fail with. */
export type GoldenError =
  | OtherModel
  | OtherGoldenSet
  | OtherTrainTable
  | GoldenSet.GoldenRowsInTraining
  | WrongPrediction
  | Predictions.PredictionsError
  | StatisticsError
  | Store.StoreError;

/** The stage that {@link noRegression} makes. */
export type GoldenStage<Out extends Contract.Contract> = Stage.Stage<
  {
    readonly verdict: Verdict.Verdict;
    readonly model: Model.Model<Out>;
    readonly train: Table.Table<Out, "train">;
    readonly golden: Table.Table<Out, "golden">;
    /** What is in place; null where nothing is yet. */
    readonly released: Release.Release<Out> | null;
  },
  Stage.Ports<{ readonly verdict: Verdict.Verdict; readonly comparison: GoldenComparison }>,
  {},
  GoldenError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/**
 * A stage that holds a candidate against a golden set, row by row, beside what is released (before the
 * first release: the charter's baseline), and adds the answer to its verdict as evidence:
 *
 * - `golden NAME@VERSION: no regression` passes where the candidate loses no more rows than it wins,
 *   fails where it loses more than chance explains (exact McNemar), and is inconclusive between;
 * - `golden NAME@VERSION: must pass` fails if any of these rows is wrong.
 *
 * A row is right where what is done about it costs no more than with perfect foresight, but for the tolerance: the
 * right decision, the cheapest choice for its class, a number that is near enough.
 *
 * Fails with `GoldenRowsInTraining` if the model was trained on any of the golden rows.
 *
 * @example
 * ```ts
 * import type { Charter, Metric } from "@ml-pipe/core";
 * import type { FeatureSet, GoldenSet } from "@ml-pipe/data";
 * import { GoldenGate } from "@ml-pipe/evaluate";
 *
 * const stageFor = <Out extends FeatureSet.Labelled<boolean>>(
 *   golden: GoldenSet.GoldenSet<Out>, charter: Charter.Charter<Metric.DecisionMetric>,
 * ) => GoldenGate.noRegression(golden, { charter });
 * ```
 */
export const noRegression = <
  M extends BusinessCost.RowMetric,
  Out extends FeatureSet.Labelled<FeatureSet.LabelFor<M>>,
>(
  golden: GoldenSet.GoldenSet<Out>,
  options: GoldenOptions<Out, M> & ToleranceOf<M>,
): GoldenStage<Out> => {
  const { charter, mustPass, level = 0.95, tolerance = 0 } = options;
  const { metric, baseline } = charter.spec;
  if (!(level > 0 && level < 1)) throw new TypeError(`golden: the level ${level} is not in (0, 1)`);
  if (!(tolerance >= 0 && Number.isFinite(tolerance))) {
    throw new TypeError(`golden: the tolerance is ${tolerance}; give a cost, 0 or more`);
  }
  const label = Golden.label(golden);
  const { of: set } = golden;
  const business = Result.getOrThrow(BusinessCost.of(metric));
  const required =
    mustPass === undefined
      ? undefined
      : Rule.baseline(set.contract, {
          name: `must pass of ${label}`,
          description: "",
          when: mustPass,
        });
  return Stage.make("golden-gate", {
    description: `holds the model against the golden set ${label}`,
    input: {
      verdict: Verdict.Verdict,
      model: Model.of(set),
      train: Table.of(set.contract, "train"),
      golden: Table.of(set.contract, "golden"),
      released: Schema.NullOr(Release.of(set)),
    },
    outputs: { verdict: Verdict.Verdict, comparison: GoldenComparison },
    params: {
      golden: label,
      digest: golden.digest,
      charter: charter.digest,
      mustPass: required?.rule ?? null,
      level,
      tolerance,
    },
    charter,
    run: Effect.fnUntraced(function* (
      { verdict, model, train, golden: table, released },
      { exhibit },
    ) {
      yield* requireSame(golden, verdict, model, train, table);
      yield* GoldenSet.requireNotIn(golden, table, train);
      const must = required === undefined ? "0" : (yield* Rule.compile(required)).sql;
      const read = Effect.fnUntraced(function* (of: Model.AnyModel) {
        const { classes } = business;
        const asked = { model: of, table, baseline, classes, rows: "labelled" } as const;
        const predicted = yield* Predictions.read(set, { ...asked, select: [must] });
        yield* requireSignature(of, predicted.signature, business.needs);
        return predicted;
      });
      const candidate = yield* read(model);
      const { label: outcome } = candidate;
      const charged = (done: Float64Array) => business.of(done, outcome);
      const comparison = yield* compare({
        golden,
        level,
        tolerance,
        unit: business.unit,
        against: released === null ? baseline.name : Release.label(released),
        cost: yield* charged(yield* business.done(candidate)),
        inPlace: yield* charged(
          released === null
            ? candidate.baseline
            : yield* (yield* Effect.fromResult(BusinessCost.asReleased(business, released))).done(
                yield* read(released.model),
              ),
        ),
        least: yield* business.withForesight(outcome),
        must: candidate.selected[0] ?? new Float64Array(),
      });
      yield* exhibit(exhibitOf(comparison));
      const gates =
        required === undefined
          ? [regressionGate(label)]
          : [regressionGate(label), mustPassGate(label)];
      return { verdict: Verdict.extend(verdict, gates, comparison), comparison };
    }),
  });
};

const requireSame = Effect.fnUntraced(function* (
  golden: GoldenSet.GoldenSet,
  verdict: Verdict.Verdict,
  model: Model.AnyModel,
  train: Table.AnyTable,
  table: Table.AnyTable,
) {
  const { digest } = model.document;
  if (verdict.model !== digest) {
    return yield* new OtherModel({ model: digest, judged: verdict.model });
  }
  const [trained, given, found] = [
    model.trainedOn.table,
    Table.digestOf(train),
    Table.digestOf(table),
  ];
  if (trained !== given) return yield* new OtherTrainTable({ model: trained, table: given });
  if (found !== golden.digest) {
    const label = Golden.label(golden);
    return yield* new OtherGoldenSet({ golden: label, expected: golden.digest, found });
  }
});

/** How many rows a comparison names. */
const named = 20;

const compare = Effect.fnUntraced(function* (rows: {
  readonly golden: GoldenSet.GoldenSet;
  readonly level: number;
  readonly tolerance: number;
  readonly unit: string;
  readonly against: string;
  /** What each row costs: by the candidate, by what is in place, and with perfect foresight. */
  readonly cost: Float64Array;
  readonly inPlace: Float64Array;
  readonly least: Float64Array;
  readonly must: Float64Array;
}): Effect.fn.Return<GoldenComparison, StatisticsError> {
  const { golden, level, tolerance, unit, against, cost, inPlace, least, must } = rows;
  let [correct, correctInPlace, wins, required] = [0, 0, 0, 0];
  const lost: Array<number> = [];
  const failed: Array<number> = [];
  const isRight = (costs: Float64Array, row: number) => costs[row]! - least[row]! <= tolerance;
  for (let row = 0; row < cost.length; row++) {
    const [right, was] = [isRight(cost, row), isRight(inPlace, row)];
    if (right) correct++;
    if (was) correctInPlace++;
    if (was && !right) lost.push(row);
    if (right && !was) wins++;
    if (must[row] !== 1) continue;
    required++;
    if (!right) failed.push(row);
  }
  const losses = lost.length;
  return {
    golden: Golden.label(golden),
    digest: golden.digest,
    rows: cost.length,
    against,
    correct,
    correctInPlace,
    losses,
    wins,
    pValue: yield* Effect.fromResult(McNemar.exact({ losses, wins })),
    level,
    tolerance,
    unit,
    cost: { candidate: meanOf(cost), inPlace: meanOf(inPlace) },
    mustPass: { rows: required, failed: failed.length },
    lost: lost.slice(0, named),
    failed: failed.slice(0, named),
  };
});

const meanOf = (values: Float64Array): number =>
  values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length);

const regressionGate = (label: string): Verdict.Gate<GoldenComparison> => ({
  name: `golden ${label}: no regression`,
  check: ({ rows, against, correct, correctInPlace, losses, wins, pValue, level, lost }) => {
    const expected = `to lose no more of ${counted(rows, "golden row")} than it wins, against ${against}`;
    const more = losses > lost.length ? ", …" : "";
    const which = losses === 0 ? "" : ` (row ${lost.join(", ")}${more})`;
    const found = `${whole(correct)} right where ${whole(correctInPlace)} were: ${whole(losses)} lost${which}, ${whole(wins)} won; as many losses by chance: p = ${number(pValue)}`;
    if (losses <= wins) return { outcome: "passed", expected, found, next: "Nothing to do." };
    const certain = pValue <= 1 - level;
    return {
      outcome: certain ? "failed" : "inconclusive",
      expected,
      found,
      next: certain
        ? "Look at the rows that it loses: what do they have in common that the training data lack?"
        : `Fewer than ${percent(level)} sure: look at the rows that it loses, and let the owner decide; more golden rows would settle it.`,
    };
  },
});

const mustPassGate = (label: string): Verdict.Gate<GoldenComparison> => ({
  name: `golden ${label}: must pass`,
  check: ({ mustPass, failed }) => {
    const expected = "every must-pass row right";
    if (mustPass.rows === 0) {
      return {
        outcome: "inconclusive",
        expected,
        found: "no such row in the golden set",
        next: "Add rows that the condition holds for, or drop the condition.",
      };
    }
    const more = mustPass.failed > failed.length ? ", …" : "";
    return mustPass.failed === 0
      ? {
          outcome: "passed",
          expected,
          found: `all ${whole(mustPass.rows)} are`,
          next: "Nothing to do.",
        }
      : {
          outcome: "failed",
          expected,
          found: `${whole(mustPass.failed)} of ${whole(mustPass.rows)} are not (row ${failed.join(", ")}${more})`,
          next: "Do not release it: add training data like these rows, or features that tell them apart.",
        };
  },
});

const exhibitOf = (comparison: GoldenComparison): Exhibit.Exhibit => ({
  _tag: "table",
  title: `Golden set ${comparison.golden}`,
  caption: `against ${comparison.against}`,
  columns: ["what", "is"],
  rows: [
    ["golden", comparison.rows],
    ["right", comparison.correct],
    ["right in place", comparison.correctInPlace],
    ["lost", comparison.losses],
    ["won", comparison.wins],
    ["must pass", comparison.mustPass.rows],
    ["must pass, failed", comparison.mustPass.failed],
    [`mean cost, ${comparison.unit}`, comparison.cost.candidate],
    [`mean cost in place, ${comparison.unit}`, comparison.cost.inPlace],
  ],
});
