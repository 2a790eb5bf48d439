import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { close, value } from "../test-fixtures/statistics.ts";
import { withTables } from "../test-fixtures/tables.ts";
import * as DriftReport from "./DriftReport.ts";
import * as Profile from "./Profile.ts";
import { compare, distance, Method } from "./profile/compare.ts";
import * as Drift from "./statistics/Drift.ts";
import { Xoshiro128 } from "./statistics/Random.ts";

/** The profile of a boolean column, without a table. */
const flag = (trues: number, rows: number): Profile.ColumnProfile => ({
  type: "boolean",
  nulls: 0,
  present: rows,
  trues,
});
/** The profile of a text column with these counts. */
const text = (counts: ReadonlyArray<number>, nulls = 0): Profile.ColumnProfile => ({
  type: "string",
  nulls,
  present: counts.reduce((sum, rows) => sum + rows, 0),
  distinct: null,
  values: counts.map((rows, at) => ({ value: String.fromCharCode(97 + at), rows })),
  text: { empty: 0, shortest: 1, longest: 1, characters: 0 },
});
const profileOf = (columns: Record<string, Profile.ColumnProfile>): Profile.Profile => ({
  rows: Math.max(...Object.values(columns).map(Profile.rowsOf)),
  columns,
  unsupported: [],
});
const only = (
  before: Profile.ColumnProfile,
  now: Profile.ColumnProfile,
  limit?: DriftReport.Limit,
) => DriftReport.between(profileOf({ x: before }), profileOf({ x: now }), limit).columns[0]!;

const waves = (shift: number, rows: number) =>
  `(SELECT sin(i * 1.7) * 10 + cos(i * 0.3) * 5 + ${shift} AS x FROM range(${rows}) r(i))`;

