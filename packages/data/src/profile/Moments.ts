/** Moments of a column that merge: count, mean, and sums of powers of deviations from the mean. */
import * as Schema from "effect/Schema";

/**
 * `m2`, `m3` and `m4` are the sums over the rows of `(x - mean)` to that power.
 *
 * Source: Chan, Golub & LeVeque, The American Statistician 37(3), 1983; Pébay, Sandia report
 * SAND2008-6212, 2008, equations 2.1 to 2.4.
 */
export const Moments = Schema.Struct({
  count: Schema.Int,
  mean: Schema.Finite,
  m2: Schema.Finite,
  m3: Schema.Finite,
  m4: Schema.Finite,
});
/** See {@link Moments}. */
export type Moments = typeof Moments.Type;

/** The moments of no rows. */
export const none: Moments = { count: 0, mean: 0, m2: 0, m3: 0, m4: 0 };

/**
 * The moments of two parts together; bit for bit the same whichever comes first. Where a power is
 * beyond a double the result is not finite.
 */
export const mergeMoments = (one: Moments, other: Moments): Moments => {
  if (one.count === 0) return other;
  if (other.count === 0) return one;
  const ordered = one.count > other.count || (one.count === other.count && one.mean <= other.mean);
  const [a, b] = ordered ? [one, other] : [other, one];
  const count = a.count + b.count;
  const [p, q] = [a.count / count, b.count / count];
  const delta = b.mean - a.mean;
  const d2 = delta * delta;
  // na nb / n, with shares so that it stays within a double.
  const weight = a.count * q;
  return {
    count,
    mean: a.mean + delta * q,
    m2: a.m2 + b.m2 + d2 * weight,
    m3: a.m3 + b.m3 + d2 * delta * weight * (p - q) + 3 * delta * (p * b.m2 - q * a.m2),
    m4:
      a.m4 +
      b.m4 +
      d2 * d2 * weight * (p * p - p * q + q * q) +
      6 * d2 * (p * p * b.m2 + q * q * a.m2) +
      4 * delta * (p * b.m3 - q * a.m3),
  };
};

/** The moments, unless a power is beyond a double. */
export const finiteOrNull = (moments: Moments): Moments | null =>
  [moments.mean, moments.m2, moments.m3, moments.m4].every(Number.isFinite) ? moments : null;
