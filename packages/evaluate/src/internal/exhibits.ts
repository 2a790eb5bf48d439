/** The figures of an evaluation, as data. */
import type { Charter, Exhibit, Metric } from "@ml-pipe/core";
import { Classification, type Decisions, Words } from "@ml-pipe/data";
import type { Estimated, Evaluation, Judgement } from "../Evaluation.ts";
import type { Audit } from "../LeakageAudit.ts";
import { contributionExhibits } from "./explain/exhibits.ts";
import { costByThreshold } from "./measure.ts";

const { counted, number, percent } = Words;

/** Slices and features shown in a figure. */
const mostBars = 20;

/** All figures that the numbers allow. */
export const exhibitsOf = (
  evaluation: Evaluation,
  audit: Audit,
  decisions: Decisions.Decisions,
  charter: Pick<Charter.Charter<Metric.DecisionMetric>, "spec">,
): ReadonlyArray<Exhibit.Exhibit> => [
  ...costExhibits(evaluation, charter, [
    bar("never act", evaluation.cost.neverAct),
    bar("always act", evaluation.cost.alwaysAct),
  ]),
  ...roc(evaluation, decisions),
  reliability(evaluation),
  thresholds(evaluation, decisions, charter),
  ...importance(evaluation),
  ...contributionExhibits(evaluation.contributions, "test row"),
  sensitivity(evaluation),
  ...power(audit),
];

/** What each way costs, and where the gain comes from. */
export const costExhibits = (
  judgement: Judgement,
  charter: Pick<Charter.Charter, "spec">,
  others: ReadonlyArray<Bar>,
): ReadonlyArray<Exhibit.Exhibit> => [costs(judgement, charter, others), ...slices(judgement)];

/** What the model goes by. */
export const shared = (judgement: Judgement, audit: Audit): ReadonlyArray<Exhibit.Exhibit> => [
  ...importance(judgement),
  ...contributionExhibits(judgement.contributions, "test row"),
  ...power(audit),
];

type Bar = Extract<Exhibit.Exhibit, { readonly _tag: "bar" }>["bars"][number];

const bar = (name: string, { estimate, interval }: Estimated): Bar => ({
  name,
  value: estimate,
  ...(interval === null ? {} : { lower: interval.lower, upper: interval.upper }),
});

const costs = (
  { cost, gain, unit, level, smallestGain, blocks }: Judgement,
  charter: Pick<Charter.Charter, "spec">,
  others: ReadonlyArray<Bar>,
): Exhibit.Exhibit => ({
  _tag: "bar",
  title: "Cost of each way to decide",
  caption: `The model saves ${number(gain.estimate)} ${unit} over the baseline${
    gain.interval === null
      ? ""
      : ` (${percent(level)} interval ${number(gain.interval.lower)} to ${number(gain.interval.upper)}, paired, bootstrap over ${counted(blocks.count, blocks.by)})`
  }; the charter asks for ${number(smallestGain)}.`,
  value: { label: unit },
  bars: [
    bar("model", cost.model),
    bar(`baseline: ${charter.spec.baseline.name}`, cost.baseline),
    ...others,
  ],
});

const slices = ({ slices: all, gain, unit, level }: Judgement): ReadonlyArray<Exhibit.Exhibit> =>
  [...new Set(all.map(({ column }) => column))].map((column) => {
    const own = all.filter((slice) => slice.column === column);
    return {
      _tag: "bar",
      title: `Gain by ${column}`,
      caption: `The ${Math.min(mostBars, own.length)} largest of ${counted(own.length, "slice")}; intervals hold for all ${all.length} together at ${percent(level)}.`,
      value: { label: unit },
      bars: own.slice(0, mostBars).map((slice) => bar(slice.value ?? "(missing)", slice.gain)),
      reference: { value: gain.estimate, label: "all rows" },
    };
  });

