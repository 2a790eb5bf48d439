/** Figures of profiles over time. */
import { type Anomaly, Profile } from "@ml-pipe/data";
import type { Batch } from "./batches.ts";

/** What is measured of a batch. */
export const measures = ["rows", "nulls", "mean", "standard-deviation", "distinct"] as const;
/** See {@link measures}. */
export type Measure = (typeof measures)[number];

/** A figure: how it is read from a profile, and what it varies by sampling alone. */
export interface Measured {
  readonly name: string;
  readonly column?: string;
  /** NaN if the profile does not have it. */
  readonly of: (profile: Profile.Profile) => number;
  /** Standard deviation by sampling alone. */
  readonly noise: (profile: Profile.Profile) => number;
  readonly range: readonly [least: number, most: number];
}

/** All figures that a profile has; a column that is missing in it is measured, as NaN. */
export const measured = (
  profile: Profile.Profile,
  columns: ReadonlyArray<string>,
  wanted: ReadonlyArray<Measure>,
): ReadonlyArray<Measured> => [
  // A count of independent arrivals varies by its square root (Poisson).
  ...(wanted.includes("rows")
    ? [
        {
          name: "rows",
          of: ({ rows }: Profile.Profile) => rows,
          noise: ({ rows }: Profile.Profile) => Math.sqrt(rows),
          range: [0, Infinity],
        } as const,
      ]
    : []),
  ...partsOf(profile, columns).flatMap((column) =>
    wanted.flatMap((measure) => {
      const found = measure === "rows" ? undefined : ofColumn[measure];
      const own = profile.columns[column];
      if (found === undefined || (own !== undefined && !found.has(own))) return [];
      return {
        name: `${column}.${measure}`,
        column,
        range: found.range,
        of: ({ columns: all }: Profile.Profile) => {
          const one = all[column];
          return (one === undefined ? undefined : found.of(one)) ?? NaN;
        },
        noise: ({ columns: all }: Profile.Profile) => {
          const one = all[column];
          return one === undefined ? 0 : found.noise(one);
        },
      };
    }),
  ),
];

/** Columns by what is profiled of them: of one that holds several values, its parts. */
const partsOf = (
  { partOf = {} }: Profile.Profile,
  columns: ReadonlyArray<string>,
): ReadonlyArray<string> => {
  const parts = Map.groupBy(Object.keys(partOf), (part) => partOf[part]);
  return columns.flatMap((column) => parts.get(column) ?? [column]);
};

interface OfColumn {
  /** Whether columns of this type have the figure at all. */
  readonly has: (column: Profile.ColumnProfile) => boolean;
  readonly of: (column: Profile.ColumnProfile) => number | undefined;
  readonly noise: (column: Profile.ColumnProfile) => number;
  readonly range: readonly [least: number, most: number];
}

/** A share of `n` rows, moved off 0 and 1 by Laplace's rule so that it has a deviation. */
const shareNoise = (part: number, n: number): number => {
  const share = (part + 1) / (n + 2);
  return n === 0 ? 0 : Math.sqrt((share * (1 - share)) / n);
};

const ofColumn: { readonly [measure in Exclude<Measure, "rows">]: OfColumn } = {
  nulls: {
    has: () => true,
    of: Profile.nullShare,
    noise: (column) => shareNoise(column.nulls, Profile.rowsOf(column)),
    range: [0, 1],
  },
  mean: {
    has: ({ number, trues }) => number !== undefined || trues !== undefined,
    of: Profile.mean,
    noise: (column) =>
      column.trues !== undefined
        ? shareNoise(column.trues, column.present)
        : (Profile.standardDeviation(column) ?? 0) / Math.sqrt(Math.max(1, column.present)),
    range: [-Infinity, Infinity],
  },
  "standard-deviation": {
    has: ({ number }) => number !== undefined,
    of: Profile.standardDeviation,
    noise: (column) =>
      (Profile.standardDeviation(column) ?? 0) / Math.sqrt(2 * Math.max(1, column.present)),
    range: [0, Infinity],
  },
  distinct: {
    has: ({ type }) => type !== "boolean",
    of: (column) => Profile.distinct(column)?.count,
    noise: (column) => {
      const found = Profile.distinct(column);
      return found === undefined ? 0 : found.count * found.standardError;
    },
    range: [0, Infinity],
  },
};

/** A figure of earlier batches. */
export const seriesOf = (
  batches: ReadonlyArray<Batch>,
  { of }: Measured,
): ReadonlyArray<Anomaly.Point> => batches.map(({ at, profile }) => ({ at, value: of(profile) }));
