import { assert, describe, it } from "@effect/vitest";
import { Charter, Column, Contract, type Exhibit, type Finding, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { TestClock } from "effect/testing";
import { tableOf, withTables } from "../test-fixtures/tables.ts";
import { Duckdb } from "./Duckdb.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as Maturity from "./Maturity.ts";
import * as Table from "./Table.ts";

const charter = Charter.make({
  title: "Lend",
  decision: {
    question: "lend?",
    madeAt: "application",
    actor: "clerk",
    outcomeKnownAfter: "30 days",
  },
  metric: {
    name: "loss",
    unit: "EUR",
    costs: { truePositive: 0, falsePositive: 1, falseNegative: 9, trueNegative: 0 },
  },
  baseline: { name: "never", description: "", rule: false },
  smallestGain: 1,
  surface: "desk",
  kill: { on: "2030-01-01", criterion: "none" },
  owner: "credit",
});

const columns = {
  at: Column.timestamp(),
  recorded: Column.timestamp(),
  income: Column.float(),
  defaulted: Column.boolean({ availableAt: "outcome", nullable: true }),
};
const Loan = Contract.make("loan", {
  version: "1",
  owner: "bank",
  columns,
  eventTime: "at",
  knownAt: "recorded",
});
const set = FeatureSet.make("loan-features", {
  version: "1",
  of: Loan,
  decidedAt: "at",
  features: ($) => ({ income: $.income }),
  label: ($) => $.defaulted,
});
const kept = FeatureSet.make("kept-features", {
  version: "1",
  of: Loan,
  decidedAt: "at",
  keep: ["recorded"],
  features: ($) => ({ income: $.income }),
  label: ($) => $.defaulted,
});

/** Loans of the first day of each month of 2001, none repaid late so far; that of March has no label. */
const rows = Array.from({ length: 12 }, (_, month) => ({
  at: new Date(Date.UTC(2001, month, 1)),
  recorded: new Date(Date.UTC(month === 0 ? 2003 : 2001, month, 2)),
  income: 10,
  label: month === 2 ? null : false,
}));

const run = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(of: FeatureSet.FeatureSet<C, Out>, data: Table.Table<Out, "checked">, asOf?: string) {
  const told: { findings: Array<Finding.Finding>; exhibits: Array<Exhibit.Exhibit> } = {
    findings: [],
    exhibits: [],
  };
  const stage = Maturity.stage(of, { charter, ...(asOf === undefined ? {} : { asOf }) });
  const table = yield* stage.run({ data }).pipe(
    Effect.provideService(Stage.Reporter, (event) =>
      Effect.sync(() => {
        if (event._tag === "Finding") told.findings.push(event.finding);
        if (event._tag === "Exhibit") told.exhibits.push(event.exhibit);
      }),
    ),
  );
  const db = yield* Duckdb;
  const labels = yield* db.rows("read", `SELECT label FROM ${yield* Table.relation(table)}`);
  return { table, told, labels: labels.map(({ label }) => label) };
});

describe("labels", () => {
  it.effect("of decisions whose outcome cannot be known yet count as none; no row is lost", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(set.contract, "checked", rows);
      // 30 days before 31 July is 1 July: known to the instant.
      const { table, told, labels } = yield* run(set, data, "2001-07-31");
      assert.strictEqual(table.rows, 12);
      assert.deepStrictEqual(labels, [
        false,
        false,
        null,
        ...Array(4).fill(false),
        ...Array(5).fill(null),
      ]);
      const [finding] = told.findings;
      assert.strictEqual(finding?.rows, 5);
      assert.strictEqual(finding?.severity, "warn");
      assert.strictEqual(finding?.owner, "bank");
      assert.include(finding?.found, "5 labels (45.5 %), which count as missing");
      const [exhibit] = told.exhibits;
      assert.deepStrictEqual(
        exhibit?._tag === "table" && exhibit.rows.map(([, count]) => count),
        [6, 5, 1],
      );
    }).pipe(withTables),
  );

  it.effect("are all believed when they are old enough, as of now by default", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(set.contract, "checked", rows);
      yield* TestClock.setTime(Date.UTC(2002, 0, 1));
      const { told, labels } = yield* run(set, data);
      assert.strictEqual(labels.filter((label) => label === false).length, 11);
      assert.deepStrictEqual(told.findings, []);
    }).pipe(withTables),
  );

  it.effect("of rows that could not be read by then count as none, where that is kept", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(kept.contract, "checked", rows);
      const { labels } = yield* run(kept, data, "2002-01-01");
      // January was recorded only in 2003; 30 days after the first of December have passed.
      assert.deepStrictEqual(labels, [null, false, null, ...Array(9).fill(false)]);
    }).pipe(withTables),
  );

  it.effect("that are all premature are an error, as is a table without labels or rows", () =>
    Effect.gen(function* () {
      const data = yield* tableOf(set.contract, "checked", rows);
      const error = yield* Effect.flip(run(set, data, "2001-01-15"));
      assert.strictEqual(error._tag, "NothingMature");
      assert.include(
        error.message,
        "none of the 12 rows has an outcome that can be known on 2001-01-15",
      );
      assert.include(error.message, "11 labels are of decisions after 2000-12-16");
      const none = yield* tableOf(set.contract, "checked", []);
      assert.strictEqual((yield* Effect.flip(run(set, none, "2001-07-31")))._tag, "NothingMature");
    }).pipe(withTables),
  );

  it("of rows without any time, or as of no instant, are refused when the stage is made", () => {
    const Still = Contract.make("still", { version: "1", owner: "bank", columns });
    const still = FeatureSet.make("still", {
      version: "1",
      of: Still,
      features: ($) => ({ income: $.income }),
      label: ($) => $.defaulted,
    });
    assert.throws(() => Maturity.stage(still, { charter }), /nothing tells how old a row/);
    assert.throws(
      () => Maturity.stage(set, { charter, asOf: "July" }),
      /maturity: "July" is not a date/,
    );
  });
});
