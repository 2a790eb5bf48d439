/**
 * Searching for good parameters: many trainings, each judged on validation rows, of which the best is kept. A
 * fan-out of the graph, so that a search that was stopped goes on with the trials that are left.
 */
import {
  type Artifact,
  type Contract,
  type Engine,
  Pipeline,
  type Ref,
  Stage,
  type Store,
} from "@ml-pipe/core";
import { type Duckdb, FeatureSet, GoldenSet, Model, Split, type Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { defaultLoss, type Loss, measure, type MeasureError } from "./internal/search/loss.ts";
import { planOf, type Strategy } from "./internal/search/plan.ts";
import { exhibitsOf, findingsOf, ranked } from "./internal/search/report.ts";
import { sampled } from "./internal/search/sample.ts";
import { Attempt, Trial } from "./internal/search/Trial.ts";
import { inputsOf, type TrainInputs } from "./internal/trainingStage.ts";
import type { Point, Space } from "./Space.ts";

export type { Strategy } from "./internal/search/plan.ts";

/** What a search tried and found. */
export const SearchResult = Schema.Struct({
  /** What was measured on validation rows; lower is better. */
  loss: Schema.String,
  /** Different parameters that were tried. */
  trials: Schema.Int,
  /** All trainings, best first: with halving, a trial has one for each share of the rows. */
  attempts: Schema.Array(Attempt),
  /** Trials that could not be trained, and why. */
  failed: Schema.Array(Schema.String),
});
/** See {@link SearchResult}. */
export type SearchResult = typeof SearchResult.Type;

/** The losses that fit a label; the first is the default. */
export type LossFor<Out extends Contract.Contract> =
  Out extends FeatureSet.Labelled<boolean>
    ? "logLoss" | "brier"
    : Out extends FeatureSet.Labelled<number>
      ? "squared" | "absolute" | "poisson"
      : "logLoss" | "mistakes";

/** What trains: any stage that takes both parts of a split and gives a model. */
export interface Trainer<Out extends Contract.Contract, out E, out R> {
  readonly info: Stage.StageInfo;
  readonly run: (input: TrainInputs<Out>) => Effect.Effect<Model.Model<Out>, E, R>;
}

/** What {@link search} is told. */
export type SearchOptions<Out extends Contract.Contract, S extends Space, E, R, FE> = Strategy & {
  readonly space: S;
  /** The stage that trains with these parameters, such as `({ l2 }) => Train.linear(set, { l2 })`. */
  readonly train: (parameters: Point<S>) => Trainer<Out, E, R>;
  /** What is compared, on validation rows. Default: log loss of probabilities, squared error of numbers. */
  readonly loss?: LossFor<Out>;
  /**
   * Folds of the training rows to compare on, instead of the validation part: `Split.kFold` or
   * `Split.rollingOrigin`. Everything is fitted in each fold anew; the best parameters are then trained on
   * all training rows.
   */
  readonly folds?: Split.FoldsStage<Out, FE>;
  /** Decides which points are drawn; default 0. */
  readonly seed?: number;
  /** Up to this share of the trials may fail to train; default a half. */
  readonly mayFail?: number;
  /** Name of the group of stages; default `search`. */
  readonly name?: string;
};

/** No trial could be trained. */
export class NothingTrained extends Schema.TaggedError<NothingTrained>()("NothingTrained", {}) {
  override get message(): string {
    return "none of the trials of the search could be trained. Look at why the first one failed, and leave out of the space what cannot be trained.";
  }
}

/** What a search can fail with, beside what its trainer and its folds can. */
export type SearchError =
  | NothingTrained
  | MeasureError
  | GoldenSet.GoldenRowsInTraining
  | Table.WriteError
  | Stage.ItemsInvalid
  | Stage.ItemsFailed
  | Store.StoreError
  | Engine.OutputMismatch;

/** The references that a search takes. */
interface Inputs<Out extends Contract.Contract, E, R> {
  readonly train: Ref.Ref<Table.Table<Out, "train">, E, R>;
  readonly validation: Ref.Ref<Table.Table<Out, "validation">, E, R>;
}

/**
 * A search, to be called inside `Pipeline.make` like a stage: it adds a group of stages, of which `try` fans
 * out over the trials. Gives the best model, and what was tried. Trains on the train part and compares on the
 * validation part, or on folds of the train part; a test table does not fit by type.
 *
 * The best of many is too good on the rows that chose it. The model's kind says of how many it is the best,
 * and a finding reminds of it.
 *
 * @example
 * ```ts
 * import type { Contract, Ref } from "@ml-pipe/core";
 * import type { FeatureSet, Table } from "@ml-pipe/data";
 * import { Space, Train } from "@ml-pipe/train";
 *
 * const tuned = <C extends Contract.Contract, Out extends FeatureSet.Labelled<boolean>>(
 *   set: FeatureSet.FeatureSet<C, Out>,
 *   parts: {
 *     readonly train: Ref.Ref<Table.Table<Out, "train">>;
 *     readonly validation: Ref.Ref<Table.Table<Out, "validation">>;
 *   },
 * ) =>
 *   Train.search(set, {
 *     space: { l2: Space.float({ from: 1e-3, to: 1e3, scale: "log" }) },
 *     train: ({ l2 }) => Train.linear(set, { l2 }),
 *     trials: 20,
 *   })(parts).model;
 * ```
 */
export const search = <
  C extends Contract.Contract,
  Out extends FeatureSet.Labelled,
  const S extends Space,
  E,
  R,
  FE = never,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  options: SearchOptions<Out, S, E, R, FE>,
) => {
  const { space, train, seed = 0, mayFail = 0.5, name = "search", folds } = options;
  const loss: Loss = options.loss ?? defaultLoss[FeatureSet.labelKind(set.spec)];
  const { points, shares, factor } = planOf(options, space, seed);
  const rung = {
    next: Schema.Array(Trial),
    seen: Schema.Array(Attempt),
    failed: Schema.Array(Schema.String),
  };
  const Tried = Schema.Struct({ ...Attempt.fields, model: Model.of(set) });
  const ownFold = Stage.make("validation", {
    description: "compares on the validation part",
    input: inputsOf(set),
    output: Schema.Array(Split.foldOf(set.contract)),
    run: (parts) => Effect.succeed([{ fold: 1, folds: 1, ...parts }]),
  });
  const candidates = Stage.make("candidates", {
    description: `${points.length} points of the space`,
    input: {},
    outputs: rung,
    params: { space: JSON.stringify(space), points: points.length, seed },
    run: () =>
      Effect.succeed({
        next: points.map((parameters, at) => ({
          trial: at + 1,
          parameters,
          share: shares[0] ?? 1,
        })),
        seen: [],
        failed: [],
      }),
  });
  const stageOf = (trial: Trial) => train(trial.parameters as Point<S>);
  const attempt: AttemptStage<Out, E, R> = Stage.make("try", {
    description: "trains, and measures on validation rows",
    input: { folds: Schema.Array(Split.foldOf(set.contract)), trial: Trial },
    output: Tried,
    params: { featureSet: set.digest, loss },
    fingerprint: ({ trial }): Effect.Effect<Schema.Json, AttemptError<E>, R | Needs> =>
      Effect.map(GoldenSet.registeredDigests(set), (goldens) => ({
        goldens,
        trainer: stageOf(trial).info.params,
      })),
    run: Effect.fnUntraced(function* ({ folds, trial }) {
      let [sum, rows] = [0, 0];
      let last: Model.Model<Out> | undefined;
      for (const fold of folds) {
        const some = yield* sampled(set, fold.train, trial.share);
        const model = yield* stageOf(trial).run({ train: some, validation: fold.validation });
        const found = yield* measure(set, model, fold.validation, loss);
        sum += found.loss * found.rows;
        rows += found.rows;
        last = model;
      }
      if (last === undefined) return yield* new NothingTrained();
      return { ...trial, loss: sum / rows, rows, model: last };
    }),
  });
  // The compiler does not find them where errors are still open.
  const tryAll = Stage.forEach<
    AttemptInputs<Out>,
    AttemptOutput<Out>,
    {},
    AttemptError<E>,
    R | Needs,
    "trial"
  >("try", attempt, {
    each: "trial",
    key: ({ trial, share }) => `trial ${trial}${share === 1 ? "" : ` on ${share.toPrecision(2)}`}`,
    onFailure: { quarantine: { atMostShare: mayFail } },
  });
  const before = { tried: Stage.itemsOf(Tried), seen: rung.seen, failed: rung.failed };
  const halve = Stage.make("halve", {
    description: `keeps one in ${factor}`,
    input: before,
    outputs: rung,
    params: { factor, shares },
    run: ({ tried, seen, failed }) => {
      const attempts = tried.items.map(({ value }) => attemptOf(value));
      const share = shares[shares.indexOf(attempts[0]?.share ?? 1) + 1] ?? 1;
      const kept = ranked(attempts).slice(0, Math.max(1, Math.floor(attempts.length / factor)));
      return Effect.succeed({
        next: kept.map(({ trial, parameters }) => ({ trial, parameters, share })),
        seen: [...seen, ...attempts],
        failed: [...failed, ...tried.quarantined.map(wordsOf)],
      });
    },
  });
  const best = Stage.make("best", {
    description: "takes the best trial",
    input: { ...inputsOf(set), ...before },
    outputs: { model: Model.of(set), result: SearchResult },
    params: { folds: folds !== undefined, space: JSON.stringify(space), loss },
    run: Effect.fnUntraced(function* (
      { tried, seen, failed: failedBefore, ...parts },
      { exhibit, finding },
    ) {
      const attempts = tried.items.map(({ value }) => value);
      const all = [...seen, ...attempts.map(attemptOf)];
      const [winner] = ranked(attempts);
      const chosen = attempts.find(({ trial }) => trial === winner?.trial);
      if (winner === undefined || chosen === undefined) return yield* new NothingTrained();
      // Of folds the last one's model has not seen all training rows.
      const model = folds === undefined ? chosen.model : yield* stageOf(winner).run(parts);
      const trials = new Set(all.map(({ trial }) => trial)).size;
      const failed = [...failedBefore, ...tried.quarantined.map(wordsOf)];
      yield* Effect.forEach(exhibitsOf(space, loss, all), exhibit);
      const about = { best: winner, trials, failed };
      yield* Effect.forEach(findingsOf(space, set.contract.spec.owner, about), finding);
      return {
        model: { ...model, kind: `${model.kind}, best of ${trials} trials` },
        result: { loss, trials, attempts: ranked(all), failed },
      };
    }),
  });
  return <E1, R1>(
    parts: Inputs<Out, E1, R1>,
  ): Stage.Node<
    Stage.Ports<{ readonly model: Model.Model<Out>; readonly result: SearchResult }>,
    {},
    SearchError | E | FE | E1,
    Needs | R | R1
  > =>
    Pipeline.group(name, () => {
      const given = folds === undefined ? ownFold(parts) : folds({ data: parts.train });
      let rung: Rung<SearchError | E | FE | E1, Needs | R | R1> = candidates();
      for (let at = 1; at < shares.length; at++) {
        const { next, ...before } = rung;
        const tried = Stage.named(`try-${at}`, tryAll)({ folds: given, trial: next });
        rung = Stage.named(
          `halve-${at}`,
          halve,
        )({ tried, seen: before.seen, failed: before.failed });
      }
      const tried = tryAll({ folds: given, trial: rung.next });
      const { train, validation } = parts;
      return best({ train, validation, tried, seen: rung.seen, failed: rung.failed });
    });
};

