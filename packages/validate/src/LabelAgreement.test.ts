import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { rowsOf, services, telling } from "../test-fixtures/tables.ts";
import * as Labels from "./Labels.ts";

const provided = Effect.provide(services());

const Rating = Contract.make("rating", {
  version: "1",
  owner: "annotation",
  label: "verdict",
  columns: {
    mail: Column.string(),
    who: Column.string(),
    verdict: Column.int({ nullable: true, availableAt: "outcome" }),
  },
});
const options = { item: "mail", annotator: "who" } as const;

/** Rows of labels, one row an item, one column an annotator; `*` is no row, `?` a row without a label. */
const ratingsOf = (...items: ReadonlyArray<string>) => {
  const rows = items.flatMap((item, u) =>
    item
      .split(" ")
      .flatMap((label, a) =>
        label === "*"
          ? []
          : [
              `('mail ${String(u).padStart(2, "0")}', '${"ABCDE"[a]}', ${label === "?" ? "NULL" : label})`,
            ],
      ),
  );
  const none = rows.length === 0 ? " LIMIT 0" : "";
  return Table.write(Rating, "checked", {
    query: `SELECT mail, who, verdict::BIGINT AS verdict FROM (VALUES ${rows.length === 0 ? "('', '', NULL)" : rows.join(", ")}) AS v(mail, who, verdict) ORDER BY mail, who${none}`,
  });
};

/** Krippendorff, Computing Krippendorff's alpha-reliability, 2011, section E: a column is an item. */
const published = [
  "1 1 * 1",
  "2 2 3 2",
  "3 3 3 3",
  "3 3 3 3",
  "2 2 2 2",
  "1 2 3 4",
  "4 4 4 4",
  "1 1 2 1",
  "2 2 2 2",
  "* 5 5 5",
  "* * 1 1",
  "* 3 * *",
];

