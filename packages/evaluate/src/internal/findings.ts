/** What an evaluation says beside its verdict, for the person who must act on it. */
import type { Finding } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { Evaluation, Judgement } from "../Evaluation.ts";
import type { Audit } from "../LeakageAudit.ts";
import type { SliceColumn } from "./slices.ts";

const { counted, number, percent, whole } = Words;

/** Blocks below which a percentile interval is too narrow: see `Interval.blockBootstrap`. */
const fewBlocks = 10;

/** The findings of an evaluation, whatever is predicted. */
export const findingsOf = (
  evaluation: Judgement,
  columns: ReadonlyArray<SliceColumn>,
  { minSliceRows, owner }: { readonly minSliceRows: number; readonly owner: string },
): ReadonlyArray<Finding.Finding> => {
  const { excluded, rows, unit, level, holdout, slices } = evaluation;
  const left = excluded.unlabelled + excluded.undated;
  const found: Array<Finding.Finding> = [];
  if (left > 0) {
    const share = left / (left + rows);
    found.push({
      check: "evaluate.outcome-known",
      severity: share > 0.01 ? "warn" : "info",
      column: "label",
      owner,
      expected: "an outcome and a decision time for every test row",
      found: `${counted(excluded.unlabelled, "row")} without an outcome and ${whole(excluded.undated)} without a decision time (${percent(share)}), left out`,
      rows: left,
      next: "Find out whether their outcomes differ from the others': if so, the evaluation is biased.",
    });
  }
  if (holdout.correctedFor > 1) {
    found.push({
      check: "evaluate.looks",
      severity: "warn",
      expected: "test rows that no other model was judged on",
      found: `look ${holdout.number} of ${holdout.correctedFor} at these rows, "${holdout.justification}": every interval is at ${percent(level)} instead of ${percent(holdout.nominalLevel)} (Bonferroni)`,
      rows,
      next: "The correction covers models that were settled before the first look. Judge the next one on rows that nobody has seen.",
    });
  }
  const { by, count } = evaluation.blocks;
  if (count < fewBlocks) {
    found.push({
      check: "evaluate.blocks",
      severity: "warn",
      expected: `decisions on at least ${fewBlocks} ${by}s`,
      found: `${counted(count, by)}, from which intervals come out too narrow`,
      rows,
      next: `Test on more ${by}s, or read the verdict with care.`,
    });
  }
  for (const { column, small, values } of columns) {
    if (small.values === 0) continue;
    found.push({
      check: `evaluate.slices.${column}`,
      severity: "info",
      column,
      expected: `at least ${whole(minSliceRows)} rows for each value`,
      found: `${counted(small.values, "value")} not judged on ${small.values === 1 ? "its" : "their"} own, besides ${values.length} that are`,
      rows: small.rows,
      next: "Lower minSliceRows, or test on a longer period, if these matter.",
    });
  }
  for (const { column, value, rows: sliceRows, gain } of slices.filter(({ worse }) => worse)) {
    found.push({
      check: `evaluate.slice.${column}`,
      severity: "warn",
      column,
      expected: `no ${column} where the model is worse than the baseline`,
      found: `${value ?? "(missing)"}: it costs ${number(-gain.estimate)} ${unit} more (interval ${number(-(gain.interval?.upper ?? 0))} to ${number(-(gain.interval?.lower ?? 0))}, ${percent(level)} for all ${slices.length} slices together)`,
      rows: sliceRows,
      next: `Keep the baseline for this ${column}, or find out what the features miss there.`,
    });
  }
  return found;
};

/** A model that costs as much as the same answer for every row tells them apart in vain. */
export const constantFinding = (
  { cost, unit }: Pick<Judgement, "cost" | "unit">,
  { answer, costs }: { readonly answer: string; readonly costs: number },
): ReadonlyArray<Finding.Finding> =>
  cost.model.estimate < costs
    ? []
    : [
        {
          check: "evaluate.better-than-trivial",
          severity: "warn",
          expected: `the model to cost less than ${answer} (${number(costs)} ${unit})`,
          found: `${number(cost.model.estimate)} ${unit}`,
          next: "The predictions do not tell rows apart enough for these costs: add features, or check the costs.",
        },
      ];

/** A model of decisions that costs as much as deciding the same every time. */
export const trivialFinding = (evaluation: Evaluation): ReadonlyArray<Finding.Finding> => {
  const { neverAct, alwaysAct } = evaluation.cost;
  const which = neverAct.estimate <= alwaysAct.estimate ? "never" : "always";
  return constantFinding(evaluation, {
    answer: `${which} acting`,
    costs: Math.min(neverAct.estimate, alwaysAct.estimate),
  });
};

const severities = {
  noted: "warn",
  "not-run": "warn",
  suspected: "fail",
  accepted: "info",
} as const;

/** The findings of an audit: what was not simply clear. Repeated use of the rows is said by the evaluation. */
export const auditFindings = ({ results }: Audit): ReadonlyArray<Finding.Finding> =>
  results.flatMap(({ kind, check, outcome, columns, expected, found, next, rows }) => {
    if (outcome === "clear" || outcome === "not-applicable" || kind === "R") return [];
    const [column] = columns;
    return [
      {
        check,
        severity: severities[outcome],
        ...(column === undefined ? {} : { column }),
        expected: `${expected} (${kind})`,
        found,
        ...(rows === undefined ? {} : { rows }),
        next,
      },
    ];
  });
