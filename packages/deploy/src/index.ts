/** Releasing a model that passed, keeping releases, and predicting with them. */
export * as Deploy from "./Deploy.ts";
export * as Predictor from "./Predictor.ts";
export * as Recording from "./Recording.ts";
export * as Registry from "./Registry.ts";
export * as Request from "./Request.ts";
export * as Serve from "./Serve.ts";
export * as ServedFeatures from "./ServedFeatures.ts";
