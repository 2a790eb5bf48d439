// Quantiles of the normal and of Student's t distribution. Public and checked in ../Distribution.ts.

// The coefficients of AS 241, each rounded to the nearest float64.
const a = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
  67265.7709270087, 33430.57558358813, 2509.0809287301227,
];
const b = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
  28729.085735721943, 5226.495278852854,
];
const c = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
  0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
];
const d = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008,
  0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-9,
];
const e = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487,
  0.026532189526576124, 0.0012426609473880784, 0.000027115555687434876, 2.0103343992922881e-7,
];
const f = [
  1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
  0.000018463183175100548, 1.421511758316446e-7, 2.0442631033899397e-15,
];

const polynomial = (coefficients: ReadonlyArray<number>, x: number): number => {
  let value = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) value = value * x + coefficients[i]!;
  return value;
};

/** AS 241 (Wichura 1988), PPND16. `p` already known to lie in (0, 1). */
export const normal = (p: number): number => {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(a, r)) / polynomial(b, r);
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const z =
    r <= 5
      ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6)
      : polynomial(e, r - 5) / polynomial(f, r - 5);
  return q < 0 ? -z : z;
};

/** Arguments already known to be good. See `studentQuantile`. */
export const student = (p: number, degrees: number): number => {
  if (p === 0.5) return 0;
  if (degrees >= 1000) return expansion(normal(p), degrees);
  const tail = Math.min(p, 1 - p);
  let high = 1;
  while (studentTail(high, degrees) > tail && high < 1e300) high *= 2;
  let low = high === 1 ? 0 : high / 2;
  for (let step = 0; step < 200; step++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentTail(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  const t = (low + high) / 2;
  return p < 0.5 ? -t : t;
};

const expansion = (z: number, v: number): number => {
  const s = z * z;
  const g1 = (z * (s + 1)) / 4;
  const g2 = (z * (3 + s * (16 + 5 * s))) / 96;
  const g3 = (z * (-15 + s * (17 + s * (19 + 3 * s)))) / 384;
  const g4 = (z * (-945 + s * (-1920 + s * (1482 + s * (776 + 79 * s))))) / 92160;
  return z + (g1 + (g2 + (g3 + g4 / v) / v) / v) / v;
};

const studentTail = (t: number, v: number): number => {
  const x = v / (v + t * t);
  const y = (t * t) / (v + t * t);
  // The continued fraction converges fast on one side of the mean only (DLMF 8.17.22).
  return x < (v / 2 + 1) / (v / 2 + 2.5)
    ? betaFraction(v / 2, 0.5, x, y) / 2
    : (1 - betaFraction(0.5, v / 2, y, x)) / 2;
};

/** I_x(p, q) with y = 1 - x given for accuracy, from the side on which the fraction converges fast. */
export const incompleteBeta = (p: number, q: number, x: number, y: number): number =>
  x <= (p + 1) / (p + q + 2) ? betaFraction(p, q, x, y) : 1 - betaFraction(q, p, y, x);

/** I_x(p, q) with y = 1 - x: continued fraction DLMF 8.17.22 by the modified Lentz method. */
const betaFraction = (p: number, q: number, x: number, y: number): number => {
  if (x <= 0) return 0;
  const front =
    Math.exp(p * Math.log(x) + q * Math.log(y) + logGamma(p + q) - logGamma(p) - logGamma(q)) / p;
  const tiny = 1e-300;
  let lentzC = 1;
  let lentzD = 1 / nonZero(1 - ((p + q) * x) / (p + 1), tiny);
  let value = lentzD;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (q - m) * x) / ((p + 2 * m - 1) * (p + 2 * m));
    lentzD = 1 / nonZero(1 + even * lentzD, tiny);
    lentzC = nonZero(1 + even / lentzC, tiny);
    value *= lentzD * lentzC;
    const odd = (-(p + m) * (p + q + m) * x) / ((p + 2 * m) * (p + 2 * m + 1));
    lentzD = 1 / nonZero(1 + odd * lentzD, tiny);
    lentzC = nonZero(1 + odd / lentzC, tiny);
    const factor = lentzD * lentzC;
    value *= factor;
    if (Math.abs(factor - 1) < 1e-16) break;
  }
  return front * value;
};

const nonZero = (value: number, tiny: number): number => (Math.abs(value) < tiny ? tiny : value);

/** ln Gamma(x) for x > 0: Stirling's series (DLMF 5.11.1) after shifting the argument to at least 12. */
export const logGamma = (x: number): number => {
  let shift = 1;
  let z = x;
  while (z < 12) {
    shift *= z;
    z += 1;
  }
  const s = 1 / (z * z);
  const series =
    (1 / 12 +
      s *
        (-1 / 360 +
          s * (1 / 1260 + s * (-1 / 1680 + s * (1 / 1188 + s * (-691 / 360360 + s / 156)))))) /
    z;
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - Math.log(shift);
};
