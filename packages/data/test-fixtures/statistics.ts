// For tests only: comparing numbers with a reference, and the reference itself.
import { assert } from "@effect/vitest";
import * as Result from "effect/Result";
import fixture from "./statistics.json" with { type: "json" };
import type { StatisticsError, StatisticsReason } from "../src/statistics/StatisticsError.ts";

/** scikit-learn, SciPy and others on generated inputs: see statistics.py. */
export const reference = fixture;

/** Equal up to `tolerance`, relative for numbers above 1. */
export const close = (found: number, expected: number, tolerance = 1e-12, what = ""): void => {
  const allowed = tolerance * Math.max(1, Math.abs(expected));
  assert.isTrue(
    Math.abs(found - expected) <= allowed,
    `${what} found ${found}, the reference says ${expected}`,
  );
};

export const allClose = (
  found: ArrayLike<number>,
  expected: ReadonlyArray<number>,
  tolerance = 1e-12,
): void => {
  assert.strictEqual(found.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    close(found[i] ?? NaN, expected[i] ?? NaN, tolerance, `[${i}]`);
};

export const value = <A>(result: Result.Result<A, StatisticsError>): A => Result.getOrThrow(result);

/** Failed for this reason, at this index if given, with advice in the message. */
export const fails = (
  result: Result.Result<unknown, StatisticsError>,
  reason: StatisticsReason,
  index?: number,
): void => {
  if (Result.isSuccess(result)) {
    assert.fail(`expected the error ${reason}, found ${String(result.success)}`);
    return;
  }
  assert.strictEqual(result.failure.reason, reason, result.failure.message);
  assert.match(result.failure.message, /^\w+: .+\. [A-Z].+$/);
  if (index !== undefined) assert.strictEqual(result.failure.index, index);
};
