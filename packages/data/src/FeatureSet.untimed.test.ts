/** Feature sets over rows without an event time, and over rows that belong to a group. */
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { tableOf, withTables } from "../test-fixtures/tables.ts";
import * as Decisions from "./Decisions.ts";
import { Duckdb } from "./Duckdb.ts";
import * as Features from "./Features.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as History from "./History.ts";
import * as Model from "./Model.ts";
import * as Rule from "./Rule.ts";
import * as Table from "./Table.ts";

const columns = {
  id: Column.string(),
  household: Column.string(),
  months: Column.int(),
  left: Column.boolean({ availableAt: "outcome", nullable: true }),
};
const about = { version: "1", owner: "crm", key: ["id"], columns } as const;
const Customer = Contract.make("customer", { ...about });
const Member = Contract.make("member", { ...about, group: "household" });

const CustomerFeatures = FeatureSet.make("customer-features", {
  version: "1",
  of: Customer,
  keep: ["id"],
  features: ($) => ({ months: $.months }),
  label: ($) => $.left,
});
const MemberFeatures = FeatureSet.make("member-features", {
  version: "1",
  of: Member,
  features: ($) => ({ months: $.months }),
  label: ($) => $.left,
});

const rows = [
  { id: "c", household: "x", months: 3, left: true },
  { id: "a", household: "y", months: 1, left: false },
  { id: "b", household: "x", months: 2, left: null },
];

describe("a feature set without a moment of the decision", () => {
  it("has a contract without an event time, and the key if it is kept", () => {
    const { contract, spec } = CustomerFeatures;
    assert.deepStrictEqual(Object.keys(contract.columns), ["months", "id", "label"]);
    assert.strictEqual(contract.eventTime, undefined);
    assert.isFalse("eventTime" in contract.spec || "decidedAt" in spec);
    assert.deepStrictEqual(contract.spec.key, ["id"]);
    assert.deepStrictEqual(FeatureSet.requestColumns(spec), ["months"]);
  });

  it("keeps the group, and then the table has one", () => {
    const { contract } = MemberFeatures;
    assert.deepStrictEqual(Object.keys(contract.columns), ["months", "household", "label"]);
    assert.strictEqual(contract.group, "household");
    assert.isUndefined(contract.spec.key);
  });

  it("has no histories, and is not made of rows that have an event time", () => {
    const history = () =>
      FeatureSet.make("late", {
        version: "1",
        of: Contract.make("visit", {
          version: "1",
          owner: "crm",
          columns: { at: Column.timestamp(), who: Column.string() },
        }),
        features: ($) => ({
          visits: History.count({ by: [$.who], knownAt: $.at, window: "1 day", hop: "1 hour" }),
        }),
        label: ($) => $.who.equals("a"),
      });
    assert.throws(history, 'feature "visits": a history needs decidedAt');
    const Dated = Contract.make("dated", {
      version: "1",
      owner: "crm",
      columns: { at: Column.timestamp(), left: Column.boolean({ availableAt: "outcome" }) },
      eventTime: "at",
    });
    const undecided = { version: "1", of: Dated, features: () => ({}) };
    assert.throws(
      // @ts-expect-error Property 'decidedAt' is missing
      () => FeatureSet.make("dated-features", { ...undecided, label: ($) => $.left }),
      '"dated" has the event time "at", so say when it is decided',
    );
  });

  it.effect("is computed in the order of the table, and row by row", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const data = yield* tableOf(Customer, "checked", rows);
      const table = yield* Features.stage(CustomerFeatures).run({ data });
      assert.deepStrictEqual(
        yield* db.rows("read", `SELECT * FROM ${yield* Table.relation(table)}`),
        [
          { months: 3, id: "c", label: true },
          { months: 1, id: "a", label: false },
          { months: 2, id: "b", label: null },
        ],
      );
      const compute = FeatureSet.compileRow(CustomerFeatures.spec);
      assert.deepStrictEqual([...compute({ months: 3 })], [3]);
      assert.deepStrictEqual(yield* Features.stateAt(CustomerFeatures.spec, data, new Date(0)), []);
    }).pipe(withTables),
  );
});

describe("Decisions.read without a moment of the decision", () => {
  const decided = <C extends Contract.Contract, Out extends Contract.Contract>(
    set: FeatureSet.FeatureSet<C, Out>,
    source: C,
    blocks?: Decisions.Block,
  ) =>
    Effect.gen(function* () {
      const data = yield* tableOf(source, "checked", rows);
      const table = yield* Features.stage(set).run({ data });
      const model = yield* Model.store(set, {
        kind: "constant",
        estimator: { _tag: "ConstantModel", version: 1, features: ["months"], values: [0.5] },
        trainedOn: { split: null, table: Table.digestOf(table), rows: 3 },
      });
      const baseline = Rule.baseline(MemberFeatures.contract, {
        name: "new",
        description: "",
        when: ($) => $.months.gt(2),
      });
      return yield* Decisions.read(set, {
        model,
        table,
        baseline,
        rows: "all",
        ...(blocks === undefined ? {} : { blocks }),
      });
    });

  it.effect("numbers rows by themselves, or by their group", () =>
    Effect.gen(function* () {
      const single = yield* decided(CustomerFeatures, Customer);
      assert.deepStrictEqual([...single.block], [0, 1, 2]);
      assert.deepStrictEqual([...single.baseline], [1, 0, 0]);
      assert.deepStrictEqual([single.rows, single.undated, single.unlabelled], [3, 0, 1]);
      const { block } = yield* decided(MemberFeatures, Member);
      assert.strictEqual(block[0], block[2]);
      assert.notStrictEqual(block[0], block[1]);
      assert.isTrue(block.every(Number.isSafeInteger));
      assert.deepStrictEqual([...(yield* decided(MemberFeatures, Member, "row")).block], [0, 1, 2]);
    }).pipe(withTables),
  );

  it.effect("does not number by what the table does not have", () =>
    Effect.gen(function* () {
      const defect = yield* Effect.exit(decided(CustomerFeatures, Customer, "group"));
      assert.include(String(defect), 'the table of "customer-features" has no group');
    }).pipe(withTables),
  );
});
