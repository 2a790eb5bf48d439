/**
 * The Newton step under an L1 penalty: minimises g·d + ½·dᵀ·H·d + Σ penalty_j·|w_j + d_j| over d by cyclic
 * coordinate descent on the Hessian (Friedman, Hastie & Tibshirani 2010, "Regularization Paths for
 * Generalized Linear Models via Coordinate Descent", the "covariance updates" of section 2.2). A
 * coefficient that stays 0 costs nothing beyond the look at it.
 */
import * as Effect from "effect/Effect";

const workPerTurn = 10_000_000;
/** Far more than are needed unless features are nearly copies; Newton's method goes on from there. */
const maxSweeps = 2_000;

/** What is minimised; see the module. */
export interface PenalisedStep {
  /** Row-major; only the lower triangle is read. */
  readonly hessian: Float64Array;
  readonly gradient: Float64Array;
  /** The parameters w that the step starts from. */
  readonly from: Float64Array;
  /** The L1 penalty of each parameter. */
  readonly penalty: Float64Array;
  /** Stop when no parameter's change moves its own gradient by more. */
  readonly tolerance: number;
}

/** The step d. */
export const penalisedStep: (problem: PenalisedStep) => Effect.Effect<Float64Array> =
  Effect.fnUntraced(function* ({ hessian, gradient, from, penalty, tolerance }) {
    const n = gradient.length;
    const step = new Float64Array(n);
    /** g + H·d. */
    const slope = gradient.slice();
    let work = 0;
    for (let sweep = 0; sweep < maxSweeps; sweep++) {
      let largest = 0;
      for (let j = 0; j < n; j++) {
        const h = hessian[j * n + j]!;
        if (!(h > 0)) continue;
        const now = from[j]! + step[j]!;
        const pull = h * now - slope[j]!;
        const limit = penalty[j]!;
        const next = (pull > limit ? pull - limit : pull < -limit ? pull + limit : 0) / h;
        const change = next - now;
        if (change === 0) continue;
        step[j] = next - from[j]!;
        for (let k = 0; k <= j; k++) slope[k] = slope[k]! + change * hessian[j * n + k]!;
        for (let k = j + 1; k < n; k++) slope[k] = slope[k]! + change * hessian[k * n + j]!;
        work += n;
        const moved = h * Math.abs(change);
        if (moved > largest) largest = moved;
      }
      if (largest <= tolerance) break;
      work += n;
      if (work > workPerTurn) {
        work = 0;
        yield* Effect.yieldNow;
      }
    }
    return step;
  });
