/** What an evaluation of lists shows and says beside its verdict. */
import type { Charter, Exhibit, Finding } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type {
  ListEvaluation,
  ListProperty,
  SystemEvaluation,
} from "../../recommend/ListEvaluation.ts";
import { measured } from "./gates.ts";

const { counted, number, percent, whole } = Words;

type Estimate = ListProperty["judged"];
type Common = Omit<ListEvaluation, "metric" | "properties">;

const bar = (name: string, { estimate, interval }: Estimate) => ({
  name,
  value: estimate,
  ...(interval === null ? {} : { lower: interval.lower, upper: interval.upper }),
});

/** Properties as a table, side by side. */
const table = (
  title: string,
  properties: ReadonlyArray<ListProperty>,
  { at, level, users }: Common,
  columns: readonly [judged: string, against: string],
): Exhibit.Exhibit => ({
  _tag: "table",
  title,
  caption: `of the first ${at} places of ${counted(users, "user")}; differences are paired by user, intervals at ${percent(level)}`,
  columns: ["", ...columns, "difference", "from", "to"],
  rows: properties.map(({ name, judged, against, difference }) => [
    name,
    rounded(judged.estimate),
    rounded(against.estimate),
    rounded(difference.estimate),
    difference.interval === null ? null : rounded(difference.interval.lower),
    difference.interval === null ? null : rounded(difference.interval.upper),
  ]),
});

const rounded = (value: number): number => Number(value.toPrecision(4));

/** Figures of lists against the baseline. */
export const listExhibits = (
  evaluation: ListEvaluation,
  { spec }: Pick<Charter.Charter, "spec">,
): ReadonlyArray<Exhibit.Exhibit> => [
  {
    _tag: "bar",
    title: "Quality of the lists",
    caption: `They gain ${measured(evaluation.metric.difference)} ${evaluation.unit} (paired, bootstrap over ${counted(evaluation.users, "user")}); the charter asks for ${number(evaluation.smallestGain)}.`,
    value: { label: evaluation.unit },
    bars: [
      bar("these lists", evaluation.metric.judged),
      bar(`baseline: ${spec.baseline.name}`, evaluation.metric.against),
    ],
  },
  table("Quality and what lies beyond", evaluation.properties, evaluation, [
    "these lists",
    "baseline",
  ]),
];

/** Figures of a candidate alone and inside a system. */
export const systemExhibits = (
  evaluation: SystemEvaluation,
  { spec }: Pick<Charter.Charter, "spec">,
): ReadonlyArray<Exhibit.Exhibit> => {
  const { sources, candidate, system, unit, level } = evaluation;
  const whole = sources[0]?.inside.judged;
  const baseline = sources[0]?.alone.against;
  return [
    {
      _tag: "bar",
      title: "What each source gains inside the system",
      caption: `${unit}: "${system}" less the same without the source (paired, ${percent(level)} intervals); "${candidate}" is judged, and the charter asks for ${number(evaluation.smallestGain)}`,
      value: { label: unit },
      bars: sources.map(({ source, inside }) => bar(source, inside.difference)),
      reference: { value: evaluation.smallestGain, label: "smallest gain" },
    },
    {
      _tag: "bar",
      title: "What each source gains alone",
      caption: `${unit}: its own lists less the baseline "${spec.baseline.name}" (paired, ${percent(level)} intervals)`,
      value: { label: unit },
      bars: sources.map(({ source, alone }) => bar(source, alone.difference)),
      reference: { value: 0, label: "baseline" },
    },
    {
      _tag: "bar",
      title: "Quality of all lists",
      value: { label: unit },
      bars: [
        ...(whole === undefined ? [] : [bar(`the system: ${system}`, whole)]),
        ...sources.map(({ source, inside }) => bar(`the system without ${source}`, inside.against)),
        ...sources.map(({ source, alone }) => bar(`${source} alone`, alone.judged)),
        ...(baseline === undefined ? [] : [bar(`baseline: ${spec.baseline.name}`, baseline)]),
      ],
    },
    {
      _tag: "table",
      title: "Sources of the system",
      caption: `credit: places owed to it, and those that users liked; changed: places that hold something else without it; overlap with "${candidate}": items in common by items in either, and rank-biased`,
      columns: ["source", "weight", "credit", "of liked", "changed", "Jaccard", "rank-biased"],
      rows: sources.map(({ source, weight, credit, creditOfLiked, changed, overlap }) => [
        source,
        weight,
        percent(credit),
        percent(creditOfLiked),
        percent(changed),
        rounded(overlap.jaccard),
        rounded(overlap.rankBiased),
      ]),
    },
    table(`With and without ${candidate}`, evaluation.properties, evaluation, [
      `with ${candidate}`,
      "without",
    ]),
  ];
};

