/** The profile of one column, and how two of them merge. */
import { Column } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { Days, Magnitudes, mergeDays, mergeMagnitudes } from "./Buckets.ts";
import { Distinct, mergeDistinct } from "./Distinct.ts";
import { finiteOrNull, mergeMoments, Moments } from "./Moments.ts";

/** Columns with more different values than this have no {@link ColumnProfile.values}. */
export const mostValues = 1000;
/** Columns with a longer text than this, in characters, have no {@link ColumnProfile.values}. */
export const longestValue = 256;

/** Each value of a column of text or finite numbers with its number of rows, ascending by value. */
export const Values = Schema.Array(
  Schema.Struct({ value: Schema.Union([Schema.String, Schema.Finite]), rows: Schema.Int }),
);
/** See {@link Values}. */
export type Values = typeof Values.Type;

/** What a numeric column has beside: all of its finite values only. */
export const NumberProfile = Schema.Struct({
  nan: Schema.Int,
  plusInfinity: Schema.Int,
  minusInfinity: Schema.Int,
  /** Of the finite values; null without one. */
  min: Schema.NullOr(Schema.Finite),
  max: Schema.NullOr(Schema.Finite),
  /** Null if their fourth power is beyond a double. */
  moments: Schema.NullOr(Moments),
  magnitudes: Magnitudes,
});
/** See {@link NumberProfile}. */
export type NumberProfile = typeof NumberProfile.Type;

/** What a text column has beside. Lengths are in characters. */
export const TextProfile = Schema.Struct({
  empty: Schema.Int,
  shortest: Schema.NullOr(Schema.Int),
  longest: Schema.NullOr(Schema.Int),
  /** Of all values together. */
  characters: Schema.Int,
});
/** See {@link TextProfile}. */
export type TextProfile = typeof TextProfile.Type;

/** What a column of instants has beside. Instants are in epoch milliseconds. */
export const InstantProfile = Schema.Struct({
  /** Rows with `infinity` or `-infinity`. */
  infinite: Schema.Int,
  min: Schema.NullOr(Schema.Finite),
  max: Schema.NullOr(Schema.Finite),
  days: Days,
});
/** See {@link InstantProfile}. */
export type InstantProfile = typeof InstantProfile.Type;

/** A column's profile; which parts there are depends on its type. */
export const ColumnProfile = Schema.Struct({
  type: Column.ColumnType,
  nulls: Schema.Int,
  /** Rows with a value, NaN and infinities included. */
  present: Schema.Int,
  /** Of text, instants and finite numbers; null after merging sketches of different hash functions. */
  distinct: Schema.optionalKey(Schema.NullOr(Distinct)),
  /** Of text and finite numbers: exact, or null if there are more than 1,000 values, or long ones. */
  values: Schema.optionalKey(Schema.NullOr(Values)),
  number: Schema.optionalKey(NumberProfile),
  text: Schema.optionalKey(TextProfile),
  /** Rows that are true, of a boolean column. */
  trues: Schema.optionalKey(Schema.Int),
  instant: Schema.optionalKey(InstantProfile),
});
/** See {@link ColumnProfile}. */
export type ColumnProfile = typeof ColumnProfile.Type;

const least = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b);
const most = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.max(a, b);

/** Values in the order in which a profile lists them: numbers by size, texts by code unit. */
export const byValue = (
  a: { readonly value: string | number },
  b: { readonly value: string | number },
): number => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0);

const mergeValues = (a: Values | null, b: Values | null): Values | null => {
  if (a === null || b === null) return null;
  const rows = new Map<string | number, number>();
  for (const each of [...a, ...b]) rows.set(each.value, (rows.get(each.value) ?? 0) + each.rows);
  return rows.size > mostValues
    ? null
    : [...rows].map(([value, count]) => ({ value, rows: count })).toSorted(byValue);
};

const mergeNumbers = (a: NumberProfile, b: NumberProfile): NumberProfile => ({
  nan: a.nan + b.nan,
  plusInfinity: a.plusInfinity + b.plusInfinity,
  minusInfinity: a.minusInfinity + b.minusInfinity,
  min: least(a.min, b.min),
  max: most(a.max, b.max),
  moments:
    a.moments === null || b.moments === null
      ? null
      : finiteOrNull(mergeMoments(a.moments, b.moments)),
  magnitudes: mergeMagnitudes(a.magnitudes, b.magnitudes),
});

const mergeTexts = (a: TextProfile, b: TextProfile): TextProfile => ({
  empty: a.empty + b.empty,
  shortest: least(a.shortest, b.shortest),
  longest: most(a.longest, b.longest),
  characters: a.characters + b.characters,
});

const mergeInstants = (a: InstantProfile, b: InstantProfile): InstantProfile => ({
  infinite: a.infinite + b.infinite,
  min: least(a.min, b.min),
  max: most(a.max, b.max),
  days: mergeDays(a.days, b.days),
});

const both = <A>(a: A | undefined, b: A | undefined, merge: (a: A, b: A) => A): A | undefined =>
  a === undefined || b === undefined ? undefined : merge(a, b);

/** The profile of two parts of one column. Both are of the same type. */
export const mergeColumns = (a: ColumnProfile, b: ColumnProfile): ColumnProfile => {
  const distinct = both(a.distinct, b.distinct, mergeDistinct);
  const values = both(a.values, b.values, mergeValues);
  const number = both(a.number, b.number, mergeNumbers);
  const text = both(a.text, b.text, mergeTexts);
  const trues = both(a.trues, b.trues, (x, y) => x + y);
  const instant = both(a.instant, b.instant, mergeInstants);
  return {
    type: a.type,
    nulls: a.nulls + b.nulls,
    present: a.present + b.present,
    ...(distinct === undefined ? {} : { distinct }),
    ...(values === undefined ? {} : { values }),
    ...(number === undefined ? {} : { number }),
    ...(text === undefined ? {} : { text }),
    ...(trues === undefined ? {} : { trues }),
    ...(instant === undefined ? {} : { instant }),
  };
};
