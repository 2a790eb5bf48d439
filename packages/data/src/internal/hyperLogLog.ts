/**
 * How many different numbers there are, by a sketch: HyperLogLog (Flajolet, Fusy, Gandouet and Meunier,
 * 2007) with the improved raw estimator of Ertl, "New cardinality estimation algorithms for HyperLogLog
 * sketches" (2017, algorithm 4), which needs no table of corrections.
 *
 * A number is hashed by SHA-256 (FIPS 180-4) of its 64 bits (IEEE 754) as text of 0 and 1, of which the
 * first 52 bits count: the lowest 11 choose one of 2,048 registers, the leading zeros of the others are its
 * rank. A register keeps its largest rank. Registers that are not empty are a list of codes in ascending
 * order, register × 64 + rank: short where there are few values.
 */
import { hash } from "node:crypto";

const registers = 2048;
const hashBits = 52;
const rankBits = hashBits - Math.log2(registers);
/** Of the estimate, relative: 1.04 / √registers (Flajolet et al.). */
export const standardError = 1.04 / Math.sqrt(registers);

/** The code of a number. Adding 0 makes −0 the 0 that it equals. */
export const codeOf = (value: number): number => {
  const [bits = 0n] = new BigUint64Array(Float64Array.of(value + 0).buffer);
  const text = bits.toString(2).padStart(64, "0");
  const hashed = Number.parseInt(hash("sha256", text).slice(0, hashBits / 4), 16);
  const rest = Math.floor(hashed / registers);
  const rank = rest === 0 ? rankBits + 1 : rankBits - rest.toString(2).length + 1;
  return (hashed % registers) * 64 + rank;
};

/** The codes of the registers after a code was added. */
export const withCode = (codes: ReadonlyArray<number>, code: number): ReadonlyArray<number> => {
  const register = Math.floor(code / 64);
  const place = codes.findIndex((one) => Math.floor(one / 64) >= register);
  if (place < 0) return [...codes, code];
  const there = codes[place] ?? 0;
  if (Math.floor(there / 64) !== register) {
    return [...codes.slice(0, place), code, ...codes.slice(place)];
  }
  return code > there ? codes.with(place, code) : codes;
};

/** The estimate from the codes of any number of sketches. */
export const estimate = (codes: Iterable<number>): number => {
  const ranks = new Uint8Array(registers);
  let used = 0;
  for (const code of codes) {
    const [register, rank] = [Math.floor(code / 64), code % 64];
    const before = ranks[register] ?? 0;
    if (before === 0) used++;
    if (rank > before) ranks[register] = rank;
  }
  if (used === 0) return 0;
  let sum = 0;
  for (const rank of ranks) if (rank > 0) sum += 2 ** -rank;
  return registers ** 2 / (2 * Math.LN2 * (registers * sigma(1 - used / registers) + sum));
};

/** After so many terms, nothing is left of the least that a share of registers can differ from 1. */
const terms = 20;

/** Σ x^(2^k) · 2^(k−1) for k from 1, and x: what the empty registers say. */
const sigma = (empty: number): number => {
  let sum = empty;
  for (let k = 1; k <= terms; k++) sum += empty ** (2 ** k) * 2 ** (k - 1);
  return sum;
};

/** SQL of the code of a number. */
const codeSql = (value: string): string => {
  const text = `CAST(CAST(${value} + 0e0 AS BIT) AS VARCHAR)`;
  const hashed = `CAST('0x' || substr(sha256(${text}), 1, ${hashBits / 4}) AS BIGINT)`;
  const rank = `(CASE WHEN "~h" // ${registers} = 0 THEN ${rankBits + 1} ELSE ${rankBits + 1} - length(bin("~h" // ${registers})) END)`;
  return `(list_transform([${hashed}], lambda "~h": CAST("~h" % ${registers} * 64 + ${rank} AS DOUBLE))[1])`;
};

/** Of ascending codes, the last of each register. */
const largestSql = (codes: string): string =>
  `(list_transform([${codes}], lambda "~c": list_filter("~c", lambda "~x", "~i": "~i" = len("~c") OR floor("~c"["~i" + 1] / 64) > floor("~x" / 64)))[1])`;

/** SQL of the codes of a column's values, as an aggregate. */
export const codesSql = (value: string): string =>
  largestSql(
    `list(DISTINCT ${codeSql(value)} ORDER BY ${codeSql(value)}) FILTER (WHERE ${value} IS NOT NULL)`,
  );

/** SQL of the estimate from a list of lists of codes. */
export const estimateSql = (lists: string): string => {
  const codes = largestSql(`list_sort(list_distinct(flatten(${lists})))`);
  const empty = `(1 - len("~r") / ${registers}e0)`;
  const sigmaOf = `(${empty} + list_sum(list_transform(range(1, ${terms + 1}), lambda "~k": power(${empty}, power(2e0, "~k")) * power(2e0, "~k" - 1))))`;
  const sum = `list_sum(list_transform("~r", lambda "~x": power(5e-1, "~x" % 64)))`;
  const found = `${registers ** 2} / (${2 * Math.LN2} * (${registers} * ${sigmaOf} + ${sum}))`;
  return `coalesce(list_transform([${codes}], lambda "~r": CASE WHEN len("~r") > 0 THEN CAST(${found} AS DOUBLE) ELSE 0e0 END)[1], 0e0)`;
};
