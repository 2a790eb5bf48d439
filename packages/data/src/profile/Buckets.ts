/**
 * Buckets: counts of rows by value, in buckets that join two by two. They merge exactly: adding the
 * counts of two parts of a table gives the counts of the whole, whatever the parts.
 */
import * as Schema from "effect/Schema";

/** Counts by bucket number, ascending; empty buckets are left out. */
export const Cells = Schema.Struct({
  index: Schema.Array(Schema.Int),
  counts: Schema.Array(Schema.Int),
});
/** See {@link Cells}. */
export type Cells = typeof Cells.Type;

/** More buckets than this are joined two by two. */
export const mostBuckets = 2048;

/** Buckets of magnitudes in an octave before any are joined: the finest relative width is 2^(1/256). */
export const finestPerOctave = 256;

/**
 * The distribution of finite numbers. Bucket `i` of `positive` holds the values from `2^(i / k)` up to
 * below `2^((i + 1) / k)`, with `k = 256 / 2^level`; `negative` the same of magnitudes. A quantile read
 * from it is off by at most {@link relativeError} of its value. Levels rise, two buckets becoming one,
 * until at most {@link mostBuckets} are in use.
 *
 * Source: DDSketch (Masson, Rim & Lee, PVLDB 12(12), 2019), with the uniform collapse of UDDSketch
 * (Epicoco et al., IEEE Access 8, 2020).
 */
export const Magnitudes = Schema.Struct({
  level: Schema.Int,
  zeros: Schema.Int,
  positive: Cells,
  negative: Cells,
});
/** See {@link Magnitudes}. */
export type Magnitudes = typeof Magnitudes.Type;

/** Rows by day (UTC) since 1970-01-01: bucket `i` begins on day `i * 2^level`. */
export const Days = Schema.Struct({ level: Schema.Int, cells: Cells });
/** See {@link Days}. */
export type Days = typeof Days.Type;

/** Buckets of an octave at a level; below 1 where a bucket spans several octaves. */
export const perOctave = (level: number): number => finestPerOctave / 2 ** level;

/** By which share of its value a quantile can be off: 0.14 % at level 0, about twice that at each next. */
export const relativeError = (level: number): number => {
  const gamma = 2 ** (1 / perOctave(level));
  return (gamma - 1) / (gamma + 1);
};

/** Counts by bucket, in any order, as cells. */
export const cellsOf = (counts: ReadonlyMap<number, number>): Cells => {
  const index = [...counts.keys()].toSorted((a, b) => a - b);
  return { index, counts: index.map((at) => counts.get(at) ?? 0) };
};

/** Joins buckets two by two, `steps` times. */
const joined = ({ index, counts }: Cells, steps: number): Cells => {
  if (steps === 0) return { index, counts };
  const width = 2 ** steps;
  const sums = new Map<number, number>();
  index.forEach((at, place) => {
    const wide = Math.floor(at / width);
    sums.set(wide, (sums.get(wide) ?? 0) + (counts[place] ?? 0));
  });
  return cellsOf(sums);
};

const added = (a: Cells, b: Cells): Cells => {
  const sums = new Map<number, number>();
  for (const { index, counts } of [a, b]) {
    index.forEach((at, place) => sums.set(at, (sums.get(at) ?? 0) + (counts[place] ?? 0)));
  }
  return cellsOf(sums);
};

/** The same distribution at a coarser level. */
export const coarsen = (of: Magnitudes, level: number): Magnitudes => ({
  level,
  zeros: of.zeros,
  positive: joined(of.positive, level - of.level),
  negative: joined(of.negative, level - of.level),
});

/** Coarsens until there are few enough buckets. */
export const settle = (of: Magnitudes): Magnitudes =>
  of.positive.index.length + of.negative.index.length <= mostBuckets
    ? of
    : settle(coarsen(of, of.level + 1));

/** The distribution of two parts together. Associative and commutative. */
export const mergeMagnitudes = (a: Magnitudes, b: Magnitudes): Magnitudes => {
  const level = Math.max(a.level, b.level);
  const [left, right] = [coarsen(a, level), coarsen(b, level)];
  return settle({
    level,
    zeros: a.zeros + b.zeros,
    positive: added(left.positive, right.positive),
    negative: added(left.negative, right.negative),
  });
};

/** As {@link coarsen}, of days. */
export const coarsenDays = ({ level, cells }: Days, to: number): Days => ({
  level: to,
  cells: joined(cells, to - level),
});

/** As {@link settle}, of days. */
export const settleDays = (days: Days): Days =>
  days.cells.index.length <= mostBuckets ? days : settleDays(coarsenDays(days, days.level + 1));

/** As {@link mergeMagnitudes}, of days. */
export const mergeDays = (a: Days, b: Days): Days => {
  const level = Math.max(a.level, b.level);
  return settleDays({
    level,
    cells: added(coarsenDays(a, level).cells, coarsenDays(b, level).cells),
  });
};

/** A run of rows between two values: `lower <= value < upper`, or both equal for a single value. */
export interface Span {
  readonly lower: number;
  readonly upper: number;
  readonly rows: number;
}

/** The buckets in ascending order of value. */
export const spansOf = ({ level, zeros, positive, negative }: Magnitudes): ReadonlyArray<Span> => {
  const k = perOctave(level);
  const spans: Array<Span> = [];
  for (let at = negative.index.length - 1; at >= 0; at--) {
    const i = negative.index[at] ?? 0;
    spans.push({
      lower: -(2 ** ((i + 1) / k)),
      upper: -(2 ** (i / k)),
      rows: negative.counts[at] ?? 0,
    });
  }
  if (zeros > 0) spans.push({ lower: 0, upper: 0, rows: zeros });
  positive.index.forEach((i, at) => {
    spans.push({ lower: 2 ** (i / k), upper: 2 ** ((i + 1) / k), rows: positive.counts[at] ?? 0 });
  });
  return spans;
};

/** Milliseconds of a day. */
export const millisPerDay = 86_400_000;

/** The days in ascending order, in epoch milliseconds. */
export const spansOfDays = ({ level, cells }: Days): ReadonlyArray<Span> => {
  const width = 2 ** level * millisPerDay;
  return cells.index.map((i, at) => ({
    lower: i * width,
    upper: (i + 1) * width,
    rows: cells.counts[at] ?? 0,
  }));
};
