// Tail probabilities of the normal, chi-square and Kolmogorov distributions. Checked in ../Tests.test.ts.
import { logGamma } from "./Inverse.ts";

/**
 * Q(a, x) = Gamma(a, x) / Gamma(a), for a > 0 and x >= 0: the series DLMF 8.11.4 below a + 1, else the continued
 * fraction DLMF 8.9.2 by the modified Lentz method.
 */
const upperGamma = (a: number, x: number): number => {
  if (x === 0) return 1;
  if (x === Infinity) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 100_000 && term > sum * 1e-17; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - front * sum;
  }
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let value = d;
  for (let n = 1; n < 100_000; n++) {
    const an = -n * (n - a);
    b += 2;
    d = an * d + b;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    c = b + an / c;
    if (Math.abs(c) < tiny) c = tiny;
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return front * value;
};

/** P(X > x) of the chi-square distribution. */
export const chiSquareTail = (x: number, degrees: number): number =>
  degrees === 0 ? (x > 0 ? 0 : 1) : upperGamma(degrees / 2, x / 2);

/** P(|Z| > |z|) of the standard normal distribution: erfc(|z| / sqrt 2) = Q(1/2, z^2 / 2). */
export const normalTwoTails = (z: number): number => upperGamma(0.5, (z * z) / 2);

/** The limit of P(sqrt(nm / (n + m)) D > t): 2 sum (-1)^(k-1) exp(-2 k^2 t^2) (Smirnov 1948). */
export const kolmogorovTail = (t: number): number => {
  if (t <= 0) return 1;
  if (t < 1) {
    // The other series, which converges fast here: 1 - sqrt(2 pi) / t sum exp(-(2k - 1)^2 pi^2 / (8 t^2)).
    let sum = 0;
    for (let k = 1; k <= 20; k++)
      sum += Math.exp(-((2 * k - 1) ** 2) * (Math.PI ** 2 / (8 * t * t)));
    return 1 - (Math.sqrt(2 * Math.PI) / t) * sum;
  }
  let sum = 0;
  for (let k = 1; k <= 20; k++) sum += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * t * t);
  return Math.min(1, Math.max(0, 2 * sum));
};

/**
 * P(D >= d) for samples of n and m rows without ties, exactly, by counting lattice paths that stay within d: O(nm).
 * Source: Kim & Jennrich, Selected Tables in Mathematical Statistics 1, 1973.
 */
export const smirnovTail = (d: number, n: number, m: number): number => {
  const [few, many] = n <= m ? [n, m] : [m, n];
  // Half a step below d, so that a path that reaches d is outside.
  const within = (0.5 + Math.floor(d * few * many - 1e-7)) / (few * many);
  const paths = new Float64Array(many + 1);
  for (let j = 0; j <= many; j++) paths[j] = j / many > within ? 0 : 1;
  for (let i = 1; i <= few; i++) {
    const weight = i / (i + many);
    paths[0] = i / few > within ? 0 : weight * paths[0]!;
    for (let j = 1; j <= many; j++) {
      paths[j] = Math.abs(i / few - j / many) > within ? 0 : weight * paths[j]! + paths[j - 1]!;
    }
  }
  return Math.min(1, Math.max(0, 1 - paths[many]!));
};
