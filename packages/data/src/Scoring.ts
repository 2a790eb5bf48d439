/**
 * Scoring: a model that is ready to compute, whatever its estimator is. A built-in model computes here and at
 * once; one in ONNX in a thread of its own, which ends with the scope. A calibration is part of the score.
 */
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { type Calibration, compile } from "./Calibration.ts";
import type { AnyEstimator } from "./estimator/AnyEstimator.ts";
import { scoreColumns, scoreInto, width as widthOf } from "./Estimator.ts";
import {
  type Column,
  requireColumns,
  rowsOf,
  type ScoreInputInvalid,
} from "./estimator/columns.ts";
import type { Signature } from "./Model.ts";
import * as Onnx from "./Onnx.ts";
import { unsafe } from "./onnx/fit.ts";
import { NotGiven, pack } from "./onnx/inputs.ts";
import { type OnnxThread, start } from "./onnx/thread.ts";

/** A model that is ready to compute. */
export interface Scoring {
  /** Scores of each row. */
  readonly width: number;
  /**
   * Scores columns in the order of the estimator's features: the scores of row `i` go to
   * `out[i * width..]`. NaN is missing.
   */
  readonly columns: (
    columns: ReadonlyArray<Column>,
    out: Float64Array,
  ) => Effect.Effect<void, ScoreInputInvalid | Onnx.OnnxFailed>;
  /**
   * Scores rows of features: the scores of row `i` are at `i * width..`. A built-in model does so
   * synchronously: `Effect.runSync` gives them.
   */
  readonly rows: (
    rows: ReadonlyArray<ArrayLike<number>>,
  ) => Effect.Effect<Float64Array, Onnx.OnnxFailed>;
}

/** What making an estimator ready can fail with. */
export type OpenError =
  | Onnx.OnnxInvalid
  | Onnx.OnnxRuntimeMissing
  | Onnx.OnnxFailed
  | Artifact.ArtifactMissing
  | Artifact.ArtifactStoreError;

/**
 * Makes a model ready to compute. The file of one in ONNX is verified by its digest and looked through for
 * what would be foreign code.
 *
 * @example
 * ```ts
 * import { Model, Scoring } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const scoreOf = (model: Model.AnyModel, features: ReadonlyArray<number>) =>
 *   Effect.scoped(
 *     Effect.gen(function* () {
 *       const scoring = yield* Scoring.open(yield* Model.load(model));
 *       return yield* scoring.rows([features]);
 *     }),
 *   );
 * ```
 */
export const open: (model: {
  readonly estimator: AnyEstimator;
  readonly calibration?: Calibration;
  readonly signature?: Signature;
}) => Effect.Effect<Scoring, OpenError, Artifact.ArtifactStore | Scope.Scope> = Effect.fnUntraced(
  function* ({ estimator, calibration, signature }) {
    const promised = signature?._tag === "probability" || signature?._tag === "classes";
    const scoring =
      estimator._tag === "OnnxModel" ? yield* openOnnx(estimator, promised) : builtIn(estimator);
    return calibration === undefined ? scoring : calibrated(scoring, calibration);
  },
);

/** Rows that are calibrated before other fibres run: about a hundredth of a second. */
const calibratedRows = 65_536;

const calibrated = ({ width, columns, rows }: Scoring, calibration: Calibration): Scoring => {
  const calibrate = compile(calibration, width);
  return {
    width,
    columns: Effect.fnUntraced(function* (given, out) {
      yield* columns(given, out);
      for (let at = 0; at < out.length; at += calibratedRows * width) {
        calibrate(out.subarray(at, at + calibratedRows * width));
        yield* Effect.yieldNow;
      }
    }),
    rows: (given) =>
      Effect.map(rows(given), (out) => {
        calibrate(out);
        return out;
      }),
  };
};

