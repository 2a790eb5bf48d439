/** The figures of an explanation, as data. */
import type { Exhibit } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { Contributions } from "../../Contributions.ts";
import type { Dependence, Explanation } from "../../Explain.ts";

const { counted, number, percent } = Words;

/** Bars in the figure. */
const mostBars = 20;

/** Importance, contributions, and a figure for each feature whose dependence is known. */
export const exhibitsOf = (
  { importance, contributions, dependence, rows, unit, level, cost }: Explanation,
  threshold: number | undefined,
): ReadonlyArray<Exhibit.Exhibit> => [
  {
    _tag: "bar",
    title: "What the model goes by",
    caption: `how much more it costs than ${number(cost)} ${unit} when a feature's values are exchanged between rows, on ${counted(rows, "validation row")}; intervals hold for all together at ${percent(level)}. Features that say the same thing share it.`,
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
  ...contributionExhibits(contributions, "validation row"),
  ...dependence.flatMap((one) => (one.values.length < 2 ? [] : [curve(one, threshold)])),
];

const scales = {
  logOdds: "log-odds",
  logRate: "logarithm of the rate",
  classScores: "class scores",
  value: "unit of the label",
} as const;

/** What contributions are in, for a person. */
export const scaleOf = ({ scale }: Contributions): string => scales[scale];

/** How far features move predictions; nothing where nothing does, or it is not known. */
export const contributionExhibits = (
  contributions: Contributions | null,
  row: string,
): ReadonlyArray<Exhibit.Exhibit> => {
  const shown = contributions?.features.filter(({ mean }) => mean > 0).slice(0, mostBars) ?? [];
  if (contributions === null || shown.length === 0) return [];
  const { classes, rows } = contributions;
  const caption = `mean absolute Shapley value on ${counted(rows, row)}: how far a feature moves single predictions, either way`;
  return [
    {
      _tag: "bar",
      title: "What moves predictions",
      caption: classes.length === 0 ? caption : `${caption}, summed over the classes`,
      value: { label: scaleOf(contributions) },
      bars: shown.map(({ feature, mean }) => ({ name: feature, value: mean })),
    },
    ...(classes.length === 0
      ? []
      : [
          {
            _tag: "table" as const,
            title: "What moves predictions of each class",
            caption: `${caption}; ${scaleOf(contributions)}`,
            columns: ["feature", ...classes],
            rows: shown.map(({ feature, byOutput }) => [feature, ...byOutput]),
          },
        ]),
  ];
};

/** Curves of single rows in a figure: more hide one another. */
const mostRows = 3;

const curve = (
  { feature, values, outputs }: Dependence,
  threshold: number | undefined,
): Exhibit.Exhibit => {
  const [first] = outputs;
  const points = (curve: ReadonlyArray<number>) =>
    values.map((value, k): readonly [number, number] => [value, curve[k] ?? 0]);
  const what =
    first?.class === null ? (threshold === undefined ? "prediction" : "probability") : "classes";
  const caption =
    "mean over rows with this value instead of their own (partial dependence); values that do not occur together are tried, too";
  return {
    _tag: "line",
    title: `${what[0]?.toUpperCase()}${what.slice(1)} by ${feature}`,
    caption,
    x: { label: feature },
    y: { label: what === "classes" ? "probability" : what },
    series:
      what === "classes"
        ? outputs.map(({ class: name, mean }) => ({ name: name ?? "", points: points(mean) }))
        : [
            { name: "mean", points: points(first?.mean ?? []) },
            ...(first?.rows ?? []).slice(0, mostRows).map((row, index) => ({
              name: `row ${index + 1}`,
              points: points(row),
            })),
          ],
    ...(threshold === undefined ? {} : { rules: [{ y: threshold, label: "acts from here" }] }),
  };
};
