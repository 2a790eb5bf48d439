/** Judging a model against the charter. */
export * as Evaluate from "./Evaluate.ts";
export * as GoldenGate from "./GoldenGate.ts";
export * as InfoSheet from "./InfoSheet.ts";
export * as Leakage from "./Leakage.ts";
export * as ModelCard from "./ModelCard.ts";
export * as ModelComparison from "./ModelComparison.ts";
export * as OnePage from "./OnePage.ts";
