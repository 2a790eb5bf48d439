/** Illegitimate features (L2) and what was fitted on the wrong rows (L1.2). */
import { Duckdb, Expr, type FeatureSet, type Model, Transform, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { AuditResult, FeaturePower } from "../../LeakageAudit.ts";
import { importanceOf } from "../leakage.ts";
import { type Facts, type FeatureFacts, meansOf } from "./facts.ts";

const { counted, number, percent } = Words;

/** Limits from which something is said; each is a default of a peer or named in docs/leakage.md. */
const featureLimits = {
  /**
   * ROC AUC of one feature alone from which it is suspected to be the outcome in disguise. What is honest
   * tells a number or a class apart more often than a yes/no outcome: an order of last week, a petal's length.
   */
  suspiciousAuc: { boolean: 0.95, number: 0.99, text: 0.99 },
  /** Rows of the rarer outcome below which a high ROC AUC is noted, not suspected. */
  minPerClass: 30,
  /** Share of different values from which whole numbers look like an identifier (mlw: 0.95). */
  identifierShare: 0.95,
  /** Lower limit of the ROC AUC from which an identifier that tells the outcome is suspected. */
  identifierAuc: 0.6,
  /** Share of the gain that one feature holds, from which it is said. */
  dominantShare: 0.9,
  /** Change of a feature's ROC AUC from train to test from which it is said (deepchecks: 0.2). */
  change: 0.2,
} as const;

const list = (names: ReadonlyArray<string>): string => names.map((name) => `"${name}"`).join(", ");

/** The columns that a feature reads as they are; not those of histories and lookups, which know their time. */
const directColumns = (ast: Expr.Ast): ReadonlyArray<string> => {
  switch (ast._tag) {
    case "column":
      return ast.of === undefined ? [ast.name] : [];
    case "literal":
      return [];
    case "call":
      return ast.args.flatMap(directColumns);
    case "history":
      return ast.by;
  }
};

/** When the columns that features read are known, as the contract has it. */
export const availability = (spec: FeatureSet.FeatureSetSpec): AuditResult => {
  const { columns } = spec.source;
  const late = spec.features.filter(({ expr }) =>
    directColumns(expr).some((name) => columns[name]?.availableAt !== "decision"),
  );
  const labelColumns = [...Expr.columnsOf(spec.label)];
  const shared = spec.features.filter(({ expr }) =>
    directColumns(expr).some((name) => labelColumns.includes(name)),
  );
  const allEarly = labelColumns.every((name) => columns[name]?.availableAt === "decision");
  const histories = spec.features.filter(({ expr }) => Expr.historiesOf(expr).length > 0).length;
  const bad = [...new Set([...late, ...(allEarly ? shared : [])])].map(({ name }) => name);
  return {
    kind: "L2",
    check: "leakage.availability",
    outcome: bad.length > 0 ? "suspected" : "clear",
    columns: bad,
    expected: "features that read only what is known at the decision, and not what the label reads",
    found:
      bad.length > 0
        ? `${list(bad)}, which ${bad.length === 1 ? "reads" : "read"} ${late.length > 0 ? "columns that are known only after the decision" : "the label's own columns, which the contract says are known at the decision"}`
        : `${counted(spec.features.length, "feature")} from columns that the contract says are known at the decision${histories > 0 ? `, ${histories} of them histories of outcomes known by then` : ""}`,
    next:
      bad.length > 0
        ? `Mark the columns of the outcome availableAt "outcome" in the contract of ${spec.source.owner}, and remove the features or take their history.`
        : `Ask ${spec.source.owner} whether the contract is right about each column.`,
  };
};

const suspiciousName =
  /(?:^|_)(?:future|outcome|result|target|label|after|post|closed|resolved|final|actual|ended|returned|refunded|churned|cancelled|canceled|defaulted)(?:_|$)/;

/** Features and columns whose names speak of the outcome. */
export const names = (spec: FeatureSet.FeatureSetSpec): AuditResult => {
  const snake = (name: string): string =>
    name.replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, "$1_$2").toLowerCase();
  const found = spec.features.flatMap(({ name, expr }) =>
    [name, ...directColumns(expr)].some((one) => suspiciousName.test(snake(one))) ? [name] : [],
  );
  return {
    kind: "L2",
    check: "leakage.names",
    outcome: found.length === 0 ? "clear" : "noted",
    columns: found,
    expected: "no feature named after what happens later",
    found: found.length === 0 ? "none" : list(found),
    next:
      found.length === 0
        ? "Nothing to do."
        : `Find out when ${list(found)} ${found.length === 1 ? "is" : "are"} known; if only after the decision, say so in the contract.`,
  };
};

