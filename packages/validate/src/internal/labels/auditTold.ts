/** What an audit of labels tells: findings, and exhibits of what it saw. */
import type { Exhibit, Finding } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { LabelAudit } from "../../LabelAudit.ts";
import type { NearDuplicates } from "./nearDuplicates.ts";
import type { NearTexts } from "./nearTexts.ts";
import type { SameFeatures } from "./sameFeatures.ts";

const { counted, number, percent, whole } = Words;

/** What is told beside the numbers. */
export interface Told {
  readonly owner: string;
  readonly same: SameFeatures;
  readonly near: NearDuplicates | undefined;
  readonly texts: ReadonlyArray<NearTexts>;
  readonly eventTime: string | undefined;
  readonly minBalance: number;
  readonly maxDrift: number;
}

/** The findings, the most harmful kinds first. */
export const auditFindings = (audit: LabelAudit, told: Told): ReadonlyArray<Finding.Finding> => [
  ...missing(audit, told),
  ...balance(audit, told),
  ...conflicts(audit, told),
  ...duplicates(audit, told),
  ...near(audit, told),
  ...told.texts.flatMap((texts) => nearText(audit, texts, told)),
  ...drift(audit, told),
];

const missing = ({ missing, rows, label }: LabelAudit, { owner }: Told) =>
  missing === 0
    ? []
    : [
        {
          check: "labels.missing",
          severity: missing > 0.01 * rows ? ("warn" as const) : ("info" as const),
          column: label,
          owner,
          expected: `a ${label} in every row`,
          found: `${counted(missing, "row")} without one (${percent(missing / rows)})`,
          rows: missing,
          next: "Find out whether they are missing at random: if not, what is learned from the others does not hold for them.",
        },
      ];

const balance = (
  { classes, label, effectiveClasses }: LabelAudit,
  { owner, minBalance }: Told,
): ReadonlyArray<Finding.Finding> => {
  const total = classes.reduce((sum, { rows }) => sum + rows, 0);
  const rarest = classes.at(-1);
  if (rarest === undefined || effectiveClasses === null) return [];
  if (classes.length === 1) {
    return [
      {
        check: "labels.balance",
        severity: "fail",
        column: label,
        owner,
        expected: "two classes at least",
        found: `${rarest.label} in all ${counted(total, "row")}`,
        rows: total,
        next: "Nothing can be learned from one class: check the label's definition and the filters before.",
      },
    ];
  }
  const least = minBalance / classes.length;
  return rarest.rows >= least * total
    ? []
    : [
        {
          check: "labels.balance",
          severity: "warn",
          column: label,
          owner,
          expected: `a share of at least ${percent(least)} for each class`,
          found: `${percent(rarest.rows / total)} for ${rarest.label}; ${number(effectiveClasses)} effective classes of ${classes.length}`,
          rows: rarest.rows,
          next: "Judge by costs or by precision and recall, not by accuracy, and see that every part of the split has enough of it.",
        },
      ];
};

const conflicts = ({ conflicts, rows, missing, label, features }: LabelAudit, told: Told) =>
  conflicts.groups === 0
    ? []
    : [
        {
          check: "labels.conflicts",
          severity: "warn" as const,
          column: label,
          owner: told.owner,
          expected: `one ${label} for the same ${features.length <= 4 ? features.join(", ") : `${features.length} features`}`,
          found: `${counted(conflicts.rows, "row")} (${percent(conflicts.rows / (rows - missing))}) in ${counted(conflicts.groups, "group")} with different ones; any model of these features gets ${counted(conflicts.irreducible, "row")} wrong`,
          rows: conflicts.rows,
          sample: [...told.same.conflicts.sample],
          next: "Look at the examples: a label is wrong, or a feature that tells these rows apart is missing.",
        },
      ];

const duplicates = ({ duplicates, rows, missing }: LabelAudit, { owner, same }: Told) =>
  duplicates.rows === 0
    ? []
    : [
        {
          check: "labels.duplicates",
          severity:
            duplicates.rows > 0.01 * (rows - missing) ? ("warn" as const) : ("info" as const),
          owner,
          expected: "no two rows with the same features and label",
          found: `${counted(duplicates.rows, "row")} (${percent(duplicates.rows / (rows - missing))}) that repeat ${counted(duplicates.groups, "other")}`,
          rows: duplicates.rows,
          sample: [...same.duplicates.sample],
          next: "Remove them before the split, or split by a group that keeps them together: else a model is judged on what it has seen.",
        },
      ];

const near = (audit: LabelAudit, { owner, near }: Told): ReadonlyArray<Finding.Finding> => {
  if (near === undefined) return [];
  const check = "labels.near-duplicates";
  const expected = "no more rows that are nearly the same than by chance";
  if (near._tag === "could not run") {
    return [
      {
        check,
        severity: "info",
        owner,
        expected,
        found: `could not run: ${near.why}`,
        next: "Name number columns as features, or switch it off.",
      },
    ];
  }
  const labelled = audit.rows - audit.missing;
  const bound = [
    ...(near.rows < labelled
      ? [`${whole(near.rows)} of ${whole(labelled)} rows were compared`]
      : []),
    ...(near.complete ? [] : ["not all pairs were looked at"]),
  ];
  // More than chance gives: three standard deviations of a count.
  const tooMany = near.near > near.expected + 3 * Math.sqrt(near.expected);
  if (!tooMany && bound.length === 0) return [];
  const pairs = near.pairs.map(([a, b]) => `${a} and ${b}`).slice(0, 3);
  return [
    {
      check,
      severity: tooMany ? "warn" : "info",
      owner,
      expected,
      found: [
        !tooMany
          ? "no more than chance gives"
          : `${counted(near.near, "row")} (such as ${pairs.join("; ")}), ${counted(near.conflicting, "pair")} of them with different labels, where chance gives ${counted(near.expected, "row")}`,
        ...bound,
      ].join("; "),
      rows: near.near,
      ...(near.pairs.length === 0 ? {} : { sample: [...new Set(near.pairs.flat())].slice(0, 5) }),
      next: !tooMany
        ? "Raise maxRows to compare more."
        : "Keep them in one part of the split; where their labels differ, one is probably wrong.",
    },
  ];
};

