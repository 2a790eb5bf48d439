/**
 * Weak segments: rows with something in common, such as an origin and an hour of the day, on which the
 * model costs more than the baseline although it gains overall.
 *
 * They are searched on one half of the blocks and confirmed on the other, so that what the search found by
 * chance does not stand: only as many segments as are put forward need a correction there. Segments with
 * one condition or two, on bins of features and values of kept columns (after Chung et al., Slice Finder,
 * ICDE 2019).
 */
import type { Exhibit, Verdict } from "@ml-pipe/core";
import { Interval, type StatisticsError, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { estimate, totalsOf } from "./internal/blocks.ts";
import type { Rows } from "./internal/rows.ts";
import { type Coded, codesOf, search } from "./internal/segmentSearch.ts";
import type { SliceColumn } from "./internal/slices.ts";

const { counted, number, percent, whole } = Words;

/** How {@link measure} searches. */
export interface SegmentsOptions<Kept extends string = string> {
  /** Kept columns to search in, besides the features. Default: none. */
  readonly columns?: ReadonlyArray<Kept>;
  /** Rows that a segment must have in each half; default 200. */
  readonly minRows?: number;
  /** Segments that are put forward to be confirmed; default 10. */
  readonly most?: number;
}

/** A segment that the search put forward, and what the other half of the rows says of it. */
export const WeakSegment = Schema.Struct({
  /** Such as `origin is ORD and distance from 500 to 1,024`. */
  segment: Schema.String,
  rows: Schema.Int,
  /** Gain over the baseline per decision where it was found, which flatters the search. */
  foundGain: Schema.Finite,
  /** On the other half; its interval is corrected for the segments put forward (Bonferroni). */
  gain: Schema.Struct({
    estimate: Schema.Finite,
    interval: Schema.NullOr(Interval.Interval),
  }),
  /** The whole interval lies below zero. */
  confirmed: Schema.Boolean,
});
/** See {@link WeakSegment}. */
export type WeakSegment = typeof WeakSegment.Type;

/** What the search for weak segments found. */
export const SegmentsResult = Schema.Struct({
  /** Rows searched, and rows that confirm. */
  searched: Schema.Int,
  confirming: Schema.Int,
  /** Segments with enough rows that were looked at. */
  considered: Schema.Int,
  segments: Schema.Array(WeakSegment),
  /** Segments put forward that the other half has too few rows or blocks of. */
  unjudged: Schema.Array(Schema.String),
}).annotate({ title: "SegmentsResult" });
/** See {@link SegmentsResult}. */
export type SegmentsResult = typeof SegmentsResult.Type;

/** Throws a `TypeError` for options that say nothing. */
export const checkOptions = ({ minRows = 200, most = 10 }: SegmentsOptions): void => {
  for (const [name, value] of [
    ["minRows", minRows],
    ["most", most],
  ] as const) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new TypeError(`segments: ${name} is ${value}; give a whole number, 1 or more`);
    }
  }
};

