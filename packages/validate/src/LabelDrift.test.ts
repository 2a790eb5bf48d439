import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { services, telling } from "../test-fixtures/tables.ts";
import * as Labels from "./Labels.ts";

const provided = Effect.provide(services());

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  label: "late",
  columns: {
    late: Column.boolean({ availableAt: "outcome", nullable: true }),
    minutes: Column.float({ availableAt: "outcome", nullable: true }),
  },
});

/** SQL of the labels of row i, before and now. */
const two = (before: string, now: string, count = 3000) => {
  const rows = (select: string) => ({
    query: `SELECT ${select} FROM range(${count}) r(i) ORDER BY i`,
  });
  return Effect.all({
    reference: Table.write(Trip, "train", rows(before)),
    current: Table.write(Trip, "test", rows(now)),
  });
};

const compared = Effect.fnUntraced(function* (
  input: Effect.Success<ReturnType<typeof two>>,
  options: Partial<Labels.LabelDriftOptions<typeof Trip, "train", "test">> = {},
) {
  const stage = Labels.drift(Trip, { reference: "train", current: "test", ...options });
  const { value, told, error } = yield* telling(stage.run(input));
  return { drift: value?.columns[0], report: value, told, error };
});

const quarter = "i % 4 = 0 AS late, (i % 100)::DOUBLE AS minutes";

describe("label drift", () => {
  it.effect("passes where the labels are alike, whatever outcomes are not known yet", () =>
    Effect.gen(function* () {
      const young =
        "if(i < 1600, NULL, i % 4 = 0) AS late, if(i < 1600, NULL, (i % 100)::DOUBLE) AS minutes";
      const input = yield* two(quarter, young);
      const { drift, report, told } = yield* compared(input);
      assert.strictEqual(report?.columns.length, 1);
      assert.deepInclude(drift, { column: "late", method: "cramers-v", outcome: "passed" });
      assert.strictEqual(report?.rows, 1400);
      assert.deepStrictEqual(
        told.findings.map(({ check, rows }) => [check, rows]),
        [["labels.missing", 1600]],
      );
      const numbers = yield* compared(input, { label: "minutes" });
      assert.deepInclude(numbers.drift, { method: "ks", distance: 0, outcome: "passed" });
    }).pipe(provided),
  );

  it.effect("finds classes and numbers that moved, and stops the run where told to", () =>
    Effect.gen(function* () {
      // Spread over more values than a profile lists, so that the statistic comes from the rows.
      const input = yield* two(
        "i % 4 = 0 AS late, i + 0.5 AS minutes",
        "i % 4 > 0 AS late, i + 600.5 AS minutes",
      );
      const classes = yield* compared(input);
      // |3/4 - 1/4| of two binary shares is the phi coefficient here; bias-corrected a hair less.
      assert.closeTo(classes.drift?.distance ?? 0, 0.5, 0.001);
      assert.deepInclude(classes.told.findings[0], {
        check: "labels.drift",
        severity: "warn",
        owner: "fleet",
        expected: "a distance (cramers-v) of at most 0.15 from the reference",
      });
      const numbers = yield* compared(input, { label: "minutes" });
      assert.deepInclude(numbers.drift, { method: "ks", distance: 0.2, outcome: "failed" });
      // 600 over the standard deviation of 0 to 2,999, which is sqrt((3000² - 1) / 12).
      const moved = yield* compared(input, { label: "minutes", method: "wasserstein" });
      assert.closeTo(moved.drift?.distance ?? 0, 600 / Math.sqrt((3000 ** 2 - 1) / 12), 0.005);
      const { error } = yield* compared(input, { severity: "fail" });
      assert.strictEqual(error?._tag, "Drifted");
    }).pipe(provided),
  );

  it.effect("does not pass what it could not compare", () =>
    Effect.gen(function* () {
      const none = "CAST(NULL AS BOOLEAN) AS late, 'nan'::DOUBLE AS minutes";
      for (const [input, options, why] of [
        [yield* two(quarter, none), {}, "there are no rows to compare"],
        [yield* two(none, quarter), {}, "the reference has no rows"],
        [yield* two(quarter, none), { label: "minutes" }, "has no finite value"],
        [yield* two(quarter, quarter, 0), {}, "the reference has no rows"],
        [yield* two(quarter, quarter, 20), {}, "chance alone reaches"],
      ] as const) {
        const { drift, told } = yield* compared(input, options);
        assert.strictEqual(drift?.outcome, "could not run");
        const finding = told.findings.find(({ check }) => check === "labels.drift");
        assert.include(finding?.found, why);
        assert.strictEqual(finding?.severity, "warn");
      }
    }).pipe(provided),
  );

  it("needs a label, and a method that suits it", () => {
    const Bare = Contract.make("bare", { version: "1", owner: "x", columns: { a: Column.int() } });
    const roles = { reference: "train", current: "test" } as const;
    assert.throws(() => Labels.drift(Bare, roles), /has no label/);
    assert.throws(() => Labels.drift(Trip, { ...roles, method: "ks" }), /compares numbers/);
    assert.throws(() => Labels.drift(Trip, { ...roles, atMost: 0 }), /positive distance/);
  });
});
