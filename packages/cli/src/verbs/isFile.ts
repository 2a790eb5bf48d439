import { existsSync } from "node:fs";

/** Whether an argument means a pipeline file rather than a run. */
export const isFile = (name: string): boolean => /\.[cm]?[jt]s$/.test(name) || existsSync(name);