/** What the outcome is taken to be. */
const about = {
  boolean: "",
  number: " (of being above their median)",
  text: " (mean of each frequent class against the rest)",
} as const;

/** Features that alone nearly tell the outcome. */
export const single = (
  power: ReadonlyArray<FeaturePower>,
  facts: Facts,
): ReadonlyArray<AuditResult> => {
  const limit = featureLimits.suspiciousAuc[facts.outcome.kind];
  const expected = `no feature that alone reaches a ROC AUC of ${limit} on the train rows${about[facts.outcome.kind]}`;
  const rarer = Math.min(facts.positives, facts.labelled - facts.positives);
  const base = { kind: "L2", check: "leakage.single-feature", expected } as const;
  const [best] = power;
  if (best === undefined) {
    return [
      {
        ...base,
        outcome: "not-run",
        columns: [],
        found: "no feature that has values on train rows of both outcomes",
        next: "Train and test on rows in which both outcomes occur.",
      },
    ];
  }
  const strong = power.filter(({ rocAuc }) => rocAuc >= limit);
  const judged = new Set(power.map(({ feature }) => feature));
  const empty = [...facts.features.keys()].filter((feature) => !judged.has(feature));
  if (strong.length === 0) {
    return [
      {
        ...base,
        outcome: empty.length === 0 ? "clear" : "noted",
        columns: empty,
        found: `at most ${number(best.rocAuc)}${intervalText(best)}, of "${best.feature}"${empty.length === 0 ? "" : `; not judged, for want of values: ${list(empty)}`}`,
        next:
          empty.length === 0
            ? "Nothing to do."
            : `Find out why ${list(empty)} ${empty.length === 1 ? "has" : "have"} no values on the train rows, or remove what the model cannot use.`,
      },
    ];
  }
  return strong.map((one) => ({
    ...base,
    outcome: rarer < featureLimits.minPerClass ? "noted" : "suspected",
    columns: [one.feature],
    found: `"${one.feature}" alone reaches ${number(one.rocAuc)}${intervalText(one)}`,
    next: `Find out when "${one.feature}" is known. If only after the decision, mark its column availableAt "outcome" and remove the feature, or take its history. If it really is known at the decision, say so in leakage.accepted, and ask whether the task needs a model.`,
  }));
};

const intervalText = ({ interval }: FeaturePower): string =>
  interval === null
    ? " (it separates the outcomes perfectly)"
    : ` (95 % interval ${number(interval[0])} to ${number(interval[1])})`;

/** Features that look like a row's number or name. */
export const identifiers = (
  power: ReadonlyArray<FeaturePower>,
  facts: Facts,
): ReadonlyArray<AuditResult> => {
  const expected = "no feature that numbers or names rows";
  const found = [...facts.features].flatMap(([feature, one]) => {
    const why = identifierReason(one);
    if (why === undefined) return [];
    const auc = power.find((other) => other.feature === feature);
    const tells = (auc?.interval?.[0] ?? auc?.rocAuc ?? 0) >= featureLimits.identifierAuc;
    const result: AuditResult = {
      kind: "L2",
      check: "leakage.identifier",
      outcome: tells ? "suspected" : "noted",
      columns: [feature],
      expected,
      found: `"${feature}": ${why}${tells ? `, and it tells the outcome (ROC AUC ${number(auc?.rocAuc ?? 0)})` : ""}`,
      next: `Remove "${feature}" from the features: an identifier only says which row it is, or in which order rows were recorded.`,
    };
    return [result];
  });
  return found.length > 0
    ? found
    : [
        {
          kind: "L2",
          check: "leakage.identifier",
          outcome: "clear",
          columns: [],
          expected,
          found: "none",
          next: "Nothing to do.",
        },
      ];
};

const identifierReason = (one: FeatureFacts): string | undefined => {
  const { all } = one;
  if (all === undefined || all.values < 100) return undefined;
  const share = Math.min(1, all.distinct / all.values);
  if (Math.abs(one.withOrder) > 0.999 && share > featureLimits.identifierShare) {
    return "it grows with the position of the row";
  }
  if (!one.whole || share < featureLimits.identifierShare) return undefined;
  const gapless = Math.abs(all.most - all.least + 1 - all.values) <= 0.01 * all.values;
  return gapless
    ? "whole numbers without gaps, one for each row"
    : `whole numbers, about ${percent(share)} of them different`;
};

