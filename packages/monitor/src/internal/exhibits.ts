/** The figures of the monitor, as data. */
import type { Charter, Exhibit } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { MonitoredDay, Monitoring } from "../Monitoring.ts";

/** Features drawn: those that moved most. */
const mostFeatures = 5;

/** All figures. */
export const exhibitsOf = (
  monitoring: Monitoring,
  { spec: { baseline } }: Pick<Charter.Charter, "spec">,
): ReadonlyArray<Exhibit.Exhibit> => {
  const { days, unit, driftThreshold, windowDays, smallestGain, gain, release } = monitoring;
  if (days.length === 0) return [];
  const time = { label: "day of the decision", kind: "time" } as const;
  const judged = days.filter(({ costJudged }) => costJudged);
  const large = days.filter(({ driftJudged }) => driftJudged);
  return [
    {
      _tag: "line",
      title: "Drift by day",
      caption: `The features that moved most. PSI against the training data of the last ${Words.counted(windowDays, "day")}, or of the day alone where that is beyond any day of the training data.`,
      x: time,
      y: { label: "PSI" },
      series: mostMoved(days).map((feature) => ({
        name: feature,
        points: days.flatMap(({ day, features }) => {
          const found = features.find((one) => one.feature === feature);
          return found === undefined ? [] : [[at(day), found.drift] as const];
        }),
      })),
      rules: [{ y: driftThreshold, label: "threshold" }],
    },
    {
      _tag: "line",
      title: "Realised cost by day",
      caption: "per decision whose outcome is known",
      x: time,
      y: { label: unit },
      series: [
        { name: release, points: pointsOf(judged, ({ cost }) => cost) },
        { name: `baseline: ${baseline.name}`, points: pointsOf(judged, (one) => one.baselineCost) },
      ],
    },
    {
      _tag: "line",
      title: "Realised gain by day",
      caption:
        gain === null
          ? "no day's outcomes are known yet"
          : `${Words.number(gain)} ${unit} over all days; the charter asks for ${Words.number(smallestGain)}`,
      x: time,
      y: { label: unit },
      series: [{ name: "gain", points: pointsOf(judged, (one) => one.gain), marks: true }],
      rules: [
        { y: smallestGain, label: "smallest gain" },
        { y: 0, label: "as the baseline" },
      ],
    },
    {
      _tag: "line",
      title: `Predicted and observed ${monitoring.label === "number" ? "mean" : "rate"} by day`,
      ...(monitoring.label === "text"
        ? { caption: "probability of the most probable class, and how often it was right" }
        : {}),
      x: time,
      y: { label: monitoring.label === "number" ? "mean" : "share of decisions" },
      series: [
        { name: "predicted", points: pointsOf(large, ({ meanPredicted }) => meanPredicted) },
        { name: "observed", points: pointsOf(judged, ({ observedRate }) => observedRate) },
      ],
    },
  ];
};

const mostMoved = (days: ReadonlyArray<MonitoredDay>): ReadonlyArray<string> => {
  const most = new Map<string, number>();
  for (const { feature, drift } of days.flatMap(({ features }) => features)) {
    most.set(feature, Math.max(most.get(feature) ?? 0, drift));
  }
  return [...most]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, mostFeatures)
    .map(([feature]) => feature);
};

const at = (day: string): number => new Date(`${day}T00:00:00Z`).getTime();

const pointsOf = (
  days: ReadonlyArray<MonitoredDay>,
  value: (day: MonitoredDay) => number | null,
): ReadonlyArray<readonly [number, number]> =>
  days.flatMap((one) => {
    const y = value(one);
    return y === null ? [] : [[at(one.day), y] as const];
  });
