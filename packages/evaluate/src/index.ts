/** Judging a model against the charter. */
export * as Evaluate from "./Evaluate.ts";