/** What is said about any lists. */
const commonFindings = (
  { users, unlisted, excluded, holdout, level }: Common,
  owner: string,
): ReadonlyArray<Finding.Finding> => {
  const found: Array<Finding.Finding> = [];
  const tested = users + excluded.likedNothing;
  if (excluded.likedNothing > 0) {
    found.push({
      check: "evaluate.liked-nothing",
      severity: "info",
      owner,
      expected: "users who liked something new in the test part",
      found: `${counted(excluded.likedNothing, "user")} of ${whole(tested)} who did not, left out`,
      next: "Nothing can be said about them. If they are many, test on a longer part.",
    });
  }
  if (unlisted > 0) {
    found.push({
      check: "evaluate.unlisted-users",
      severity: unlisted / users > 0.01 ? "warn" : "info",
      owner,
      expected: "a list for every user who is judged",
      found: `${counted(unlisted, "user")} of ${whole(users)} without one; their quality counts as 0`,
      next: "Add a source that knows everybody, such as popularity.",
    });
  }
  if (holdout.correctedFor > 1) {
    found.push({
      check: "evaluate.looks",
      severity: "warn",
      expected: "test rows that nothing else was judged on",
      found: `look ${holdout.number} of ${holdout.correctedFor} at these rows, "${holdout.justification}": every interval is at ${percent(level)} instead of ${percent(holdout.nominalLevel)} (Bonferroni)`,
      next: "The correction covers what was settled before the first look. Judge the next one on rows that nobody has seen.",
    });
  }
  return found;
};

/** Findings of lists against the baseline. */
export const listFindings = (
  evaluation: ListEvaluation,
  owner: string,
): ReadonlyArray<Finding.Finding> => commonFindings(evaluation, owner);

/** Findings of a candidate inside a system. */
export const systemFindings = (
  evaluation: SystemEvaluation,
  owner: string,
): ReadonlyArray<Finding.Finding> => {
  const { sources, candidate, system, unit } = evaluation;
  const vanished = sources.filter(
    ({ alone, inside }) =>
      (alone.difference.interval?.lower ?? 0) > 0 && (inside.difference.interval?.lower ?? 0) <= 0,
  );
  const harmful = sources.filter(({ inside }) => (inside.difference.interval?.upper ?? 0) < 0);
  return [
    ...commonFindings(evaluation, owner),
    ...vanished.map(({ source, alone, inside }) => ({
      check: `evaluate.gain-vanishes.${source}`,
      severity: source === candidate ? ("warn" as const) : ("info" as const),
      owner,
      expected: `what "${source}" gains alone (${measured(alone.difference)} ${unit}) to show inside "${system}"`,
      found: `${measured(inside.difference)}, which may be nothing`,
      next:
        source === candidate
          ? "Making its own lists better will not make the product better: work on what the other sources miss, or on the merge."
          : "The system may be simpler without it: judge that as a candidate of its own.",
    })),
    ...harmful.map(({ source, inside }) => ({
      check: `evaluate.harmful-source.${source}`,
      severity: "warn" as const,
      owner,
      expected: `"${source}" to cost "${system}" nothing`,
      found: `${measured(inside.difference)} ${unit}: the system is better without it`,
      next: "Give it less weight, or leave it out, unless it is there for another purpose, such as novelty.",
    })),
  ];
};
