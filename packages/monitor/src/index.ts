/** Watching a release day by day: drift, realised cost, calibration. */
export * as Monitor from "./Monitor.ts";
