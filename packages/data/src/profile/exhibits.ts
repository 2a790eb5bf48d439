/** Profiles and comparisons as figures. */
import type { Exhibit } from "@ml-pipe/core";
import * as Result from "effect/Result";
import * as Words from "../Words.ts";
import type { ColumnProfile } from "./ColumnProfile.ts";
import {
  distinct,
  frequent,
  histogramOn,
  mean,
  nullShare,
  onAxis,
  quantile,
  rowsOf,
  spans,
  standardDeviation,
} from "./read.ts";
import type { Comparison } from "./compare.ts";

type Histograms = Extract<Exhibit.Exhibit, { readonly _tag: "histograms" }>;
type Panel = Histograms["panels"][number];
type Table = Extract<Exhibit.Exhibit, { readonly _tag: "table" }>;

/** Bars of one histogram. */
const bars = 24;
/** Categories of one histogram. */
const categories = 8;

/** A column as it is shown: with the unit that its contract gives it, if it has one. */
export interface Shown {
  readonly name: string;
  readonly column: ColumnProfile;
  readonly unit?: string;
}

/** One small histogram a column. */
export const distributions = (
  columns: ReadonlyArray<Shown>,
  title = "Distributions",
): Histograms => ({
  _tag: "histograms",
  title,
  caption: "Shares of the rows with a value; of numbers the middle 99 %.",
  series: ["rows"],
  panels: columns.map(({ name, column, unit }) => ({
    name,
    about: unit === undefined ? column.type : `${column.type}, ${unit}`,
    ...panelOf([column]),
    facts: factsOf(column),
  })),
});

/** A panel with the shares of several profiles of one column in the same bins, cut on the first. */
export const panelOf = (profiles: ReadonlyArray<ColumnProfile>): Pick<Panel, "bins" | "shares"> => {
  const [first] = profiles;
  if (first === undefined) return { bins: { kind: "category", labels: [] }, shares: [] };
  const edges = edgesOf(first);
  if (edges !== undefined) {
    const kind = first.instant === undefined ? "number" : "time";
    const shares = profiles.map((column) => {
      const all = onAxis(column);
      const counts = histogramOn(column, edges).slice(1, -1);
      return Array.from(counts, (count) => (all === 0 ? 0 : count / all));
    });
    return { bins: { kind, edges }, shares };
  }
  const labels = labelsOf(first);
  const shares = profiles.map((column) =>
    labels.map((label) => (column.present === 0 ? 0 : rowsNamed(column, label) / column.present)),
  );
  return { bins: { kind: "category", labels }, shares };
};

/** Evenly spaced edges over the middle 99 % of the values; undefined for columns without an axis. */
const edgesOf = (column: ColumnProfile): ReadonlyArray<number> | undefined => {
  const all = spans(column);
  if (all.length === 0) return undefined;
  if (all.length <= categories && all.every(({ lower, upper }) => lower === upper))
    return undefined;
  const at = (p: number) => Result.getOrElse(quantile(column, p), () => NaN);
  const [low, high] = [at(0.005), at(0.995)];
  if (!(low < high)) return undefined;
  if (column.type !== "int") {
    return Array.from({ length: bars + 1 }, (_, edge) => low + (edge * (high - low)) / bars);
  }
  // Bars of as many whole numbers each.
  const first = Math.round(low);
  const width = Math.ceil((Math.round(high) - first + 1) / bars);
  const count = Math.ceil((Math.round(high) - first + 1) / width);
  return Array.from({ length: count + 1 }, (_, edge) => first + edge * width);
};

const labelsOf = (column: ColumnProfile): ReadonlyArray<string> => {
  if (column.trues !== undefined) return ["true", "false"];
  const listed = column.number === undefined ? frequent(column, categories) : column.values;
  return (listed ?? []).slice(0, categories).map(({ value }) => String(value));
};

const rowsNamed = ({ trues, present, values }: ColumnProfile, label: string): number => {
  if (trues !== undefined) return label === "true" ? trues : present - trues;
  return values?.find(({ value }) => String(value) === label)?.rows ?? 0;
};