describe("agreement", () => {
  it.effect("is as published, and each item and annotator has a row", () =>
    Effect.gen(function* () {
      const ratings = yield* ratingsOf(...published);
      const stage = Labels.agreement(Rating, options);
      const { value, told } = yield* telling(stage.run({ ratings }));
      assert.strictEqual(value?.agreement.alpha?.toFixed(3), "0.743");
      assert.deepInclude(value?.agreement, {
        items: 12,
        annotators: 4,
        ratings: 41,
        overlapping: 11,
        classes: ["1", "2", "3", "4", "5"],
        measurement: "nominal",
      });
      const consensus = yield* rowsOf(value!.consensus);
      assert.strictEqual(consensus.length, 12);
      assert.deepStrictEqual(consensus.map(({ mail }) => mail).slice(0, 2), ["mail 00", "mail 01"]);
      assert.deepStrictEqual(
        [0, 2, 3, 6, 9].map((u) => Number(consensus[u]?.["verdict"])),
        [1, 3, 3, 4, 5],
      );
      const annotators = yield* rowsOf(value!.annotators);
      assert.deepStrictEqual(
        annotators.map(({ who }) => who),
        ["A", "B", "C", "D"],
      );
      assert.isAbove(Number(annotators[3]?.["accuracy"]), Number(annotators[2]?.["accuracy"]));
      const finding = told.findings.find(({ check }) => check === "labels.agreement");
      assert.include(finding?.found, "0.7434 (");
      assert.include(finding?.found, "on 11 items of 12");
      assert.deepStrictEqual(
        told.exhibits.map(({ title }) => title),
        ["Annotator agreement", "Annotators", "Pairs of annotators"],
      );
    }).pipe(provided),
  );

  it.effect("is measured as asked: numbers, or an order of one's own", () =>
    Effect.gen(function* () {
      const ratings = yield* ratingsOf(...published);
      for (const [measurement, alpha] of [
        ["interval", "0.849"],
        ["ratio", "0.797"],
        ["ordinal", "0.815"],
      ] as const) {
        const { agreement } = yield* Labels.agreement(Rating, { ...options, measurement }).run({
          ratings,
        });
        assert.strictEqual(agreement.alpha?.toFixed(3), alpha);
      }
      const order = ["5", "1", "4", "2"];
      const ordered = Labels.agreement(Rating, { ...options, measurement: "ordinal", order });
      const { agreement } = yield* ordered.run({ ratings });
      assert.deepStrictEqual(agreement.classes, ["5", "1", "4", "2", "3"]);
      assert.notStrictEqual(agreement.alpha?.toFixed(3), "0.815");
    }).pipe(provided),
  );

  it.effect("marks ties, incomplete and repeated ratings", () =>
    Effect.gen(function* () {
      const ratings = yield* ratingsOf("1 2", "1 1", "2 2", "? 1", "1 ?");
      const stage = Labels.agreement(Rating, { ...options, consensus: "majority" });
      const { value, told } = yield* telling(stage.run({ ratings }));
      const [first] = yield* rowsOf(value!.consensus);
      assert.strictEqual(first?.["tied"], true);
      assert.strictEqual(value?.agreement.tied, 1);
      const checks = told.findings.map(({ check, rows }) => [check, rows]);
      assert.deepInclude(checks, ["ratings.complete", 2]);
      assert.deepInclude(checks, ["labels.consensus", 1]);
      const twice = yield* Table.write(Rating, "checked", {
        query: `SELECT 'm' AS mail, 'A' AS who, i AS verdict FROM range(2) t(i) ORDER BY i`,
      });
      const again = yield* telling(stage.run({ ratings: twice }));
      assert.deepStrictEqual(
        again.told.findings.map(({ check, rows }) => [check, rows]),
        [
          ["ratings.once", 1],
          ["labels.agreement", undefined],
        ],
      );
      // Whoever agrees with themselves is no second annotator; what they said last is what they say.
      assert.isNull(again.value?.agreement.alpha);
      assert.strictEqual((yield* rowsOf(again.value!.consensus))[0]?.["verdict"], "1");
    }).pipe(provided),
  );

  it.effect(
    "could not be told of one annotator, without overlap, or of one class: a finding each",
    () =>
      Effect.gen(function* () {
        for (const [items, why] of [
          [["1", "2", "1"], "no item was rated at least twice"],
          [["1 *", "* 2"], "no item was rated at least twice"],
          [["1 1", "1 1"], "of one class"],
        ] as const) {
          const ratings = yield* ratingsOf(...items);
          const { value, told } = yield* telling(
            Labels.agreement(Rating, options).run({ ratings }),
          );
          assert.isNull(value?.agreement.alpha);
          const finding = told.findings.find(({ check }) => check === "labels.agreement");
          assert.include(finding?.found, "could not run");
          assert.include(finding?.found, why);
          // And where it is asked for, it does not pass.
          const strict = Labels.agreement(Rating, { ...options, atLeast: 0 });
          const error = yield* Effect.flip(strict.run({ ratings }));
          assert.strictEqual(error._tag, "AnnotatorsDisagree");
          assert.include(error.message, why);
        }
      }).pipe(provided),
  );

  it.effect("stops below what is asked for; all null and empty tables are an error", () =>
    Effect.gen(function* () {
      const ratings = yield* ratingsOf(...published);
      const strict = Labels.agreement(Rating, { ...options, atLeast: 0.8 });
      const error = yield* Effect.flip(strict.run({ ratings }));
      assert.strictEqual(error._tag, "AnnotatorsDisagree");
      assert.include(error.message, "at least 0.8 is asked for, and it is 0.7434");
      for (const table of [yield* ratingsOf(), yield* ratingsOf("? ?", "? ?")]) {
        const none = yield* Effect.flip(strict.run({ ratings: table }));
        assert.strictEqual(none._tag, "NoRatings");
      }
    }).pipe(provided),
  );

  it("needs a label, and numbers where they are measured", () => {
    const Bare = Contract.make("bare", { version: "1", owner: "x", columns: Rating.columns });
    assert.throws(() => Labels.agreement(Bare, options), /has no label/);
    const text = { ...options, label: "who", measurement: "interval" } as const;
    assert.throws(() => Labels.agreement(Rating, text), /interval needs numbers/);
  });
});