describe("drift of profiles", () => {
  it.effect("agrees with that of the rows, within what the buckets allow", () =>
    Effect.gen(function* () {
      const samples = [0, 1].map((shift, at) =>
        Float64Array.from(
          { length: at === 0 ? 5000 : 4000 },
          (_, i) => Math.sin(i * 1.7) * 10 + Math.cos(i * 0.3) * 5 + shift,
        ).toSorted(),
      );
      const [before, now] = yield* Effect.all([waves(0, 5000), waves(1, 4000)].map(Profile.of));
      const exact = value(Drift.ksSorted(samples[0]!, samples[1]!));
      const ks = DriftReport.between(before!, now!, { method: "ks" }).columns[0]!;
      assert.isAtMost(ks.ks!.lower, exact + 1e-12);
      assert.isAtLeast(ks.ks!.upper, exact - 1e-12);
      assert.isBelow(ks.ks!.upper - ks.ks!.lower, 0.02);
      const between = (ks.ks!.lower + ks.ks!.upper) / 2;
      const untold = DriftReport.between(before!, now!, { method: "ks", atMost: between })
        .columns[0]!;
      assert.strictEqual(untold.outcome, "could not run");
      assert.include(untold.why!, "compute it from the rows");
      const moved = DriftReport.between(before!, now!, { method: "wasserstein" }).columns[0]!;
      close(moved.distance!, value(Drift.wassersteinSorted(samples[0]!, samples[1]!)), 0.01);
      assert.strictEqual(moved.outcome, "failed");
    }).pipe(withTables),
  );

  it("of listed values is exact", () => {
    const found = only(text([500, 500]), text([300, 700]), { method: "psi" });
    close(found.distance!, value(Drift.psi({ counts: [50, 50] }, { counts: [30, 70] })));
    assert.deepInclude(found, { outcome: "failed", atMost: 0.1, newValues: 0 });
    const more = only(text([500, 500]), text([500, 480, 20]));
    assert.deepInclude(more, { outcome: "passed", newValues: 1 });
    assert.strictEqual(only(flag(50, 1000), flag(400, 1000)).outcome, "failed");
  });

  it("lost values are drift, although those that are left look as before", () => {
    const found = only(text([500, 500]), text([250, 250], 500));
    assert.strictEqual(found.outcome, "failed");
    assert.deepStrictEqual([...found.nulls], [0, 0.5]);
  });

  it("equal profiles have not drifted, whatever the method", () => {
    for (const method of Method.literals) {
      if (method === "ks" || method === "wasserstein") continue;
      const found = only(text([4000, 5000]), text([4000, 5000]), { method });
      assert.deepInclude(found, { outcome: "passed", distance: 0 }, method);
    }
  });

  it("what cannot be compared could not run, and says why", () => {
    const why = (
      before: Profile.ColumnProfile,
      now: Profile.ColumnProfile,
      limit?: DriftReport.Limit,
    ) => {
      const { outcome, why: said } = only(before, now, limit);
      assert.strictEqual(outcome, "could not run");
      return said!;
    };
    assert.include(why(text([1, 2]), text([2, 1])), "with 3 rows chance alone reaches");
    assert.include(why(text([500]), flag(1, 2)), "it was string and is boolean");
    assert.include(why(text([500]), text([])), "there are no rows");
    assert.include(why(text([]), text([500])), "the reference has no rows");
    assert.include(why(text([500, 9]), text([500, 8]), { method: "ks" }), "no order");
    assert.include(why({ ...text([500]), values: null }, text([500])), "1,000 different values");
    const time: Profile.ColumnProfile = {
      type: "timestamp",
      nulls: 0,
      present: 5,
      instant: {
        infinite: 0,
        min: 0,
        max: 1,
        days: { level: 0, cells: { index: [0], counts: [5] } },
      },
    };
    assert.include(why(time, time), "instants");
    const gone = DriftReport.between(profileOf({ x: flag(1, 2) }), profileOf({ y: flag(1, 2) }));
    assert.deepStrictEqual(
      gone.columns.map((column) => [column.column, column.why]),
      [
        ["x", "it is gone"],
        ["y", "the reference does not have it"],
      ],
    );
    const left = DriftReport.between(profileOf({ x: flag(1, 2) }), profileOf({}), {
      columns: { x: false },
    });
    assert.deepStrictEqual(left.columns, []);
  });

  it("chance alone stays below what is said 19 times of 20, about", () => {
    const random = Xoshiro128.fromSeed(3);
    const draw = () => {
      const counts = Array.from({ length: 8 }, () => 0);
      for (let row = 0; row < 400; row++) counts[random.below(8)]! += 1;
      return text(counts);
    };
    const pairs = Array.from({ length: 300 }, () => Result.getOrThrow(compare(draw(), draw())));
    for (const method of ["psi", "jensen-shannon", "hellinger", "kullback-leibler"] as const) {
      const above = pairs.filter((pair) => {
        const found = Result.getOrThrow(distance(pair, method));
        return found.value > found.byChance;
      });
      assert.closeTo(above.length / pairs.length, 0.05, 0.035, method);
    }
    for (const method of ["total-variation", "l-infinity"] as const) {
      const above = pairs.filter((pair) => {
        const found = Result.getOrThrow(distance(pair, method));
        return found.value > found.byChance;
      });
      assert.isAtMost(above.length / pairs.length, 0.05, method);
    }
  });

  it("p-values are corrected for the number of columns", () => {
    const [before, now] = [text([500, 500]), text([545, 455])];
    const one = only(before, now).pValue!;
    const many = DriftReport.between(
      profileOf({ a: before, b: before, c: before }),
      profileOf({ a: now, b: before, c: before }),
    );
    close(many.columns[0]!.pValue!, 3 * one);
    assert.strictEqual(many.columns[1]!.pValue, 1);
  });
});

describe("the figures of a drift report", () => {
  it("put what moved most first and mark it", () => {
    const before = profileOf({ a: flag(500, 1000), b: text([500, 500]) });
    const now = profileOf({ a: flag(500, 1000), b: text([100, 900]) });
    const report = DriftReport.between(before, now);
    const [bars, panels, table] = DriftReport.exhibits(report, before, now);
    assert.deepInclude(bars, { _tag: "bar", title: "Drift by column" });
    if (panels?._tag !== "histograms" || table?._tag !== "table") return assert.fail("no figures");
    assert.deepStrictEqual(
      panels.panels.map(({ name, marked }) => [name, marked]),
      [
        ["b", true],
        ["a", false],
      ],
    );
    assert.deepStrictEqual(panels.panels[0]?.shares, [
      [0.5, 0.5],
      [0.1, 0.9],
    ]);
    assert.deepStrictEqual(
      table.rows.map(([column, , , , , outcome]) => [column, outcome]),
      [
        ["b", "failed"],
        ["a", "passed"],
      ],
    );
  });
});