const nearText = (
  audit: LabelAudit,
  { column, compared, rows, conflicting, pairs }: NearTexts,
  { owner }: Told,
): ReadonlyArray<Finding.Finding> => {
  const bound =
    compared < audit.rows - audit.missing ? `; ${whole(compared)} texts were compared` : "";
  if (rows === 0 && bound === "") return [];
  const examples = pairs.slice(0, 3).map(([a, b]) => `${a} and ${b}`);
  return [
    {
      check: "labels.near-duplicates",
      severity: rows > 0 ? "warn" : "info",
      column,
      owner,
      expected: "no texts that are nearly the same (four fifths of their pieces)",
      found:
        rows === 0
          ? `none${bound}`
          : `${counted(rows, "text")} (such as ${examples.join("; ")}), ${counted(conflicting, "pair")} with different labels${bound}`,
      rows,
      ...(pairs.length === 0 ? {} : { sample: [...new Set(pairs.flat())].slice(0, 5) }),
      next:
        rows === 0
          ? "Nothing to do for these; the other texts were not looked at."
          : "Keep them in one part of the split; where their labels differ, one is probably wrong.",
    },
  ];
};

const drift = (
  { drift, label, classes }: LabelAudit,
  { owner, maxDrift, eventTime }: Told,
): ReadonlyArray<Finding.Finding> => {
  if (eventTime === undefined) return [];
  const judged = drift.filter((one) => one.drift !== null);
  const check = "labels.drift";
  const expected = `labels of a period that differ by less than ${number(maxDrift)} from those before (${statisticOf(classes)})`;
  if (judged.length === 0) {
    const why =
      drift.length === 0
        ? "the label is neither a class nor a number, or no row has a time"
        : "there are not two periods with enough rows";
    return [
      {
        check,
        severity: "info",
        column: label,
        owner,
        expected,
        found: `could not run: ${why}`,
        next: "Choose shorter periods, or a longer stretch of time.",
      },
    ];
  }
  const drifted = judged.filter((one) => (one.drift ?? 0) >= maxDrift);
  const [worst] = drifted.toSorted((a, b) => (b.drift ?? 0) - (a.drift ?? 0));
  if (worst === undefined) return [];
  return [
    {
      check,
      severity: "warn",
      column: label,
      owner,
      expected,
      found: `${counted(drifted.length, "period")} of ${judged.length} beyond, the most from ${worst.from.toISOString().slice(0, 10)} on (${number(worst.drift ?? 0)})`,
      rows: worst.rows,
      next: `Ask ${owner} what changed then: the world, or the way outcomes are recorded.`,
    },
  ];
};

/** Numbers have no classes. */
const statisticOf = (classes: LabelAudit["classes"]): string =>
  classes.length === 0 ? "Kolmogorov–Smirnov" : "Cramér's V";

/** Class counts, examples of conflicts, drift by period. */
export const auditExhibits = (
  audit: LabelAudit,
  { same }: Told,
): ReadonlyArray<Exhibit.Exhibit> => {
  const { classes, effectiveClasses, conflicts, drift, features } = audit;
  const total = audit.rows - audit.missing;
  const exhibits: Array<Exhibit.Exhibit> = [];
  if (effectiveClasses !== null) {
    exhibits.push({
      _tag: "bar",
      title: "Labels",
      caption: `${number(effectiveClasses)} effective classes of ${classes.length}; ${whole(audit.missing)} rows without a label`,
      value: { label: "share of the labelled rows" },
      bars: classes.slice(0, 30).map(({ label, rows }) => ({ name: label, value: rows / total })),
    });
  }
  if (conflicts.groups > 0) {
    exhibits.push({
      _tag: "table",
      title: "Conflicting labels",
      caption: `the first of ${counted(conflicts.groups, "group")} of rows with the same features`,
      columns: ["first row", ...features, "labels"],
      rows: same.conflicts.examples.map(({ labels, values }) => [
        Math.min(...labels.map(({ first }) => first)),
        ...values.map((value) => (value === null ? null : value.slice(0, 60))),
        labels.map(({ label, rows }) => `${label} × ${rows}`).join(", "),
      ]),
    });
  }
  const points = drift.flatMap((one) =>
    one.drift === null ? [] : [[one.from.getTime(), one.drift] as const],
  );
  if (points.length > 0) {
    exhibits.push({
      _tag: "line",
      title: "Label drift",
      caption: "each period against all before it",
      x: { label: "from", kind: "time" },
      y: { label: statisticOf(classes) },
      series: [{ name: "labels", points: [...points], marks: true }],
    });
  }
  return exhibits;
};
