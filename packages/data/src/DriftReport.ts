/**
 * Drift reports: how far each column of a table moved away from a reference, from two profiles. Which
 * columns moved is decided by an effect size, not by a p-value, because at scale a p-value flags every
 * difference; and a column with too few rows to tell is said to be so, never passed.
 */
import type { Exhibit } from "@ml-pipe/core";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { ColumnProfile } from "./profile/ColumnProfile.ts";
import {
  compare,
  type Comparison,
  distance,
  ksBounds,
  Method,
  newValues,
  pValueOf,
  usualLimit,
} from "./profile/compare.ts";
import { comparisonPanel } from "./profile/exhibits.ts";
import { nullShare, rowsOf } from "./profile/read.ts";
import type { Profile } from "./Profile.ts";
import * as HypothesisTest from "./statistics/HypothesisTest.ts";
import * as Words from "./Words.ts";

export { Method, usualLimit } from "./profile/compare.ts";

/** What became of the comparison of a column. */
export const ColumnDrift = Schema.Struct({
  column: Schema.String,
  method: Method,
  /** From which distance on it is drift. */
  atMost: Schema.Finite,
  outcome: Schema.Literals(["passed", "failed", "could not run"]),
  /** Why it could not run, in words. */
  why: Schema.optionalKey(Schema.String),
  distance: Schema.NullOr(Schema.Finite),
  /** What chance alone stays below 19 times of 20, with as many rows and no drift. */
  byChance: Schema.NullOr(Schema.Finite),
  /** Of the chi-square test over the bins, corrected by Holm for the number of columns. */
  pValue: Schema.NullOr(Schema.Finite),
  /** Between these lies the Kolmogorov–Smirnov statistic of the rows; equal where it is exact. */
  ks: Schema.NullOr(Schema.Struct({ lower: Schema.Finite, upper: Schema.Finite })),
  /** Share of rows without a value, before and now. */
  nulls: Schema.Tuple([Schema.Finite, Schema.Finite]),
  /** Texts that the reference does not have; null where there are none or they are not listed. */
  newValues: Schema.NullOr(Schema.Int),
});
/** See {@link ColumnDrift}. */
export type ColumnDrift = typeof ColumnDrift.Type;

/** The drift of a table. */
export const DriftReport = Schema.Struct({
  referenceRows: Schema.Int,
  rows: Schema.Int,
  columns: Schema.Array(ColumnDrift),
}).annotate({ title: "DriftReport" });
/** See {@link DriftReport}. */
export type DriftReport = typeof DriftReport.Type;

/** How a column is judged. */
export interface Limit {
  /** Default `jensen-shannon`, which every column with a distribution has. */
  readonly method?: Method;
  /** Largest distance that is no drift; default `usualLimit` of the method. */
  readonly atMost?: number;
}

/** How columns are judged. */
export interface DriftOptions extends Limit {
  /** Of single columns, by name; `false` leaves one out. */
  readonly columns?: { readonly [column: string]: Limit | false };
}

/**
 * Holds a profile against a reference, column by column. A column whose distribution is not known, that
 * is missing on one side, or that has too few rows for its limit could not run.
 *
 * @example
 * ```ts
 * import { DriftReport, type Profile } from "@ml-pipe/data";
 *
 * const drifted = (before: Profile.Profile, now: Profile.Profile): ReadonlyArray<string> =>
 *   DriftReport.between(before, now, { method: "psi", atMost: 0.2 })
 *     .columns.filter(({ outcome }) => outcome === "failed")
 *     .map(({ column }) => column);
 * ```
 */
export const between = (
  reference: Profile,
  current: Profile,
  options: DriftOptions = {},
): DriftReport => {
  const partOf = { ...reference.partOf, ...current.partOf };
  /** What is said of a part is said of its column. */
  const optionsOf = (name: string) => options.columns?.[partOf[name] ?? name];
  const names = [
    ...new Set([...Object.keys(reference.columns), ...Object.keys(current.columns)]),
  ].filter((name) => optionsOf(name) !== false);
  const judged = names.map((name) => {
    const limit = limitOf(options, optionsOf(name));
    return columnDrift(name, reference.columns[name], current.columns[name], limit);
  });
  const tested = judged.flatMap(({ pValue }, at) =>
    pValue === null ? [] : [[at, pValue] as const],
  );
  const adjusted = Result.getOrElse(
    HypothesisTest.adjust(
      tested.map(([, pValue]) => pValue),
      "holm",
    ),
    () => new Float64Array(0),
  );
  const byColumn = new Map(tested.map(([at], test) => [at, adjusted[test] ?? null]));
  return {
    referenceRows: reference.rows,
    rows: current.rows,
    columns: judged.map((drift, at) => ({ ...drift, pValue: byColumn.get(at) ?? null })),
  };
};

const limitOf = (options: DriftOptions, own: Limit | false | undefined): Required<Limit> => {
  const of = own === false || own === undefined ? {} : own;
  const method = of.method ?? options.method ?? "jensen-shannon";
  const inherited = of.method === undefined ? options.atMost : undefined;
  return { method, atMost: of.atMost ?? inherited ?? usualLimit[method] };
};