/** One feature that holds nearly all of the gain. */
export const concentrated = (estimator: Model.AnyEstimator, facts: Facts): AuditResult => {
  const importance = importanceOf(estimator);
  const varied = [...facts.features.values()].filter(({ sd }) => sd > 0).length;
  const expected = `no feature with more than ${percent(featureLimits.dominantShare)} of the model's gain`;
  const [first] = importance;
  const base = { kind: "L2", check: "leakage.concentrated-gain", expected } as const;
  if (estimator._tag === "OnnxModel") {
    return {
      ...base,
      outcome: "noted",
      columns: [],
      found: "a model in ONNX, which does not say what it gains by which feature",
      next: "Look at what it decides by: Evaluate.explain permutes the features of any model.",
    };
  }
  if (first === undefined || varied < 2) {
    return {
      ...base,
      outcome: "not-applicable",
      columns: [],
      found: first === undefined ? "a model that uses no feature" : "one feature that varies",
      next: "Nothing to do.",
    };
  }
  const dominant = first.share > featureLimits.dominantShare;
  return {
    ...base,
    outcome: dominant ? "noted" : "clear",
    columns: dominant ? [first.feature] : [],
    found: `"${first.feature}" holds ${percent(first.share)}`,
    next: dominant
      ? `Find out why "${first.feature}" is enough, and when it is known.`
      : "Nothing to do.",
  };
};

/** Features that say something else on the test rows than on the train rows. */
export const changed = (power: ReadonlyArray<FeaturePower>): AuditResult => {
  const found = power.filter(
    ({ rocAuc, onTest }) => onTest !== null && Math.abs(rocAuc - onTest) >= featureLimits.change,
  );
  const judged = power.filter(({ onTest }) => onTest !== null).length;
  return {
    kind: "L2",
    check: "leakage.changed-association",
    outcome: judged === 0 ? "not-run" : found.length === 0 ? "clear" : "noted",
    columns: found.map(({ feature }) => feature),
    expected: `features that say as much on test as on train (ROC AUC alone within ${featureLimits.change})`,
    found:
      judged === 0
        ? "no feature with values on test rows of both outcomes"
        : found.length === 0
          ? `${counted(judged, "feature")} within it`
          : found
              .map(
                ({ feature, rocAuc, onTest }) =>
                  `"${feature}": ${number(rocAuc)} on train, ${number(onTest ?? 0)} on test`,
              )
              .join("; "),
    next:
      judged === 0
        ? "Evaluate on rows in which both outcomes occur."
        : found.length === 0
          ? "Nothing to do."
          : "Find out whether it was computed from the outcome in one of the periods, or whether it drifts.",
  };
};

/** Whether a linear model standardises by what only the train rows say. */
export const fittedOn = Effect.fnUntraced(function* (
  model:
    | {
        readonly estimator: Model.AnyEstimator;
        readonly transform: Transform.Fitted | undefined;
        readonly group: string | undefined;
      }
    | undefined,
  train: Facts,
  test: Facts,
): Effect.fn.Return<AuditResult, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const base = {
    kind: "L1.2",
    check: "leakage.fitted-on",
    expected: "what is fitted to follow from the train rows alone",
  } as const;
  if (model?.estimator._tag === "OnnxModel") {
    const result: AuditResult = {
      ...base,
      outcome: "noted",
      columns: [],
      found: "a model in ONNX, whose constants may be fitted on any rows",
      next: "Check that the program that trained it was given the train part and nothing else.",
    };
    return result;
  }
  if (model?.estimator._tag !== "LinearModel") {
    const result: AuditResult = {
      ...base,
      outcome: "clear",
      columns: [],
      found: "nothing that standardises by rows; the model was trained on exactly the train table",
      next: "Nothing to do.",
    };
    return result;
  }
  const { transform, group } = model;
  const { features, mean, sd } = model.estimator;
  const columns = features.map((feature) => `CAST(${Duckdb.identifier(feature)} AS DOUBLE)`);
  const own = yield* meansOf(
    train,
    transform === undefined ? columns : Transform.selectSql(transform, { group }),
  );
  const others = yield* meansOf(
    test,
    transform === undefined ? columns : Transform.selectSql(transform),
  );
  const pooled = features.filter((_, index) => {
    const [one, other, by, unit] = [own[index], others[index], mean[index], sd[index]];
    if (one === undefined || other === undefined || by === undefined || unit === undefined)
      return false;
    const both = (one.mean * one.values + other.mean * other.values) / (one.values + other.values);
    const near = (value: number) => Math.abs(by - value) <= 1e-6 * unit;
    return near(both) && !near(one.mean);
  });
  const result: AuditResult = {
    ...base,
    outcome: pooled.length === 0 ? "clear" : "suspected",
    columns: pooled,
    found:
      pooled.length === 0
        ? "no feature that is standardised by the mean of train and test together"
        : `${list(pooled)} standardised by the mean of train and test together`,
    next:
      pooled.length === 0
        ? "Nothing to do."
        : "Fit the transformation on the train part, and train again.",
  };
  return result;
});
