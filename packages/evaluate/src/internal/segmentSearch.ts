/** The search for weak segments: one pass over the rows for each column and each pair of columns. */
import { Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** A column as codes, one for each condition on it; -1 for rows that meet none. */
export interface Coded {
  /** What each code stands for, such as `hour from 6 to 12`. */
  readonly words: ReadonlyArray<string>;
  readonly codes: Int32Array;
}

/** A segment: rows that have these codes. */
export interface Candidate {
  readonly conditions: ReadonlyArray<{ readonly column: number; readonly code: number }>;
  readonly rows: number;
  /** Mean gain of its rows. */
  readonly mean: number;
  /** How far the mean is below zero, in standard errors of independent rows: what they are ranked by. */
  readonly score: number;
}

/** Quarters, so that a segment of two conditions has a sixteenth of the rows. */
const bins = 4;
/** Values up to which each is a condition of its own. */
const mostValues = 8;

/** Conditions on a feature: its values if they are few, else quarters of the searched half; missing apart. */
export const codesOf = (name: string, column: Float64Array, half: Int32Array): Coded => {
  const known = column.filter((value, row) => half[row] === 0 && Number.isFinite(value)).toSorted();
  const distinct = distinctOf(known);
  if (distinct !== null) {
    const at = new Map(distinct.map((value, index) => [value, index] as const));
    return {
      words: [
        ...distinct.map((value) => `${name} is ${Words.number(value)}`),
        `${name} is missing`,
      ],
      codes: Int32Array.from(column, (value) =>
        Number.isNaN(value) ? distinct.length : (at.get(value) ?? -1),
      ),
    };
  }
  const cuts = [
    ...new Set(
      Array.from(
        { length: bins - 1 },
        (_, k) => known[Math.floor(((k + 1) * known.length) / bins)] ?? 0,
      ),
    ),
  ];
  const words = [`below ${word(cuts[0])}`];
  for (const [k, cut] of cuts.entries()) {
    const next = cuts[k + 1];
    words.push(next === undefined ? `from ${word(cut)}` : `from ${word(cut)} to ${word(next)}`);
  }
  return {
    words: [...words.map((one) => `${name} ${one}`), `${name} is missing`],
    codes: Int32Array.from(column, (value) => {
      if (Number.isNaN(value)) return words.length;
      let code = 0;
      while (code < cuts.length && value >= (cuts[code] ?? Infinity)) code++;
      return code;
    }),
  };
};

const word = (value: number | undefined): string => Words.number(value ?? 0);

const distinctOf = (sorted: Float64Array): ReadonlyArray<number> | null => {
  const values: Array<number> = [];
  for (const value of sorted) {
    if (value === values.at(-1)) continue;
    if (values.length === mostValues) return null;
    values.push(value);
  }
  return values;
};

/** Searches the rows of half 0 for the segments that most surely lose. */
export const search = Effect.fnUntraced(function* (
  columns: ReadonlyArray<Coded>,
  gain: Float64Array,
  half: Int32Array,
  { minRows, most }: { readonly minRows: number; readonly most: number },
) {
  const found: Array<Candidate> = [];
  let considered = 0;
  const consider = (one: Candidate) => {
    if (one.rows < minRows) return;
    considered++;
    if (one.score > 0) found.push(one);
  };
  for (const [first, a] of columns.entries()) {
    const [width] = [a.words.length];
    tally(width, gain, half, (row) => a.codes[row] ?? -1).forEach((totals, code) =>
      consider(candidate([{ column: first, code }], totals)),
    );
    for (let second = first + 1; second < columns.length; second++) {
      const b = columns[second]!;
      const height = b.words.length;
      const codes = (row: number) => {
        const [x, y] = [a.codes[row] ?? -1, b.codes[row] ?? -1];
        return x < 0 || y < 0 ? -1 : x * height + y;
      };
      tally(width * height, gain, half, codes).forEach((totals, code) =>
        consider(
          candidate(
            [
              { column: first, code: Math.floor(code / height) },
              { column: second, code: code % height },
            ],
            totals,
          ),
        ),
      );
      yield* Effect.yieldNow;
    }
  }
  found.sort((one, other) => other.score - one.score);
  return { considered, found: withoutParts(found).slice(0, most) };
});

/** A segment within one that was found to be as weak says nothing new. */
const withoutParts = (sorted: ReadonlyArray<Candidate>): ReadonlyArray<Candidate> => {
  const kept: Array<Candidate> = [];
  for (const one of sorted) {
    const inside = kept.some(
      ({ conditions, mean }) =>
        mean <= one.mean &&
        conditions.every(({ column, code }) =>
          one.conditions.some((other) => other.column === column && other.code === code),
        ),
    );
    if (!inside) kept.push(one);
  }
  return kept;
};

interface Tally {
  readonly rows: number;
  readonly sum: number;
  readonly squares: number;
}

const tally = (
  size: number,
  gain: Float64Array,
  half: Int32Array,
  codeOf: (row: number) => number,
): ReadonlyArray<Tally> => {
  const rows = new Float64Array(size);
  const sums = new Float64Array(size);
  const squares = new Float64Array(size);
  for (let row = 0; row < gain.length; row++) {
    if (half[row] !== 0) continue;
    const code = codeOf(row);
    if (code < 0) continue;
    const value = gain[row]!;
    rows[code]! += 1;
    sums[code]! += value;
    squares[code]! += value * value;
  }
  return Array.from(rows, (count, code) => ({
    rows: count,
    sum: sums[code]!,
    squares: squares[code]!,
  }));
};

const candidate = (
  conditions: Candidate["conditions"],
  { rows, sum, squares }: Tally,
): Candidate => {
  const mean = sum / rows;
  const variance = Math.max(0, squares / rows - mean * mean);
  const error = Math.sqrt(variance / rows);
  const score = mean < 0 ? (error === 0 ? Number.MAX_VALUE : -mean / error) : 0;
  return { conditions, rows, mean, score };
};