/** What one trial can fail with. */
type AttemptError<E> = E | NothingTrained | MeasureError | Table.WriteError | Store.StoreError;

type Needs = Duckdb.Duckdb | Artifact.ArtifactStore;

interface AttemptInputs<Out extends Contract.Contract> {
  readonly folds: ReadonlyArray<Split.Fold<Out>>;
  readonly trial: Trial;
}

interface AttemptOutput<Out extends Contract.Contract> extends Attempt {
  readonly model: Model.Model<Out>;
}

/** The stage of one trial. */
type AttemptStage<Out extends Contract.Contract, E, R> = Stage.Stage<
  AttemptInputs<Out>,
  AttemptOutput<Out>,
  {},
  AttemptError<E>,
  R | Needs
>;

/** Trials that go on, and what came of those before. */
interface Rung<E, R> {
  readonly next: Ref.Ref<ReadonlyArray<Trial>, E, R>;
  readonly seen: Ref.Ref<ReadonlyArray<Attempt>, E, R>;
  readonly failed: Ref.Ref<ReadonlyArray<string>, E, R>;
}

const attemptOf = ({ trial, parameters, share, loss, rows }: Attempt): Attempt => ({
  trial,
  parameters,
  share,
  loss,
  rows,
});

const wordsOf = ({
  key,
  failure,
}: {
  readonly key: string;
  readonly failure: { readonly message: string };
}) => `${key}: ${failure.message}`;
