import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { relationOf, tableOf, withTables } from "../test-fixtures/tables.ts";
import { Duckdb } from "./Duckdb.ts";
import type * as Expr from "./Expr.ts";
import * as Features from "./Features.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as History from "./History.ts";
import { featureSql } from "./internal/featureSql.ts";
import * as Table from "./Table.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "lab",
  eventTime: "at",
  columns: {
    at: Column.timestamp(),
    from: Column.string(),
    km: Column.float({ min: 0 }),
    minutes: Column.float({ availableAt: "outcome", nullable: true }),
  },
});

const history = ($: Expr.Columns<typeof Trip>) =>
  History.mean($.minutes, {
    by: [$.from],
    knownAt: $.at.plusMinutes($.minutes),
    window: "3 hours",
    hop: "1 hour",
  });

const define = (
  change: { readonly version?: string; readonly factor?: number; readonly limit?: number } = {},
) =>
  FeatureSet.make("trip-features", {
    version: change.version ?? "1",
    of: Trip,
    decidedAt: "at",
    keep: ["from"],
    label: ($) => $.minutes.gt(change.limit ?? 30),
    features: ($) => ({
      km: $.km.times(change.factor ?? 1),
      far: $.km.gt(10),
      hour: $.at.hourOfDay(),
      lately: history($),
    }),
  });

const TripFeatures = define();

/** An expression with a lie about when it is known: what a cast would give. */
const casted = (expr: Expr.Expr<number>): Expr.NumberExpr<"decision"> =>
  Object.assign(Object.create(null), expr);

describe("FeatureSet.make", () => {
  it("gives the contract of the table that it makes", () => {
    const { contract } = TripFeatures;
    assert.strictEqual(contract.name, "trip-features");
    assert.deepStrictEqual(Object.keys(contract.columns), [
      "km",
      "far",
      "hour",
      "lately",
      "at",
      "from",
      "label",
    ]);
    assert.strictEqual(contract.spec.owner, "lab");
    assert.strictEqual(contract.spec.eventTime, "at");
    const { columns } = contract.spec;
    assert.deepStrictEqual(columns["km"], {
      type: "float",
      availableAt: "decision",
      nullable: true,
    });
    assert.deepStrictEqual(columns["from"], Trip.spec.columns["from"]);
    assert.deepStrictEqual(columns["label"], {
      type: "boolean",
      availableAt: "outcome",
      nullable: true,
    });
  });

  it("refuses a feature of an outcome, and says what to do", () => {
    const leak = () =>
      FeatureSet.make("leaky", {
        version: "1",
        of: Trip,
        decidedAt: "at",
        label: ($) => $.minutes.gt(30),
        features: ($) => ({ km: $.km, peek: casted($.minutes.plus(1)) }),
      });
    assert.throws(
      leak,
      /^feature set "leaky": the feature "peek" uses a column that is known only after the decision\. Remove it, or take its history/,
    );
  });

  it("refuses what is nothing, as a column that is not there, and says which there are", () => {
    const missing: Expr.NumberExpr<"decision"> = Object({})["nope"];
    const make = () =>
      FeatureSet.make("empty", {
        version: "1",
        of: Trip,
        decidedAt: "at",
        label: ($) => $.minutes.gt(30),
        features: () => ({ missing }),
      });
    assert.throws(
      make,
      /^feature set "empty": feature "missing" is nothing that can be computed\. Make it of the columns of "trip": .*km/,
    );
  });

  it("refuses names that are used twice, also in another case", () => {
    const make = (keep: ReadonlyArray<"from">, names: ReadonlyArray<string>) => () =>
      FeatureSet.make("twice", {
        version: "1",
        of: Trip,
        decidedAt: "at",
        keep,
        label: ($) => $.minutes.gt(30),
        features: ($) => Object.fromEntries(names.map((name) => [name, $.km])),
      });
    assert.throws(make(["from"], ["from"]), /the name "from" is used twice/);
    assert.throws(make([], ["at"]), /the name "at" is used twice/);
    assert.throws(make([], ["label"]), /the name "label" is used twice/);
    assert.throws(
      make([], ["km", "KM"]),
      /the name "KM" is used twice \(upper and lower case are one\)/,
    );
    assert.doesNotThrow(make(["from"], ["km", "km2"]));
    const Labelled = Contract.make("labelled", {
      version: "1",
      owner: "lab",
      columns: { at: Column.timestamp(), label: Column.boolean({ availableAt: "outcome" }) },
    });
    const kept = () =>
      FeatureSet.make("kept", {
        version: "1",
        of: Labelled,
        decidedAt: "at",
        keep: ["label"],
        label: ($) => $.label,
        features: () => ({}),
      });
    assert.throws(kept, /the name "label" is used twice/);
  });

  it("refuses a decision time that is none, and formulas that do not fit, all at once", () => {
    const column: "at" = JSON.parse('"km"');
    const text: Expr.NumberExpr<"decision"> = JSON.parse(
      '{"availableAt":"decision","ast":{"_tag":"column","name":"from","type":"string"}}',
    );
    const make = () =>
      FeatureSet.make("wrong", {
        version: "1",
        of: Trip,
        decidedAt: column,
        label: ($) => history($).gt(1),
        features: () => ({ text }),
      });
    assert.throws(
      make,
      /"km" is not a timestamp column.*feature "text": column "from" is text where a number or yes or no is expected \(compare it, or keep .*Transform\.oneHot\); the label cannot be a history/,
    );
  });

  it("has a digest that changes with anything that it says", () => {
    assert.strictEqual(define().digest, TripFeatures.digest);
    const others = [define({ version: "2" }), define({ factor: 2 }), define({ limit: 31 })];
    const digests = [TripFeatures, ...others].map(({ digest }) => digest);
    assert.strictEqual(new Set(digests).size, 4);
  });

  it("is data: its specification goes through JSON", () => {
    const codec = Schema.toCodecJson(FeatureSet.FeatureSetSpec);
    const json: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(TripFeatures.spec)));
    assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(json), TripFeatures.spec);
  });
});

