/** How the end of a stage becomes a status and a recorded error. */
import * as Cause from "effect/Cause";
import * as Predicate from "effect/Predicate";
import type { Failure, StageStatus } from "../Run.ts";
import { ItemsFailed } from "../stage/ItemErrors.ts";
import { isStop, isSuspension } from "./marks.ts";

/** The status of a stage that ended with this cause. */
export const statusOf = (
  cause: Cause.Cause<unknown>,
): Extract<StageStatus, "stopped" | "suspended" | "failed" | "interrupted"> => {
  if (Cause.hasInterruptsOnly(cause)) return "interrupted";
  const error = Cause.squash(cause);
  if (isSuspension(error)) return "suspended";
  return isStop(error) ? "stopped" : "failed";
};

/** The error in a form that can be recorded and shown. */
export const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  const error = Cause.squash(cause);
  if (isConfigError(error)) return { tag: error._tag, message: settingProblem(error.message) };
  if (!(error instanceof Error)) return { tag: "Unknown", message: String(error) };
  const tag = "_tag" in error ? String(error._tag) : error.name;
  const items = error instanceof ItemsFailed ? { items: error.failures } : {};
  return { tag, message: error.message, ...items };
};

const isConfigError = (
  error: unknown,
): error is { readonly _tag: "ConfigError"; readonly message: string } =>
  Predicate.isTagged(error, "ConfigError") && Predicate.hasProperty(error, "message");

/** `SchemaError(Expected string\n  at ["PGPASSWORD"])` in words; it never has the value. */
const settingProblem = (message: string): string => {
  const problem = message.replace(/^\w+\(([^]*)\)$/, "$1").replaceAll(/\s+/g, " ");
  return `a setting is missing, or of another kind: ${problem}. Set it in the environment`;
};
