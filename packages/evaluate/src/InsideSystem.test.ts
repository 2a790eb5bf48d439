/** A model that decides, alone and inside the product that overrules it. */
import { assert, describe, it } from "@effect/vitest";
import { BusinessCost, DecisionSystem, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import {
  charterWith,
  judge,
  modelOf,
  OtherFeatures,
  recording,
  rightModel,
  trainTripsOf,
  TripFeatures,
  tripsOf,
} from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";
import * as InsideSystem from "./InsideSystem.ts";
import { blocksOf } from "./internal/blocks.ts";

const cost = Result.getOrThrow(BusinessCost.of(charterWith().spec.metric));

const Desk = DecisionSystem.make("desk", TripFeatures, ($) => [
  DecisionSystem.always("promised", $.origin.equals("P")),
  DecisionSystem.never("quiet line", $.origin.equals("Q")),
]);

describe("by hand, eight trips", () => {
  it.effect("what is gained alone and inside, what is changed, and what each rule saves", () =>
    Effect.gen(function* () {
      const found = yield* InsideSystem.measure(
        Desk,
        {
          label: Float64Array.of(1, 1, 0, 0, 1, 0, 1, 0),
          model: Float64Array.of(1, 1, 0, 1, 0, 0, 1, 0),
          baseline: new Float64Array(8),
          rules: [
            Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0),
            // The first is also promised, which goes before.
            Float64Array.of(1, 1, 0, 1, 0, 0, 0, 0),
          ],
          blocks: blocksOf(Float64Array.from({ length: 8 }, (_, row) => row)),
        },
        cost,
        { level: 0.95, seed: 0 },
      );
      // Never warning costs 4 × 60; the model 3 × 15 + 15 + 60. Inside: 105 with it, 150 without.
      assert.strictEqual(found.alone.estimate, (240 - 120) / 8);
      assert.strictEqual(found.inside.estimate, (150 - 105) / 8);
      assert.strictEqual(found.survives, 45 / 120);
      assert.deepStrictEqual(found.changed, { alone: 4 / 8, inside: 1 / 8 });
      assert.strictEqual(found.ruled, 4 / 8);
      const rules = found.rules.map(({ saves, ...rest }) => ({ ...rest, saves: saves.estimate }));
      assert.deepStrictEqual(rules, [
        // Without it, the first trip is of the quiet line, and the model misses the fifth.
        { rule: "promised", act: true, share: 2 / 8, overruled: 1 / 8, saves: (195 - 105) / 8 },
        { rule: "quiet line", act: false, share: 2 / 8, overruled: 2 / 8, saves: (75 - 105) / 8 },
      ]);
    }),
  );
});

const judged = (origin: string, smallestGain = 0.5) =>
  recording(({ findings, exhibits }) =>
    Effect.gen(function* () {
      const charter = charterWith({ smallestGain });
      const stage = Evaluate.decisions(TripFeatures, { charter, system: Desk });
      const table = yield* trainTripsOf({});
      const { verdict, evaluation } = yield* judge(stage, {
        model: yield* modelOf(rightModel, { table: Table.digestOf(table), rows: table.rows }),
        train: table,
        data: yield* tripsOf({ days: 20, perDay: 200, origin }),
      });
      const gate = verdict.evidence.find((one) => one.gate === "gain survives the rules");
      return {
        verdict,
        evaluation,
        gate: gate ?? assert.fail("no gate"),
        found: findings.map(({ check }) => check).filter((check) => check.includes("-rule.")),
        titles: exhibits.map(({ title }) => title),
      };
    }),
  );

describe("Evaluate.decisions, inside a system", () => {
  it.effect("passes a model whose gain the rules leave", () =>
    Effect.gen(function* () {
      const { verdict, evaluation, gate, found, titles } = yield* judged(
        "CASE WHEN i % 20 = 0 THEN 'P' ELSE 'A' END",
      );
      assert.strictEqual(gate.outcome, "passed");
      assert.strictEqual(verdict.status, "passed");
      const { system } = evaluation;
      if (system === undefined) return assert.fail("no system");
      assert.strictEqual(system.ruled, 0.05);
      assert.isAbove(system.inside.estimate, 0.9 * system.alone.estimate);
      // A promise to warn of trips that are seldom late is kept, and costs.
      assert.deepStrictEqual(found, [
        "evaluate.costly-rule.promised",
        "evaluate.idle-rule.quiet line",
      ]);
      assert.include(titles, 'The model inside "desk"');
    }),
  );

  it.effect(
    "stops a model whose gain is on rows that rules decide, and names the rule that costs",
    () =>
      Effect.gen(function* () {
        // Where the model sees what the rule of thumb does not, the quiet line never warns.
        const { verdict, evaluation, gate, found } = yield* judged(
          "CASE WHEN x > -0.1 AND x <= 1.5 THEN 'Q' ELSE 'A' END",
        );
        assert.strictEqual(verdict.status, "rejected");
        assert.deepStrictEqual(
          verdict.evidence.filter(({ outcome }) => outcome !== "passed").map((one) => one.gate),
          ["gain survives the rules"],
        );
        assert.match(
          gate.found,
          /^0 EUR per trip.*, 0 % of what it gains alone \(\d.*rules decide 27\.6 % of the rows, and the model changes 0 % of the decisions instead of 27\.6 %$/,
        );
        assert.strictEqual(evaluation.system?.survives, 0);
        assert.deepStrictEqual(found, [
          "evaluate.idle-rule.promised",
          "evaluate.costly-rule.quiet line",
        ]);
      }),
  );

  it("refuses a system of another feature set", () => {
    const other = DecisionSystem.make("other", OtherFeatures, ($) => [
      DecisionSystem.never("quiet line", $.origin.equals("Q")),
    ]);
    assert.throws(
      () => Evaluate.decisions(TripFeatures, { charter: charterWith(), system: other }),
      'evaluate: the system "other" is of another feature set than "trip-features"',
    );
  });
});
