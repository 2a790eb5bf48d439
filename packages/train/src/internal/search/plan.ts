/** Which points of a space a search tries, and on how many rows. */
import type { Space } from "../../Space.ts";
import { drawPoint, gridPoints, gridSize } from "./draw.ts";

/** Which points of the space are tried. */
export type Strategy =
  /** All combinations, with so many steps of each range (default 5). */
  | { readonly strategy: "grid"; readonly steps?: number }
  /** Points at random (Bergstra & Bengio 2012), default 20. */
  | { readonly strategy?: "random"; readonly trials?: number }
  /**
   * Successive halving (Jamieson & Talwalkar 2016): many points (default 27) on few rows, then the best of
   * them, one in `factor` (default 3), on `factor` times as many, until all rows are used in the last of
   * `rungs` (default 3).
   */
  | {
      readonly strategy: "halving";
      readonly trials?: number;
      readonly factor?: number;
      readonly rungs?: number;
    };

/** A search by more trials than these is a mistake. */
const mostTrials = 10_000;

/** The points, and the share of the training rows in each rung. */
export const planOf = <S extends Space>(strategy: Strategy, space: S, seed: number) => {
  const whole = (name: string, value: number, least: number) => {
    if (Number.isInteger(value) && value >= least) return value;
    throw new TypeError(`search: ${name} is ${value}; give a whole number of at least ${least}`);
  };
  if (Object.keys(space).length === 0) throw new TypeError("search: the space has no parameter");
  if (!Number.isSafeInteger(seed)) throw new TypeError(`search: the seed ${seed} is not whole`);
  const bounded = (points: number) => {
    if (points <= mostTrials) return;
    throw new TypeError(
      `search: ${points} trials are more than ${mostTrials}; try fewer steps of a grid, or points at random`,
    );
  };
  if (strategy.strategy === "grid") {
    const steps = whole("steps", strategy.steps ?? 5, 2);
    bounded(gridSize(space, steps));
    const points = gridPoints(space, steps);
    return { points, shares: [1], factor: 1 };
  }
  const halving = strategy.strategy === "halving";
  const trials = whole("trials", strategy.trials ?? (halving ? 27 : 20), 1);
  bounded(trials);
  const drawn = Array.from({ length: trials }, (_, at) => drawPoint(space, seed, at + 1));
  // Of a small space a point may be drawn twice: once is enough.
  const points = [...new Map(drawn.map((point) => [JSON.stringify(point), point])).values()];
  if (!halving) return { points, shares: [1], factor: 1 };
  const factor = whole("factor", strategy.factor ?? 3, 2);
  const rungs = whole("rungs", strategy.rungs ?? 3, 1);
  const shares = Array.from({ length: rungs }, (_, at) => factor ** (at + 1 - rungs));
  return { points, shares, factor };
};