const factsOf = (column: ColumnProfile): ReadonlyArray<readonly [string, string]> => {
  const facts: Array<readonly [string, string]> = [
    ["nulls", Words.percent(nullShare(column) ?? 0)],
  ];
  const different = distinct(column);
  if (different !== undefined) {
    facts.push(["distinct", `${different.exact ? "" : "about "}${Words.whole(different.count)}`]);
  }
  const average = mean(column);
  if (average !== undefined) {
    facts.push(
      column.trues === undefined
        ? ["mean", Words.number(average)]
        : ["true", Words.percent(average)],
    );
  }
  const deviation = standardDeviation(column);
  if (deviation !== undefined) facts.push(["sd", Words.number(deviation)]);
  const { number, text } = column;
  const odd = number === undefined ? 0 : number.nan + number.plusInfinity + number.minusInfinity;
  if (odd > 0) facts.push(["not finite", Words.whole(odd)]);
  if (text?.shortest != null && text.longest != null) {
    const { shortest, longest } = text;
    facts.push([
      "characters",
      shortest === longest ? String(longest) : `${shortest} to ${longest}`,
    ]);
  }
  return facts;
};

/** Of a JavaScript date, in epoch milliseconds. DuckDB has later ones. */
const lastInstant = 8.64e15;

/** Nulls, distinct values, extremes, mean and quantiles of each column. */
export const table = (columns: ReadonlyArray<Shown>, caption: string): Table => ({
  _tag: "table",
  title: "Profile",
  caption,
  columns: ["column", "unit", "nulls", "distinct", "min", "mean", "median", "max", "sd"],
  rows: columns.map(({ name, column, unit }) => {
    const different = distinct(column);
    const { number, instant } = column;
    const instantText = (value: number | null | undefined) =>
      value == null
        ? null
        : Math.abs(value) <= lastInstant
          ? new Date(value).toISOString().slice(0, 19).replace("T", " ")
          : `${value} ms`;
    const cell = (value: number | null | undefined) =>
      value == null ? null : Number(value.toPrecision(6));
    // The sketch of a column of whole numbers is of their logarithms.
    const whole = column.type === "int" ? Math.round : (value: number) => value;
    const at = (p: number) => Result.getOrUndefined(Result.map(quantile(column, p), whole));
    const [min, median, max] =
      instant === undefined
        ? [cell(number?.min), cell(at(0.5)), cell(number?.max)]
        : [instantText(instant.min), instantText(at(0.5)), instantText(instant.max)];
    return [
      name,
      unit ?? null,
      column.nulls,
      different === undefined
        ? null
        : `${different.exact ? "" : "about "}${Words.whole(different.count)}`,
      min,
      cell(mean(column)),
      median,
      max,
      cell(standardDeviation(column)),
    ];
  }),
});

/** `3 → 4`, or `3` if nothing changed. */
const change = (before: number, now: number, text: (value: number) => string): string =>
  before === now ? text(now) : `${text(before)} → ${text(now)}`;

/** Panels of a comparison: the reference and what is held against it. */
export const comparisonPanel = (
  name: string,
  { reference, current }: Pick<Comparison, "reference" | "current">,
  about: { readonly about: string; readonly marked: boolean },
): Panel => {
  const facts: Array<readonly [string, string]> = [
    ["nulls", change(nullShare(reference) ?? 0, nullShare(current) ?? 0, Words.percent)],
  ];
  const [before, now] = [mean(reference), mean(current)];
  if (before !== undefined && now !== undefined) {
    const show = reference.trues === undefined ? Words.number : Words.percent;
    facts.push([reference.trues === undefined ? "mean" : "true", change(before, now, show)]);
  }
  if (rowsOf(reference) > 0 && reference.values != null && current.values != null) {
    facts.push(["distinct", change(reference.values.length, current.values.length, Words.whole)]);
  }
  return { name, ...about, ...panelOf([reference, current]), facts };
};
