/**
 * Proposals: checks that a profile suggests, for a person to read, keep or drop. Each says by which rule
 * and on how many rows; limits follow from that rule and are neither wider nor narrower.
 */
import { Check } from "@ml-pipe/core";
import * as Result from "effect/Result";
import type { ColumnProfile } from "./profile/ColumnProfile.ts";
import { distinct, mean, rowsOf, standardDeviation } from "./profile/read.ts";
import type { Profile } from "./Profile.ts";
import * as Distribution from "./statistics/Distribution.ts";
import * as Interval from "./statistics/Interval.ts";
import * as Words from "./Words.ts";

/** A check, as data and as a line of TypeScript, and what speaks for it. */
export interface Proposal {
  readonly column: string;
  readonly check: Check.CheckSpec;
  /** Such as `Check.nullShare("delay", { atMost: 0.0123 })`. */
  readonly code: string;
  /** The rule and the rows behind it, in words. */
  readonly because: string;
}

/** How {@link propose} goes about it. */
export interface ProposeOptions {
  /** Confidence of the limits, in (0, 1). Default 0.99. */
  readonly level?: number;
  /** Columns with fewer rows suggest nothing. Default 100. */
  readonly minRows?: number;
}

/** A set of values is proposed for at most this many. */
const mostValues = 50;
/** A value that was seen less often than this may have unseen ones like it. */
const oftenEnough = 5;

/**
 * Proposes checks from a profile.
 *
 * - **null share**: at most the upper Wilson limit of the share that was found.
 * - **mean** of numbers: the prediction interval of the mean of as many further rows,
 *   `mean ± t sd sqrt(2 / n)`, rows taken as independent.
 * - **not negative**: if no finite value is, and some are not 0.
 * - **values** of text: those that were seen, if there are at most 50 and each was seen 5 times.
 * - **unique**: if values are as many as rows; where their number is an estimate, within 2 standard errors.
 * - **length** of text: if all have the same.
 *
 * Columns are taken in order of name. Nothing is proposed for a column of nulls. Throws a `RangeError`
 * for a level outside of (0, 1).
 *
 * @example
 * ```ts
 * import { type Profile, Proposal } from "@ml-pipe/data";
 *
 * const linesFor = (profile: Profile.Profile): ReadonlyArray<string> =>
 *   Proposal.propose(profile).map(({ code, because }) => `${code}, // ${because}`);
 * ```
 */
export const propose = (
  { columns, partOf = {} }: Profile,
  { level = 0.99, minRows = 100 }: ProposeOptions = {},
): ReadonlyArray<Proposal> => {
  if (!(level > 0 && level < 1)) {
    throw new RangeError(`propose: a level lies strictly between 0 and 1, not ${level}`);
  }
  return (
    Object.entries(columns)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      // A check is of a column, not of a part of one.
      .filter(([name]) => partOf[name] === undefined)
      .filter(([, column]) => rowsOf(column) >= minRows && column.present > 0)
      .flatMap(([name, column]) =>
        rules.flatMap((rule) => {
          const found = rule(name, column, level);
          return found === undefined ? [] : [{ column: name, ...found }];
        }),
      )
  );
};

type Rule = (
  name: string,
  column: ColumnProfile,
  level: number,
) => Omit<Proposal, "column"> | undefined;

const text = (value: unknown): string => JSON.stringify(value);

/** Four digits, rounded away from `towards`: a limit that is never narrower than its rule. */
const outwards = (value: number, towards: "up" | "down"): number => {
  if (value === 0) return 0;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 3);
  const steps = towards === "up" ? Math.ceil(value / step) : Math.floor(value / step);
  return Number((steps * step).toPrecision(4));
};

const nullShare: Rule = (name, column, level) => {
  const rows = rowsOf(column);
  const interval = Interval.wilson(column.nulls, rows, level);
  if (Result.isFailure(interval)) return undefined;
  const atMost = Math.min(1, outwards(interval.success.upper, "up"));
  return {
    check: Check.nullShare(name, { atMost }).spec,
    code: `Check.nullShare(${text(name)}, { atMost: ${atMost} })`,
    because: `${Words.whole(column.nulls)} of ${Words.counted(rows, "row")} null; upper limit of Wilson's ${Words.percent(level)} interval`,
  };
};

const meanWithin: Rule = (name, column, level) => {
  const [centre, deviation, moments] = [
    mean(column),
    standardDeviation(column),
    column.number?.moments,
  ];
  if (centre === undefined || deviation === undefined || deviation === 0 || moments == null)
    return undefined;
  const { count } = moments;
  const t = Distribution.studentQuantile((1 + level) / 2, count - 1);
  if (Result.isFailure(t)) return undefined;
  const reach = t.success * deviation * Math.sqrt(2 / count);
  const between = [outwards(centre - reach, "down"), outwards(centre + reach, "up")] as const;
  return {
    check: Check.mean(name, { between }).spec,
    code: `Check.mean(${text(name)}, { between: [${between.join(", ")}] })`,
    because: `mean ${Words.number(centre)} of ${Words.counted(count, "row")}; ${Words.percent(level)} prediction interval for the mean of as many independent rows`,
  };
};

const nonNegative: Rule = (name, { number }) =>
  number?.min == null || number.min < 0 || number.max === 0 || number.minusInfinity > 0
    ? undefined
    : {
        check: Check.nonNegative(name).spec,
        code: `Check.nonNegative(${text(name)})`,
        because: `the smallest of ${Words.counted(number.moments?.count ?? 0, "value")} is ${Words.number(number.min)}`,
      };

const inSet: Rule = (name, { type, values }) => {
  if (type !== "string" || values == null || values.length > mostValues) return undefined;
  const rarest = Math.min(...values.map(({ rows }) => rows));
  if (rarest < oftenEnough) return undefined;
  const seen = values.map(({ value }) => String(value));
  return {
    check: Check.inSet(name, seen).spec,
    code: `Check.inSet(${text(name)}, ${text(seen)})`,
    because: `${Words.counted(seen.length, "value")}, the rarest seen ${Words.counted(rarest, "time")}`,
  };
};

const unique: Rule = (name, column) => {
  const found = distinct(column);
  if (found === undefined || column.type === "boolean" || column.type === "float") return undefined;
  const { count, exact, standardError } = found;
  const alike = exact
    ? count === column.present
    : Math.abs(count - column.present) <= 2 * standardError * column.present;
  if (!alike) return undefined;
  return {
    check: Check.unique(name).spec,
    code: `Check.unique(${text(name)})`,
    because: exact
      ? `${Words.counted(count, "different value")} in as many rows`
      : `about ${Words.whole(count)} different values, an estimate, in ${Words.counted(column.present, "row")}`,
  };
};

const length: Rule = (name, { text: profile, present }) => {
  if (profile?.shortest == null || profile.shortest !== profile.longest) return undefined;
  const { shortest } = profile;
  return {
    check: Check.length(name, { equals: shortest }).spec,
    code: `Check.length(${text(name)}, { equals: ${shortest} })`,
    because: `all of ${Words.counted(present, "value")} have ${Words.counted(shortest, "character")}`,
  };
};

const rules: ReadonlyArray<Rule> = [nullShare, meanWithin, nonNegative, inSet, unique, length];
