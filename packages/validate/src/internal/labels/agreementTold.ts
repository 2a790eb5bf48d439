/** What the agreement stage tells: findings and exhibits. */
import type { Exhibit, Finding } from "@ml-pipe/core";
import { Agreement, type Consensus, Interval, Words } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import type { Read } from "./ratings.ts";

const { counted, number, percent, whole } = Words;

/** What was found about the annotators as a whole. */
export const AgreementReport = Schema.Struct({
  items: Schema.Int,
  annotators: Schema.Int,
  ratings: Schema.Int,
  classes: Schema.Array(Schema.String),
  /** Items that more than one annotator rated. */
  overlapping: Schema.Int,
  /** Null where it could not be computed: no overlap, one class. */
  alpha: Schema.NullOr(Schema.Finite),
  interval: Schema.NullOr(Interval.Interval),
  measurement: Schema.Literals(["nominal", "ordinal", "interval", "ratio"]),
  /** Items whose consensus is tied: a person should decide. */
  tied: Schema.Int,
}).annotate({ title: "AgreementReport" });
/** See {@link AgreementReport}. */
export type AgreementReport = typeof AgreementReport.Type;

/** Findings about the table that was read. */
export const readFindings = (
  { ratings, repeated }: Read,
  {
    item,
    annotator,
    label,
    owner,
    rows,
  }: {
    readonly item: string;
    readonly annotator: string;
    readonly label: string;
    readonly owner: string;
    readonly rows: number;
  },
): ReadonlyArray<Finding.Finding> => {
  const missing = rows - repeated - ratings.item.length;
  return [
    ...(missing === 0
      ? []
      : [
          {
            check: "ratings.complete",
            severity: "warn" as const,
            owner,
            expected: `${item}, ${annotator} and ${label} in every row`,
            found: `${counted(missing, "row")} without one of them (${percent(missing / rows)}), left out`,
            rows: missing,
            next: `Ask ${owner} whether these were skipped or lost.`,
          },
        ]),
    ...(repeated === 0
      ? []
      : [
          {
            check: "ratings.once",
            severity: "warn" as const,
            owner,
            expected: "one rating of an item by an annotator",
            found: `${counted(repeated, "rating")} that the same annotator gave again; the last one of each counts`,
            rows: repeated,
            next: "Keep the rating that is meant, if it is not the last one in the table.",
          },
        ]),
  ];
};

/** Findings about what the ratings say. */
export const agreementFindings = (
  { alpha, interval, items, overlapping, tied }: AgreementReport,
  why: string,
  owner: string,
): ReadonlyArray<Finding.Finding> => {
  const found: Array<Finding.Finding> = [];
  const expected = `Krippendorff's alpha of at least ${Agreement.reliable} (at least ${Agreement.tentative} for tentative conclusions)`;
  if (alpha === null) {
    found.push({
      check: "labels.agreement",
      severity: "warn",
      owner,
      expected,
      found: `could not run: ${why}`,
      next: "Do not rely on these labels before it can be computed.",
    });
  } else if (alpha < Agreement.reliable) {
    const range =
      interval === null ? "" : ` (${number(interval.lower)} to ${number(interval.upper)})`;
    found.push({
      check: "labels.agreement",
      severity: "warn",
      owner,
      expected,
      found: `${number(alpha)}${range} on ${counted(overlapping, "item")} of ${whole(items)}`,
      next:
        alpha < Agreement.tentative
          ? "Do not train on these labels yet: make the instructions clearer where annotators differ, and annotate again."
          : "Look at the items on which annotators differ before you rely on the labels.",
    });
  }
  if (tied > 0) {
    found.push({
      check: "labels.consensus",
      severity: "warn",
      owner,
      expected: "one label that is better than any other, for each item",
      found: `${counted(tied, "item")} with two labels that are equally good`,
      rows: tied,
      next: "Have a person decide these: they are marked as tied.",
    });
  }
  return found;
};

/** All numbers of the report. */
export const summary = (report: AgreementReport): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Annotator agreement",
  caption: `Krippendorff's alpha, ${report.measurement}`,
  columns: ["what", "value"],
  rows: [
    ["alpha", report.alpha === null ? null : number(report.alpha)],
    [
      "interval",
      report.interval === null
        ? null
        : `${number(report.interval.lower)} to ${number(report.interval.upper)} (${percent(report.interval.level)})`,
    ],
    ["items", report.items],
    ["rated more than once", report.overlapping],
    ["annotators", report.annotators],
    ["ratings", report.ratings],
    ["tied", report.tied],
  ],
});

/** How many rows a table shows. */
const shown = 20;

/** The annotators, the least accurate first. */
export const annotatorExhibit = (
  annotators: ReadonlyArray<Consensus.AnnotatorQuality>,
  names: ReadonlyArray<string>,
): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Annotators",
  caption: `the least accurate by Dawid and Skene first${annotators.length > shown ? `; ${shown} of ${annotators.length}` : ""}`,
  columns: ["annotator", "ratings", "accuracy", "agrees with others"],
  rows: annotators
    .toSorted((a, b) => a.accuracy - b.accuracy || a.annotator - b.annotator)
    .slice(0, shown)
    .map(({ annotator, ratings, accuracy, agreesWithOthers }) => [
      names[annotator] ?? null,
      ratings,
      percent(accuracy),
      agreesWithOthers === null ? null : percent(agreesWithOthers),
    ]),
});

/** The pairs, those who agree least first. */
export const pairExhibit = (
  pairs: ReadonlyArray<Agreement.PairAgreement>,
  names: ReadonlyArray<string>,
): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Pairs of annotators",
  caption: `those who agree least first${pairs.length > shown ? `; ${shown} of ${pairs.length}` : ""}`,
  columns: ["one", "other", "items", "same label", "Cohen's kappa"],
  rows: pairs
    .toSorted((a, b) => (a.kappa ?? 1) - (b.kappa ?? 1) || a.first - b.first || a.second - b.second)
    .slice(0, shown)
    .map(({ first, second, items, observed, kappa }) => [
      names[first] ?? null,
      names[second] ?? null,
      items,
      percent(observed),
      kappa === null ? null : number(kappa),
    ]),
});
