/** What every stage package shares about data. */
export * as Duckdb from "./Duckdb.ts";
export * as Estimator from "./Estimator.ts";
export * as Expr from "./Expr.ts";
export * as Features from "./Features.ts";
export * as FeatureSet from "./FeatureSet.ts";
export * as History from "./History.ts";
export * as Model from "./Model.ts";
export * as Release from "./Release.ts";
export * as Rule from "./Rule.ts";
export * as Split from "./Split.ts";
export * as Classification from "./statistics/Classification.ts";
export * as Cost from "./statistics/Cost.ts";
export * as Distribution from "./statistics/Distribution.ts";
export * as Drift from "./statistics/Drift.ts";
export * as Interval from "./statistics/Interval.ts";
export { StatisticsError, StatisticsReason } from "./statistics/StatisticsError.ts";
export * as Table from "./Table.ts";