/** Searches, and confirms. `gain` is the baseline's cost less the model's, row by row. */
export const measure = Effect.fnUntraced(function* (
  rows: Rows,
  kept: ReadonlyArray<SliceColumn & { readonly codes: Float64Array }>,
  gain: Float64Array,
  { minRows = 200, most = 10 }: SegmentsOptions,
  bootstrap: { readonly level: number; readonly seed: number },
): Effect.fn.Return<SegmentsResult, StatisticsError> {
  const { blocks, names, features } = rows;
  // Whole blocks: rows of one block resemble each other, so that halves of it would confirm one another.
  const half = blocks.index.map((block) => block % 2);
  const searched = half.reduce((sum, one) => sum + (one === 0 ? 1 : 0), 0);
  const columns: ReadonlyArray<Coded> = [
    ...kept.map(({ column, values, codes }) => ({
      words: values.map((value) => `${column} is ${value ?? "missing"}`),
      codes: Int32Array.from(codes),
    })),
    ...features.map((column, index) => codesOf(names[index] ?? "", column, half)),
  ];
  const { considered, found } = yield* search(columns, gain, half, { minRows, most });
  const level = 1 - (1 - bootstrap.level) / Math.max(1, found.length);
  const segments: Array<WeakSegment> = [];
  const unjudged: Array<string> = [];
  for (const { conditions, mean } of found) {
    const totals = totalsOf(blocks);
    let count = 0;
    for (let row = 0; row < rows.rows; row++) {
      if (half[row] !== 1) continue;
      if (conditions.some(({ column, code }) => columns[column]?.codes[row] !== code)) continue;
      const block = blocks.index[row] ?? 0;
      totals.sums[block]! += gain[row] ?? 0;
      totals.counts[block]! += 1;
      count++;
    }
    const segment = conditions
      .map(({ column, code }) => columns[column]?.words[code] ?? "")
      .join(" and ");
    if (count < minRows) {
      unjudged.push(segment);
      continue;
    }
    const other = yield* estimate(totals, { ...bootstrap, level, resamples: 10_000 });
    const confirmed = other.interval !== null && other.interval.upper < 0;
    if (other.interval === null) unjudged.push(segment);
    segments.push({ segment, rows: count, foundGain: mean, gain: other, confirmed });
    yield* Effect.yieldNow;
  }
  return { searched, confirming: rows.rows - searched, considered, segments, unjudged };
});

/** The gate: no segment put forward is confirmed. */
export const gate = (
  result: SegmentsResult,
  unit: string,
  level: number,
): Verdict.Gate<unknown> => ({
  name: "no weak segment",
  check: () => {
    const { segments, considered, searched, confirming, unjudged } = result;
    const expected = `no segment in which the model costs more than the baseline, with ${percent(level)} confidence`;
    const confirmed = segments.filter((one) => one.confirmed);
    const about = `${counted(considered, "segment")} searched on ${counted(searched, "row")}, ${whole(segments.length)} judged on ${whole(confirming)} others`;
    if (confirmed.length > 0) {
      return {
        outcome: "failed",
        expected,
        found: `${confirmed
          .slice(0, 3)
          .map(
            ({ segment, gain }) =>
              `${segment}: ${number(-gain.estimate)} ${unit} more (interval ${number(-(gain.interval?.upper ?? 0))} to ${number(-(gain.interval?.lower ?? 0))})`,
          )
          .join("; ")}${confirmed.length > 3 ? ", …" : ""}; ${about}`,
        next: "Keep the baseline for these rows, or find out what the features miss there, and train again.",
      };
    }
    if (considered === 0) {
      return {
        outcome: "inconclusive",
        expected,
        found: `none has enough rows: ${about}`,
        next: "Test on more rows or on more blocks, or lower segments.minRows.",
      };
    }
    const [first] = unjudged;
    if (first !== undefined) {
      return {
        outcome: "inconclusive",
        expected,
        found: `too few rows or blocks to judge ${counted(unjudged.length, "segment")} that looked weak, such as ${first}; ${about}`,
        next: "Test on more rows or on more blocks, or raise segments.minRows.",
      };
    }
    return {
      outcome: "passed",
      expected,
      found: `none confirmed: ${about}`,
      next: "Nothing to do.",
    };
  },
});

/** The table of what was put forward. */
export const exhibitOf = ({ segments }: SegmentsResult, unit: string): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Weakest segments",
  caption:
    "found on one half of the blocks, judged on the other; gain over the baseline, with intervals that hold for all of them together",
  columns: ["segment", "rows", `gain where found, ${unit}`, `gain, ${unit}`, "from", "to", "weak"],
  rows: segments.map(({ segment, rows, foundGain, gain, confirmed }) => [
    segment,
    rows,
    foundGain,
    gain.estimate,
    gain.interval?.lower ?? null,
    gain.interval?.upper ?? null,
    confirmed ? "yes" : "not confirmed",
  ]),
});
