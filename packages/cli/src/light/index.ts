/**
 * Commands that answer at once. They are one file of the start-up bundle, loaded when one of them is
 * asked for: several files would take longer to find than to read.
 */
export { diff } from "./diff.ts";
export { dump } from "./dump.ts";
export { gc } from "./gc.ts";
export { holdout } from "./holdout.ts";
export { keep } from "./keep.ts";
export { lineage } from "./lineage.ts";
export { logs } from "./logs.ts";
export { runs } from "./runs.ts";
export { showRun } from "./showRun.ts";
export { status } from "./status.ts";