const builtIn = (estimator: Exclude<AnyEstimator, Onnx.OnnxModel>): Scoring => {
  const width = widthOf(estimator);
  const score = scoreInto(estimator);
  return {
    width,
    columns: (columns, out) => scoreColumns(estimator, columns, out),
    rows: (rows) =>
      Effect.sync(() => {
        const out = new Float64Array(rows.length * width);
        for (const [i, row] of rows.entries()) score(row, out.subarray(i * width, (i + 1) * width));
        return out;
      }),
  };
};

/** Rows that go to the thread at a time: their memory is bounded, and the way there is paid rarely. */
const blockRows = 8192;

/**
 * What a probability may miss 0 or 1 by, and is put there: sums of 32-bit floats, such as the votes of a forest, do.
 * More than that is no probability.
 */
const roundingError = 1e-5;

const openOnnx = Effect.fnUntraced(function* (model: Onnx.OnnxModel, probabilities: boolean) {
  const store = yield* Artifact.ArtifactStore;
  yield* store.verify(model.file);
  const path = yield* store.path(model.file);
  const problems = unsafe(yield* Onnx.inspect(path, { maxBytes: Infinity }));
  if (problems.length > 0) return yield* new Onnx.OnnxInvalid({ file: path, problems });
  const { inputs, output } = model;
  return onnx(model, yield* start({ path, inputs, output: output.name }), probabilities);
});

const onnx = (
  { features, inputs, output }: Onnx.OnnxModel,
  thread: OnnxThread,
  probabilities: boolean,
): Scoring => {
  const width = output.columns.length;
  /** Scores rows of columns, and takes of the output what are the scores. */
  const score = Effect.fnUntraced(function* (
    columns: ReadonlyArray<Column>,
    [from, to]: readonly [number, number],
    out: Float64Array,
  ) {
    const given = yield* Effect.try({
      try: () => inputs.map((input) => pack(input, columns, features, [from, to])),
      catch: (thrown) => {
        if (!(thrown instanceof NotGiven)) throw thrown;
        return new Onnx.OnnxFailed({ during: "score", problem: thrown.message });
      },
    });
    const { scores, width: found } = yield* thread.score(to - from, given);
    if (output.columns.some((column) => column >= found)) {
      const problem = `its output "${output.name}" has ${found} numbers for each row, and of column ${output.columns.join(", ")} (from 0) the score is taken`;
      return yield* new Onnx.OnnxFailed({ during: "score", problem });
    }
    for (const [k, column] of output.columns.entries()) {
      for (let i = column, at = from * width + k; i < scores.length; i += found, at += width) {
        const one = scores[i]!;
        const nearest = Math.min(Math.max(one, 0), 1);
        out[at] = probabilities && Math.abs(one - nearest) <= roundingError ? nearest : one;
      }
    }
  });
  return {
    width,
    columns: Effect.fnUntraced(function* (columns, out) {
      const rows = yield* rowsOf(out, width);
      yield* requireColumns(features, columns, rows);
      const starts = Array.from({ length: Math.ceil(rows / blockRows) }, (_, i) => i * blockRows);
      yield* Effect.forEach(
        starts,
        (from) => score(columns, [from, Math.min(from + blockRows, rows)], out),
        // One block is packed while the thread is busy with another.
        { concurrency: 2, discard: true },
      );
    }),
    rows: Effect.fnUntraced(function* (rows) {
      const out = new Float64Array(rows.length * width);
      if (rows.length === 0) return out;
      const columns = features.map((_, j) => Float64Array.from(rows, (row) => row[j]!));
      yield* score(columns, [0, rows.length], out);
      const at = out.findIndex((one) => !Number.isFinite(one));
      if (at === -1) return out;
      const problem = `it gives ${out[at]} for the features [${Array.from(rows[Math.floor(at / width)] ?? []).join(", ")}]; it may not know missing values (NaN)`;
      return yield* new Onnx.OnnxFailed({ during: "score", problem });
    }),
  };
};
