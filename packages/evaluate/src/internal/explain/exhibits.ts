/** The figures of an explanation, as data. */
import type { Exhibit } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { Dependence, Explanation } from "../../Explain.ts";

const { counted, number, percent } = Words;

/** Bars in the figure. */
const mostBars = 20;

/** Importance, and a figure for each feature whose dependence is known. */
export const exhibitsOf = (
  { importance, dependence, rows, unit, level, cost }: Explanation,
  threshold: number,
): ReadonlyArray<Exhibit.Exhibit> => [
  {
    _tag: "bar",
    title: "What the model decides by",
    caption: `how much dearer decisions get than ${number(cost)} ${unit} when a feature's values are exchanged between rows, on ${counted(rows, "validation row")}; intervals hold for all together at ${percent(level)}. Features that say the same thing share it.`,
    value: { label: `extra ${unit}` },
    bars: importance.slice(0, mostBars).map(({ features, extraCost }) => ({
      name: features.join(" + "),
      value: extraCost.estimate,
      ...(extraCost.interval === null
        ? {}
        : { lower: extraCost.interval.lower, upper: extraCost.interval.upper }),
    })),
    reference: { value: 0, label: "nothing" },
  },
  ...dependence.flatMap((one) => (one.values.length < 2 ? [] : [curve(one, threshold)])),
];

/** Curves of single rows in a figure: more hide one another. */
const mostRows = 3;

const curve = (
  { feature, values, mean, rows }: Dependence,
  threshold: number,
): Exhibit.Exhibit => ({
  _tag: "line",
  title: `Probability by ${feature}`,
  caption:
    "mean over rows with this value instead of their own (partial dependence), and some single rows; values that do not occur together are tried, too",
  x: { label: feature },
  y: { label: "probability" },
  series: [
    { name: "mean", points: values.map((value, k) => [value, mean[k] ?? 0]) },
    ...rows.slice(0, mostRows).map((row, index) => ({
      name: `row ${index + 1}`,
      points: values.map((value, k): readonly [number, number] => [value, row[k] ?? 0]),
    })),
  ],
  rules: [{ y: threshold, label: "acts from here" }],
});
