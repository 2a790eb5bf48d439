// The noncentral t distribution, for power. Checked in ../Power.test.ts.
import { incompleteBeta, logGamma } from "./Inverse.ts";
import { normalTwoTails } from "./Tail.ts";

/** P(Z <= z) of the standard normal distribution. */
export const normalCdf = (z: number): number =>
  z < 0 ? normalTwoTails(z) / 2 : 1 - normalTwoTails(z) / 2;

/**
 * P(T <= t) of the noncentral t distribution: the series of AS 243 (Lenth, Applied Statistics 38(1), 1989), from its
 * largest terms outwards; from 100,000 degrees on, the normal limit of Abramowitz & Stegun 26.7.10.
 */
export const noncentralT = (t: number, degrees: number, noncentrality: number): number => {
  if (t < 0) return 1 - noncentralT(-t, degrees, -noncentrality);
  if (degrees >= 100_000 || Math.abs(noncentrality) > 35) {
    const limit =
      (t * (1 - 1 / (4 * degrees)) - noncentrality) / Math.sqrt(1 + (t * t) / (2 * degrees));
    return normalCdf(limit);
  }
  const x = (t * t) / (degrees + t * t);
  const y = degrees / (degrees + t * t);
  const half = (noncentrality * noncentrality) / 2;
  let sum = 0;
  const peak = Math.floor(half);
  for (const direction of [1, -1]) {
    for (let j = direction === 1 ? peak : peak - 1; j >= 0 && j < peak + 10_000; j += direction) {
      const log = half === 0 ? (j === 0 ? 0 : -Infinity) : j * Math.log(half);
      const even = Math.exp(-half + log - logGamma(j + 1));
      const odd = (noncentrality / Math.SQRT2) * Math.exp(-half + log - logGamma(j + 1.5));
      const term =
        even * incompleteBeta(j + 0.5, degrees / 2, x, y) +
        odd * incompleteBeta(j + 1, degrees / 2, x, y);
      sum += term;
      if (even + Math.abs(odd) < 1e-17) break;
    }
  }
  return Math.min(1, Math.max(0, normalCdf(-noncentrality) + sum / 2));
};
