import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { reference } from "../test-fixtures/statistics.ts";
import { withTables } from "../test-fixtures/tables.ts";
import * as Profile from "./Profile.ts";
import * as Proposal from "./Proposal.ts";

const proposed = (query: string, options?: Proposal.ProposeOptions) =>
  Effect.map(Profile.of(`(${query})`), (profile) => Proposal.propose(profile, options));

describe("proposals", () => {
  it.effect("one line of code for each rule that holds, with what speaks for it", () =>
    Effect.gen(function* () {
      const found = yield* proposed(
        "SELECT i AS id, CASE WHEN i % 50 = 0 THEN NULL ELSE (i % 7)::DOUBLE END AS x, CASE i % 3 WHEN 0 THEN 'ab' ELSE 'it''s' END AS s, CASE WHEN i = 3 THEN 'DE' ELSE 'FR' END AS c, NULL::DOUBLE AS none, i % 2 = 0 AS b FROM range(1000) r(i)",
      );
      // The means by SciPy: 466.166 to 532.834 and 2.76670 to 3.23330, from stats.t.ppf(0.995, n - 1).
      assert.deepStrictEqual(
        found.map(({ code }) => code),
        [
          'Check.nullShare("b", { atMost: 0.006592 })',
          'Check.nullShare("c", { atMost: 0.006592 })',
          'Check.length("c", { equals: 2 })',
          'Check.nullShare("id", { atMost: 0.006592 })',
          'Check.mean("id", { between: [466.1, 532.9] })',
          'Check.nonNegative("id")',
          'Check.unique("id")',
          'Check.nullShare("s", { atMost: 0.006592 })',
          'Check.inSet("s", ["ab","it\'s"])',
          'Check.nullShare("x", { atMost: 0.03497 })',
          'Check.mean("x", { between: [2.766, 3.234] })',
          'Check.nonNegative("x")',
        ],
      );
      assert.deepInclude(
        found.find(({ code }) => code.startsWith("Check.inSet")),
        {
          because: "2 values, the rarest seen 334 times",
        },
      );
      assert.deepInclude(found[0]?.check, {
        kind: "null-share",
        columns: ["b"],
        name: "b.null-share",
      });
    }).pipe(withTables),
  );

  it.effect("limits of a share are those of SciPy's Wilson interval, rounded outwards", () =>
    Effect.gen(function* () {
      for (const { successes, trials, level, upper } of reference.wilson) {
        if (trials > 1000 || successes === trials) continue;
        const query = `SELECT CASE WHEN i < ${successes} THEN NULL ELSE true END AS x FROM range(${trials}) r(i)`;
        const [first] = yield* proposed(query, { level, minRows: 1 });
        const atMost = Number(first?.check.args["atMost"]);
        assert.isAtLeast(atMost, upper);
        assert.isAtMost(atMost, upper * 1.001);
      }
    }).pipe(withTables),
  );

  it.effect("nothing from few rows, or at a level that is none", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* proposed("SELECT 1 AS x"), []);
      assert.throws(
        () => Proposal.propose({ rows: 0, columns: {}, unsupported: [] }, { level: 1 }),
        /strictly between/,
      );
    }).pipe(withTables),
  );
});
