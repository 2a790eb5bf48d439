/** Figures relative to those of a reference, such as the batch before. */
import { assert, describe, it } from "@effect/vitest";
import { Check, Column, Contract } from "@ml-pipe/core";
import { Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { outcomes, rawOf, services, telling, values } from "../test-fixtures/tables.ts";
import * as Validate from "./Validate.ts";

const provided = Effect.provide(services());

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  columns: {
    km: Column.float({ nullable: true, unit: "km" }),
    city: Column.string({ nullable: true }),
  },
});
const rows = (...km: ReadonlyArray<number | string | null>) =>
  values("km DOUBLE, city VARCHAR", ...km.map((one, index) => `(${one}, 'c${index}')`));

/** Validates kilometres beside those of the batch before. */
const run = Effect.fnUntraced(function* (
  before: string,
  now: string,
  ...checks: ReadonlyArray<Validate.AnyCheck<typeof Trip>>
) {
  const yesterday = yield* Table.write(Trip, "checked", { query: before });
  const data = yield* rawOf(Trip, now);
  const stage = Validate.table(Trip, { references: { yesterday: Trip }, checks });
  const { told } = yield* telling(stage.run({ data, yesterday }));
  const exhibit = told.exhibits.find(({ title }) => title === "Checks");
  const shown = exhibit?._tag === "table" ? exhibit.rows : [];
  return { found: outcomes(told), shown, told };
});

describe("a figure relative to a reference", () => {
  it.effect("passes within a share of it, and fails beyond, both numbers shown", () =>
    Effect.gen(function* () {
      const near = Check.mean("km", { relativeTo: Trip, within: 0.1 });
      const before = rows(1, 2, 3);
      const { found, shown } = yield* run(before, rows(1.1, 2.1, 3.1), near);
      assert.strictEqual(found["km.mean.trip"], "passed");
      assert.deepStrictEqual(shown.find(([name]) => name === "km.mean.trip")?.slice(1, 3), [
        "mean within 10 % of that of trip",
        "2.1 km, and 2 km of trip",
      ]);
      assert.strictEqual(
        (yield* run(before, rows(1.3, 2.3, 3.3), near)).found["km.mean.trip"],
        "failed",
      );
    }).pipe(provided),
  );

  it.effect("by so much in its own unit; of nulls, quantiles, lengths and distributions too", () =>
    Effect.gen(function* () {
      const checks = [
        Check.nullShare("km", { relativeTo: Trip, by: 0.05 }),
        Check.quantile("km", 0.5, { relativeTo: Trip, by: 0.5 }),
        Check.standardDeviation("km", { relativeTo: Trip, within: 0 }),
        Check.meanLength("city", { relativeTo: Trip, within: 0.5 }),
        Check.distinctCount("city", { relativeTo: Trip, within: 0.2 }),
      ];
      const before = rows(1, 2, 3, 4, null, 6, 7, 8, 9, 10);
      const { found, shown } = yield* run(
        before,
        rows(2, 3, 4, 5, null, 7, 8, 9, 10, 11, null, 7),
        ...checks,
      );
      assert.deepStrictEqual(
        [
          "km.null-share.trip",
          "km.quantile-0.5.trip",
          "km.standard-deviation.trip",
          "city.mean-length.trip",
          "city.distinct-count.trip",
        ].map((name) => found[name]),
        ["failed", "failed", "failed", "passed", "passed"],
      );
      const quantile = shown.find(([name]) => name === "km.quantile-0.5.trip");
      assert.deepStrictEqual(quantile?.slice(1, 3), [
        "0.5 quantile at most 0.5 km from that of trip",
        "7 km, and 6 km of trip",
      ]);
    }).pipe(provided),
  );

  it.effect("of a condition holds the condition on both sides", () =>
    Effect.gen(function* () {
      const far = { relativeTo: Trip, within: 0, where: "km > 5" } as const;
      const { found } = yield* run(rows(1, 6, 8), rows(4, 4, 6, 8), Check.mean("km", far));
      assert.strictEqual(found["km.mean.trip"], "passed");
    }).pipe(provided),
  );

  it.effect("could not run without values on either side, which is a finding", () =>
    Effect.gen(function* () {
      const check = Check.mean("km", { relativeTo: Trip, within: 0.1 });
      for (const [before, now] of [
        [rows(null, null), rows(1, 2)],
        [`SELECT * FROM (${rows(1)}) WHERE false`, rows(1, 2)],
        [rows(1, 2), rows(null, null)],
      ] as const) {
        const { found, told } = yield* run(before, now, check);
        assert.strictEqual(found["km.mean.trip"], "could not run");
        assert.isTrue(told.findings.some(({ check: name }) => name === "km.mean.trip"));
      }
    }).pipe(provided),
  );

  it.effect("could not run where no reference is given", () =>
    Effect.gen(function* () {
      const data = yield* rawOf(Trip, rows(1, 2));
      const checks = [Check.mean("km", { relativeTo: { name: "yesterday" }, within: 0.1 })];
      const { told } = yield* telling(Validate.table(Trip, { checks }).run({ data }));
      const [finding] = told.findings.filter(({ check }) => check === "km.mean.yesterday");
      assert.match(String(finding?.found), /no table under the contract "yesterday" is given/);
    }).pipe(provided),
  );

  it("takes one limit, of zero or more", () => {
    assert.throws(() => Check.mean("km", { relativeTo: Trip, within: -1 }), /zero or more/);
    assert.throws(() => Check.mean("km", { relativeTo: Trip, by: NaN }), /zero or more/);
  });
});
