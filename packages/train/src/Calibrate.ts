/** The stage that calibrates a trained model on validation rows. */
import { type Artifact, type Contract, Stage } from "@ml-pipe/core";
import {
  type Duckdb,
  type Estimator,
  type FeatureSet,
  GoldenSet,
  Model,
  Scoring,
  Table,
  Words,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  type CalibrationMethod,
  fitCalibration,
  type Scored,
} from "./internal/calibration/fitCalibration.ts";
import {
  calibrationFindings,
  comparison,
  crossFitted,
  measured,
  orderFinding,
  reliability,
} from "./internal/calibration/report.ts";
import {
  failOn,
  infiniteIn,
  type TrainingError,
  type TrainingProblem,
} from "./internal/trainingData.ts";
import { type GoldenError, requireOneSplit, type SplitMismatch } from "./internal/trainingStage.ts";
import { readTable, strangeFinding } from "./internal/trainingTable.ts";

/** How {@link calibrate} calibrates. */
export interface CalibrateOptions {
  /**
   * `platt` (default): a sigmoid of the log-odds, two numbers for each class, for any number of rows. `isotonic`:
   * any function that never falls, which needs a thousand rows or more and can give 0 and 1. `temperature`: one
   * number, which leaves the order of classes as it is.
   */
  readonly method?: CalibrationMethod;
}

/** What {@link calibrate} can fail with. */
export type CalibrateError =
  | SplitMismatch
  | TrainingError
  | GoldenError
  | Model.LoadError
  | Scoring.OpenError
  | Estimator.ScoreInputInvalid;

/** The stage that {@link calibrate} makes. */
export type CalibrateStage<Out extends Contract.Contract> = Stage.Stage<
  { readonly model: Model.Model<Out>; readonly validation: Table.Table<Out, "validation"> },
  Model.Model<Out>,
  {},
  CalibrateError,
  Duckdb.Duckdb | Artifact.ArtifactStore
>;

/**
 * A stage that calibrates a model: of all cases that it gives 0.3, three in ten should come true. The map is
 * fitted on the validation rows, which the model was not trained on, and on no others: a train or a test table
 * does not fit by type. It is stored with the model and applied wherever that is scored. A model that is
 * calibrated already is calibrated anew.
 *
 * The report shows reliability before and after, where what is shown for each fifth of the rows comes from a
 * map that was fitted on the others. A calibration that does not help is a finding.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { FeatureSet } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 * ) => Train.calibrate(set, { method: "isotonic" });
 * ```
 */
export const calibrate = <
  C extends Contract.Contract,
  Out extends FeatureSet.Labelled<boolean> | FeatureSet.Labelled<string>,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  { method = "platt" }: CalibrateOptions = {},
): CalibrateStage<Out> =>
  Stage.make("calibrate", {
    description: `calibrates the model (${names[method]})`,
    input: { model: Model.of(set), validation: Table.of(set.contract, "validation") },
    output: Model.of(set),
    params: { featureSet: set.digest, method },
    fingerprint: GoldenSet.registeredDigests(set),
    run: Effect.fnUntraced(function* ({ model, validation }, { exhibit, finding }) {
      yield* requireOneSplit(model.trainedOn, validation);
      yield* GoldenSet.requireApart(set, validation);
      const { estimator, transform, signature } = yield* Model.load(model);
      const classes = signature._tag === "classes" ? signature.classes : undefined;
      const { features } = estimator;
      const rows = yield* readTable(set, validation, { transform, classes, features });
      yield* failOn("data", infiniteIn("validation", rows.featureNames, rows.columns));
      yield* Effect.forEach(strangeFinding(set.contract, rows), finding);
      const scored = yield* Effect.scoped(
        Effect.gen(function* () {
          const { width, columns } = yield* Scoring.open({ estimator });
          const scores = new Float64Array(rows.labels.length * width);
          yield* columns(rows.columns, scores);
          return { scores, labels: rows.labels, width };
        }),
      );
      yield* requireClasses(scored, classes);
      yield* Effect.forEach(orderFinding(scored, set.contract.spec.owner), finding);
      const fittedOn = { table: Table.digestOf(validation), rows: rows.labels.length };
      const calibration = fitCalibration(method, scored, fittedOn);
      const after = crossFitted(method, scored, fittedOn);
      yield* exhibit(reliability(scored, after));
      const [was, is] = [measured(scored), measured({ ...scored, scores: after })];
      yield* exhibit(comparison(was, is));
      const about = { method, rows: fittedOn.rows, was, is, owner: set.contract.spec.owner };
      yield* Effect.forEach(calibrationFindings(about), finding);
      const kind = `${model.kind.replace(/, calibrated \(.*\)$/, "")}, calibrated (${names[method]})`;
      const { trainedOn } = model;
      return yield* Model.store(set, {
        estimator,
        transform,
        signature,
        calibration,
        kind,
        trainedOn,
      });
    }),
  });

const names = { platt: "Platt", isotonic: "isotonic", temperature: "temperature" } as const;

/** Each class must be there, and something else. */
const requireClasses = (
  { labels, width }: Scored,
  classes: ReadonlyArray<string> | undefined,
): Effect.Effect<void, TrainingError> => {
  const seen = new Set(labels);
  const wanted = width === 1 ? ["no", "yes"] : (classes ?? []);
  const problems: ReadonlyArray<TrainingProblem> = wanted.flatMap((name, k) =>
    seen.has(k)
      ? []
      : [
          {
            what: `none of ${Words.counted(labels.length, "validation row")} with an outcome is "${name}"`,
            where: "validation label",
            next: "Make the validation part larger, or split so that each part has rows of every class.",
          },
        ],
  );
  return failOn("data", problems);
};
