/** Training in process: estimators on typed arrays, and the stages around them. */
export * as BoostedTrees from "./BoostedTrees.ts";
export * as Factorisation from "./recommend/Factorisation.ts";
export * as Linear from "./Linear.ts";
export * as Space from "./Space.ts";
export * as Train from "./Train.ts";