const columnDrift = (
  column: string,
  before: ColumnProfile | undefined,
  now: ColumnProfile | undefined,
  { method, atMost }: Required<Limit>,
): ColumnDrift => {
  const unseen = before === undefined || now === undefined ? undefined : newValues(before, now);
  const base = {
    column,
    method,
    atMost,
    nulls: [shareOf(before), shareOf(now)] as const,
    newValues: unseen === undefined ? null : unseen.length,
  };
  const idle = (why: string, known: Partial<ColumnDrift> = {}): ColumnDrift => ({
    ...base,
    outcome: "could not run",
    why,
    distance: null,
    byChance: null,
    pValue: null,
    ks: null,
    ...known,
  });
  if (before === undefined) return idle("the reference does not have it");
  if (now === undefined) return idle("it is gone");
  const compared = compare(before, now);
  if (Result.isFailure(compared)) return idle(compared.failure);
  const known = {
    pValue: pValueOf(compared.success) ?? null,
    ks: ksOf(compared.success),
  };
  const found = distance(compared.success, method);
  if (Result.isFailure(found)) return idle(found.failure, known);
  const { value, byChance } = found.success;
  const measured = { ...known, distance: value, byChance };
  if (byChance >= atMost) {
    const fewer = Words.counted(Math.min(rowsOf(before), rowsOf(now)), "row");
    return idle(`with ${fewer} chance alone reaches ${Words.number(byChance)}`, measured);
  }
  // Buckets only bound the statistic: what may lie on either side of the limit did not pass.
  const { ks } = known;
  if (method === "ks" && ks !== null && value <= atMost && ks.upper > atMost) {
    return idle(
      `the statistic is between ${Words.number(ks.lower)} and ${Words.number(ks.upper)}: compute it from the rows`,
      measured,
    );
  }
  return { ...base, ...measured, outcome: value > atMost ? "failed" : "passed" };
};

const shareOf = (column: ColumnProfile | undefined): number =>
  column === undefined ? 0 : (nullShare(column) ?? 0);

const ksOf = (comparison: Comparison): ColumnDrift["ks"] =>
  comparison.kind === "numbers" ? Result.getOrElse(ksBounds(comparison), () => null) : null;

/**
 * The figures of a report: what was found in each column, the distances against their limits, and the
 * distributions of both.
 */
export const exhibits = (
  report: DriftReport,
  reference: Profile,
  current: Profile,
): ReadonlyArray<Exhibit.Exhibit> => {
  const shown = report.columns.toSorted((a, b) => excess(b) - excess(a));
  const measured = shown.filter(({ distance }) => distance !== null);
  const common = shown.filter(
    ({ atMost, method }) => atMost === shown[0]?.atMost && method === shown[0]?.method,
  );
  return [
    ...(measured.length === 0
      ? []
      : [
          {
            _tag: "bar" as const,
            title: "Drift by column",
            caption:
              common.length === shown.length
                ? `Distance from the reference: ${shown[0]?.method}.`
                : "Distance from the reference over its limit: 1 is the limit.",
            value: {
              label:
                common.length === shown.length ? (shown[0]?.method ?? "") : "share of the limit",
            },
            bars: measured.map(({ column, distance, atMost }) => ({
              name: column,
              value: rounded((distance ?? 0) / (common.length === shown.length ? 1 : atMost)),
            })),
            reference: {
              value: common.length === shown.length ? (shown[0]?.atMost ?? 1) : 1,
              label: "limit",
            },
          },
        ]),
    {
      _tag: "histograms",
      title: "Distributions, before and now",
      caption:
        "Shares of the rows with a value, in bins cut on the reference; of numbers its middle 99 %.",
      series: [
        `reference (${Words.counted(report.referenceRows, "row")})`,
        `now (${Words.counted(report.rows, "row")})`,
      ],
      panels: shown.flatMap((drift) => {
        const [before, now] = [reference.columns[drift.column], current.columns[drift.column]];
        if (before === undefined || now === undefined) return [];
        const about = aboutOf(drift);
        return [
          comparisonPanel(
            drift.column,
            { reference: before, current: now },
            { about, marked: drift.outcome === "failed" },
          ),
        ];
      }),
    },
    {
      _tag: "table",
      title: "Drift",
      caption:
        "p-values are corrected for the number of columns (Holm); at scale they are small for any difference.",
      columns: [
        "column",
        "method",
        "distance",
        "at most",
        "by chance",
        "outcome",
        "p-value",
        "KS",
        "nulls before",
        "nulls now",
        "new values",
      ],
      rows: shown.map((drift) => [
        drift.column,
        drift.method,
        cell(drift.distance),
        rounded(drift.atMost),
        cell(drift.byChance),
        drift.why === undefined ? drift.outcome : `could not run: ${drift.why}`,
        drift.pValue !== null && drift.pValue < 1e-6 ? "< 0.000001" : cell(drift.pValue),
        drift.ks === null
          ? null
          : drift.ks.upper - drift.ks.lower < 0.0005
            ? rounded(drift.ks.lower)
            : `${rounded(drift.ks.lower)} to ${rounded(drift.ks.upper)}`,
        Words.percent(drift.nulls[0]),
        Words.percent(drift.nulls[1]),
        drift.newValues,
      ]),
    },
  ];
};

const excess = ({ distance, atMost }: ColumnDrift): number => (distance ?? -1) / atMost;

const rounded = (value: number): number => Number(value.toPrecision(3));
const cell = (value: number | null): number | null => (value === null ? null : rounded(value));

const aboutOf = ({ outcome, method, distance, atMost }: ColumnDrift): string =>
  distance === null
    ? outcome
    : outcome === "failed"
      ? `${method} ${Words.number(distance)}, at most ${Words.number(atMost)}`
      : `${method} ${Words.number(distance)}`;