const roc = (
  { rocAuc, rocAucInterval, level }: Evaluation,
  { probability, label }: Decisions.Decisions,
): ReadonlyArray<Exhibit.Exhibit> => {
  const curve = Classification.rocCurve(probability, label, 200);
  if (curve._tag === "Failure" || rocAuc === null) return [];
  const { falsePositiveRate, truePositiveRate } = curve.success;
  const interval =
    rocAucInterval === null
      ? ""
      : ` (${percent(level)} interval ${number(rocAucInterval.lower)} to ${number(rocAucInterval.upper)}, DeLong, rows taken as independent)`;
  return [
    {
      _tag: "line",
      title: "ROC curve",
      caption: `area ${number(rocAuc)}${interval}`,
      x: { label: "false positive rate" },
      y: { label: "true positive rate" },
      series: [
        {
          name: "model",
          points: Array.from(falsePositiveRate, (x, index) => [x, truePositiveRate[index] ?? 0]),
        },
      ],
      diagonal: true,
    },
  ];
};

const reliability = (evaluation: Evaluation): Exhibit.Exhibit => ({
  _tag: "line",
  title: "Reliability",
  caption: `expected calibration error ${number(evaluation.calibrationError)}, Brier score ${number(evaluation.brierScore)}`,
  x: { label: "mean probability given" },
  y: { label: "share that came true" },
  series: [
    {
      name: "model",
      points: evaluation.reliability.map((bin) => [bin.meanProbability, bin.observedRate]),
      marks: true,
    },
  ],
  diagonal: true,
});

const thresholds = (
  { cost, threshold, unit }: Evaluation,
  decisions: Decisions.Decisions,
  { spec: { baseline, metric } }: Pick<Charter.Charter<Metric.DecisionMetric>, "spec">,
): Exhibit.Exhibit => ({
  _tag: "line",
  title: "Cost by threshold",
  caption: `The release acts from ${number(threshold)}, which follows from the costs; it is not fitted to the test rows.`,
  x: { label: "act from this probability" },
  y: { label: unit },
  series: [
    { name: "model", points: costByThreshold(decisions, metric.costs) },
    { name: "threshold used", points: [[threshold, cost.model.estimate]], marks: true },
  ],
  rules: [{ y: cost.baseline.estimate, label: `baseline: ${baseline.name}` }],
});

const importance = ({ importance: all }: Judgement): ReadonlyArray<Exhibit.Exhibit> =>
  all.length === 0
    ? []
    : [
        {
          _tag: "bar",
          title: "Feature importance",
          caption: "share of the gain of all splits, or of the absolute standardised coefficients",
          value: { label: "share" },
          bars: all
            .slice(0, mostBars)
            .map(({ feature, share }) => ({ name: feature, value: share })),
        },
      ];

const sensitivity = ({ sensitivity: all, threshold, gain, unit }: Evaluation): Exhibit.Exhibit => ({
  _tag: "table",
  title: "If the costs were different",
  caption: "one cost at a time, each at the threshold that would then be best",
  columns: ["cost", "times", "threshold", `gain, ${unit}`],
  rows: [
    ["as in the charter", 1, threshold, gain.estimate],
    ...all.map((one) => [one.cost, one.factor, one.threshold, one.gain]),
  ],
});

const power = ({ power: all }: Audit): ReadonlyArray<Exhibit.Exhibit> =>
  all.length === 0
    ? []
    : [
        {
          _tag: "bar",
          title: "What each feature says alone",
          caption:
            "ROC AUC on train rows, 95 % interval (DeLong); 0.5 says nothing, 1 tells the outcome",
          value: { label: "ROC AUC" },
          bars: all.slice(0, mostBars).map(({ feature, rocAuc, interval }) => ({
            name: feature,
            value: rocAuc,
            ...(interval === null ? {} : { lower: interval[0], upper: interval[1] }),
          })),
          reference: { value: 0.5, label: "nothing" },
        },
      ];