describe("a request", () => {
  it("carries what is read at the decision: of a history only the entity", () => {
    assert.deepStrictEqual(FeatureSet.requestColumns(TripFeatures.spec), ["at", "from", "km"]);
  });

  it("is checked against the contract of its columns", () => {
    const decode = Schema.decodeUnknownResult(FeatureSet.requestSchema(TripFeatures.spec));
    const good = { at: "2001-06-01T10:00:00Z", from: "A", km: 12 };
    const found = decode(good);
    assert.deepStrictEqual(found._tag === "Success" && found.success, {
      ...good,
      at: new Date("2001-06-01T10:00:00Z"),
    });
    const refused = (request: unknown): string => {
      const result = decode(request);
      return result._tag === "Failure" ? result.failure.message : "";
    };
    assert.match(refused({ ...good, km: Number.NaN }), /km/);
    assert.match(refused({ ...good, km: -1 }), /km/);
    assert.match(refused({ ...good, minutes: 5 }), /minutes/);
    assert.match(refused({ at: "yesterday", from: 1 }), /at.*from.*km|km.*at.*from/s);
  });
});

describe("Features.stage", () => {
  const at = (hour: number, minute = 0) => new Date(Date.UTC(2001, 5, 1, hour, minute));
  const rows = [
    { at: at(10, 30), from: "A", km: 3, minutes: 20 },
    { at: at(8), from: "A", km: 12, minutes: 40 },
    { at: at(9), from: "B", km: 5, minutes: null },
    { at: at(10, 15), from: "A", km: 1, minutes: 10 },
  ];

  it.effect("computes the features in order of decision, and the same bytes each time", () =>
    Effect.gen(function* () {
      const db = yield* Duckdb;
      const run = Effect.fnUntraced(function* (source: typeof rows) {
        return yield* Features.stage(TripFeatures).run({
          data: yield* tableOf(Trip, "checked", source),
        });
      });
      const table = yield* run(rows);
      assert.strictEqual(table.role, "checked");
      assert.strictEqual(table.contract.digest, TripFeatures.contract.digest);
      assert.strictEqual(table.rows, 4);
      const found = yield* db.rows("read", `FROM ${yield* Table.relation(table)}`);
      const day = "2001-06-01";
      assert.deepStrictEqual(found, [
        { km: 12, far: 1, hour: 8, lately: null, at: `${day} 08:00:00`, from: "A", label: true },
        { km: 5, far: 0, hour: 9, lately: null, at: `${day} 09:00:00`, from: "B", label: null },
        // The trip of 8:00 arrived at 8:40, and was known from 9:00 on.
        { km: 1, far: 0, hour: 10, lately: 40, at: `${day} 10:15:00`, from: "A", label: false },
        // That of 10:15 had arrived by 10:25, but counts from 11:00 on.
        { km: 3, far: 0, hour: 10, lately: 40, at: `${day} 10:30:00`, from: "A", label: false },
      ]);
      assert.strictEqual(Table.digestOf(yield* run(rows)), Table.digestOf(table));
    }).pipe(withTables),
  );

  it.effect("takes columns and features with hostile names", () =>
    Effect.gen(function* () {
      const odd = `"; DROP TABLE rows; --`;
      const Odd = Contract.make("odd", {
        version: "1",
        owner: "lab",
        columns: {
          "~value": Column.timestamp(),
          "~k0": Column.string(),
          "~hop": Column.float(),
          rows: Column.float(),
          [odd]: Column.float({ availableAt: "outcome" }),
        },
      });
      const OddFeatures = FeatureSet.make("odd-features", {
        version: "1",
        of: Odd,
        decidedAt: "~value",
        label: ($) => $[odd]?.gt(1) ?? $["~hop"].gt(0),
        features: ($) => ({
          [`${odd}!`]: $["~hop"].plus($.rows),
          h0: History.count({
            by: [$["~k0"]],
            knownAt: $["~value"],
            window: "2 hours",
            hop: "1 hour",
          }),
        }),
      });
      const db = yield* Duckdb;
      const values = [9, 10].map((hour) => ({
        "~value": at(hour),
        "~k0": "it's",
        "~hop": 1,
        rows: hour,
        [odd]: hour,
      }));
      const found = yield* db.rows(
        "compute",
        featureSql(OddFeatures.spec, relationOf(Odd, values)),
      );
      assert.deepStrictEqual(
        found.map((row) => [row[`${odd}!`], row["h0"], row["label"]]),
        [
          [10, 0, true],
          [11, 1, true],
        ],
      );
    }).pipe(withTables),
  );

  it.effect("serves a row as the batch computed it, from the state of that moment", () =>
    Effect.gen(function* () {
      const table = yield* tableOf(Trip, "checked", rows);
      const state = yield* Features.stateAt(TripFeatures.spec, table, at(10));
      const json: unknown = JSON.parse(JSON.stringify(state));
      const stored = Schema.decodeUnknownSync(Schema.Array(History.HistoryState))(json);
      const row = FeatureSet.compileRow(TripFeatures.spec, stored);
      assert.deepStrictEqual([...row({ at: at(10, 30), from: "A", km: 3 })], [3, 0, 10, 40]);
      assert.deepStrictEqual(
        [...row({ at: at(10, 30), from: "C", km: 3 })],
        [3, 0, 10, Number.NaN],
      );
      // Outside the window: 8:40 is more than three hours before 12:00.
      assert.deepStrictEqual([...row({ at: at(12), from: "A", km: 3 })], [3, 0, 12, Number.NaN]);
      const without = FeatureSet.compileRow(TripFeatures.spec);
      assert.deepStrictEqual(
        [...without({ at: at(10, 30), from: "A", km: 30 })],
        [30, 1, 10, Number.NaN],
      );
    }).pipe(withTables),
  );
});
