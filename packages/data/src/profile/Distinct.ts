/**
 * How many different values a column has: HyperLogLog registers, of which two parts of a table merge
 * into those of the whole.
 */
import * as Schema from "effect/Schema";

/**
 * 2,048 registers, one character each, of the hash function that is named: sketches of different
 * functions, such as those of two DuckDB versions, do not merge.
 *
 * Source: Flajolet, Fusy, Gandouet & Meunier, AofA 2007.
 */
export const Distinct = Schema.Struct({ hash: Schema.String, registers: Schema.String });
/** See {@link Distinct}. */
export type Distinct = typeof Distinct.Type;

/** Bits of the hash that choose a register. */
export const registerBits = 11;
const size = 2 ** registerBits;
/** Bits of the hash whose leading zeros are counted. */
export const rankBits = 52;

/** The standard error of an estimate, as a share of it: 1.04 / sqrt(2048) = 2.3 %. */
export const standardError = 1.04 / Math.sqrt(size);

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const rankOf = new Map([...alphabet].map((letter, rank) => [letter, rank]));

/** Registers from the smallest hash of each: `[register, its top 52 bits]`. */
export const ofMinima = (
  hash: string,
  minima: Iterable<readonly [register: number, smallest: number]>,
): Distinct => {
  const ranks = new Uint8Array(size);
  for (const [register, smallest] of minima) ranks[register] = 1 + leadingZeros(smallest);
  return { hash, registers: Array.from(ranks, (rank) => alphabet[rank]).join("") };
};

/** Of a whole number of {@link rankBits} bits. */
const leadingZeros = (value: number): number => {
  const high = Math.floor(value / 2 ** 32);
  return high > 0 ? Math.clz32(high) - (64 - rankBits) : rankBits - 32 + Math.clz32(value);
};

/** The registers of both; none if the hash functions differ. */
export const mergeDistinct = (a: Distinct | null, b: Distinct | null): Distinct | null => {
  if (a === null || b === null || a.hash !== b.hash) return null;
  const letters = [...b.registers];
  const registers = [...a.registers]
    .map((letter, at) => {
      const other = letters[at] ?? "A";
      return (rankOf.get(letter) ?? 0) >= (rankOf.get(other) ?? 0) ? letter : other;
    })
    .join("");
  return { hash: a.hash, registers };
};

/**
 * The number of different values, without tables of bias: Ertl, "New cardinality estimation algorithms
 * for HyperLogLog sketches", arXiv 1702.01284, 2017, algorithm 6.
 */
export const estimate = ({ registers }: Distinct): number => {
  const counts = new Float64Array(rankBits + 2);
  for (const letter of registers) counts[rankOf.get(letter) ?? 0]! += 1;
  let z = size * tau(1 - (counts[rankBits + 1] ?? 0) / size);
  for (let rank = rankBits; rank >= 1; rank--) z = 0.5 * (z + (counts[rank] ?? 0));
  z += size * sigma((counts[0] ?? 0) / size);
  return Math.round((size * size) / (2 * Math.LN2 * z));
};

const sigma = (share: number): number => {
  if (share === 1) return Infinity;
  let [x, y, z] = [share, 1, share];
  for (;;) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (z === before) return z;
  }
};

const tau = (share: number): number => {
  if (share === 0 || share === 1) return 0;
  let [x, y, z] = [share, 1, 1 - share];
  for (;;) {
    x = Math.sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
    if (z === before) return z / 3;
  }
};
