/** Every check of the audit is shown finding what it is for, and not finding it where it is not. */
import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { type Estimator, Expr, FeatureSet, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { recording } from "../test-fixtures/trips.ts";
import { intraclass } from "./internal/audit/groups.ts";
import * as Leakage from "./Leakage.ts";

const columns = {
  a: Column.float({ nullable: true }),
  b: Column.float({ nullable: true }),
  c: Column.float({ nullable: true }),
  who: Column.string({ nullable: true }),
  late: Column.boolean({ availableAt: "outcome", nullable: true }),
} as const;
const common = { version: "1", owner: "lab" } as const;
const Trip = Contract.make("trip", { ...common, columns });
const TimedTrip = Contract.make("timed-trip", {
  ...common,
  columns: { ...columns, at: Column.timestamp() },
  eventTime: "at",
});
const GroupedTrip = Contract.make("grouped-trip", { ...common, columns, group: "who" });

const Trips = FeatureSet.make("trips", {
  version: "1",
  of: Trip,
  keep: ["who"],
  features: ($) => ({ a: $.a, b: $.b, c: $.c }),
  label: ($) => $.late,
});
const TimedTrips = FeatureSet.make("timed-trips", {
  version: "1",
  of: TimedTrip,
  decidedAt: "at",
  features: ($) => ({ a: $.a, b: $.b, c: $.c }),
  label: ($) => $.late,
});
const GroupedTrips = FeatureSet.make("grouped-trips", {
  version: "1",
  of: GroupedTrip,
  features: ($) => ({ a: $.a, b: $.b, c: $.c }),
  label: ($) => $.late,
});

const Amounts = FeatureSet.make("amounts", {
  version: "1",
  of: Trip,
  keep: ["who"],
  features: ($) => ({ a: $.a, b: $.b, c: $.c }),
  label: ($) => $.late.toNumber(),
});
const Kinds = FeatureSet.make("kinds", {
  version: "1",
  of: Trip,
  keep: ["who"],
  features: ($) => ({ a: $.a, b: $.b, c: $.c }),
  label: ($) => Expr.when($.late, "late", "in time"),
});

interface Rows {
  readonly rows?: number;
  /** SQL over `i`, `label`, and `u`, `v`, `w`, uniform in 0 to 1. */
  readonly a?: string;
  readonly b?: string;
  readonly c?: string;
  readonly who?: string;
  readonly label?: string;
  readonly at?: string;
  readonly salt?: number;
}

/** A few thousand rows about which nothing is suspicious, but for what is asked. */
const query = (options: Rows, salt: number): string => {
  const seed = options.salt ?? salt;
  const uniform = (n: number) => `(md5_number_lower('${seed} ${n} ' || i) % 1000003) / 1000003.0`;
  return `
    SELECT ${options.at ?? "TIMESTAMP '2026-01-01'"} AS "at", CAST(${options.a ?? "u"} AS DOUBLE) AS a,
      CAST(${options.b ?? "v"} AS DOUBLE) AS b, CAST(${options.c ?? "w"} AS DOUBLE) AS c,
      CAST(${options.who ?? "'w' || i"} AS VARCHAR) AS who, label
    FROM (SELECT *, ${options.label ?? "x < 0.2 + 0.2 * u"} AS label FROM (
      SELECT range AS i, ${uniform(1)} AS u, ${uniform(2)} AS v, ${uniform(3)} AS w, ${uniform(4)} AS x
      FROM range(${options.rows ?? 2000})))
    ORDER BY i`;
};

type AnySet =
  | typeof Trips
  | typeof TimedTrips
  | typeof GroupedTrips
  | typeof Amounts
  | typeof Kinds;

const audit = (
  set: AnySet,
  train: Rows,
  test: Rows,
  more: Partial<Leakage.Audited> = {},
  options: Leakage.AuditOptions = {},
) =>
  Effect.gen(function* () {
    const write = (role: "train" | "test", rows: Rows, salt: number) => {
      const all: Contract.Contract = set.contract;
      const names = Object.keys(set.contract.columns).map((name) => `"${name}"`);
      return Table.write(all, role, {
        query: `SELECT ${names.join(", ")} FROM (${query(rows, salt)})`,
        split: "split",
      });
    };
    const tables = {
      train: yield* write("train", train, 1),
      test: yield* write("test", { rows: 1000, ...test }, 2),
    };
    const { results, power } = yield* Leakage.audit(set, { ...tables, ...more }, options);
    const of = (check: string): Leakage.AuditResult =>
      results.find((one) => one.check === `leakage.${check}`) ?? assert.fail(`no ${check}`);
    return { results, power, of };
  });

const test = (
  name: string,
  run: () => Effect.Effect<void, unknown, Effect.Services<ReturnType<typeof audit>>>,
) => it.effect(name, () => recording(run));

const look = { number: 1, correctedFor: 1 };

describe("an audit", () => {
  test("clears honest rows, and says of every check what it saw", () =>
    Effect.gen(function* () {
      const { results, power } = yield* audit(Trips, {}, {}, { look });
      assert.deepStrictEqual(
        results.filter(({ outcome }) => !["clear", "not-applicable"].includes(outcome)),
        [],
      );
      const seen = new Set<string>(results.map(({ kind }) => kind));
      assert.deepStrictEqual([...seen].toSorted(), Leakage.kinds.map(({ id }) => id).toSorted());
      assert.deepStrictEqual(power.map(({ feature }) => feature).toSorted(), ["a", "b", "c"]);
      assert.isTrue(power.every(({ rocAuc }) => rocAuc < 0.7));
    }));

  test("says the same twice", () =>
    Effect.gen(function* () {
      const one = yield* audit(Trips, {}, {}, { look });
      const again = yield* audit(Trips, {}, {}, { look });
      assert.deepStrictEqual(again.results, one.results);
      assert.deepStrictEqual(again.power, one.power);
    }));

  test("looks at a number by its median, and at each class; a strong feature is no leak yet", () =>
    Effect.gen(function* () {
      const amount = "3 * u + x";
      const kind =
        "CASE WHEN u + 0.3 * x < 0.5 THEN 'low' WHEN u + 0.3 * x < 0.9 THEN 'mid' ELSE 'top' END";
      for (const [set, label] of [
        [Amounts, amount],
        [Kinds, kind],
      ] as const) {
        const honest = yield* audit(set, { label }, { label }, { look });
        assert.deepStrictEqual(
          honest.results.filter(({ outcome }) => !["clear", "not-applicable"].includes(outcome)),
          [],
          set.spec.name,
        );
        const [strong] = honest.power;
        assert.strictEqual(strong?.feature, "a");
        assert.isTrue(strong !== undefined && strong.rocAuc > 0.9 && strong.rocAuc < 0.99);
      }
      const told = yield* audit(
        Amounts,
        { label: amount, b: amount },
        { label: amount, b: amount },
      );
      assert.strictEqual(told.of("single-feature").outcome, "suspected");
      assert.deepStrictEqual(told.of("single-feature").columns, ["b"]);
      assert.include(told.of("single-feature").expected, "0.99 on the train rows (of being above");
      const code = `CASE ${kind.slice(5).replaceAll("'low'", "2").replaceAll("'mid'", "0").replaceAll("'top'", "1")}`;
      const coded = yield* audit(Kinds, { label: kind, c: code }, { label: kind, c: code });
      assert.deepStrictEqual(coded.of("single-feature").columns, ["c"]);
      for (const label of ["NULL::DOUBLE", "3.0"]) {
        const nothing = yield* audit(Amounts, { label }, { label });
        assert.strictEqual(nothing.of("single-feature").outcome, "not-run");
      }
      assert.throws(
        () =>
          Leakage.checkOptions(Amounts, { population: { description: "", positiveRate: [0, 1] } }),
        /the label of "amounts" is not yes or no/,
      );
    }));

  test("tells a number's duplicates by the very same number: like features give like ones", () =>
    Effect.gen(function* () {
      const amount = "3 * u + x";
      const twice = { label: amount, salt: 5 };
      const same = yield* audit(Amounts, twice, twice);
      assert.strictEqual(same.of("duplicates").outcome, "suspected");
      assert.include(
        same.of("duplicates").found,
        "whose number is not the most frequent 100 % have a twin with the same one",
      );
      const coarse = { label: amount, a: "floor(u * 12) + 0.5", b: "floor(v * 3) + 0.5", c: "0.5" };
      const alike = yield* audit(Amounts, coarse, coarse);
      assert.strictEqual(alike.of("near-duplicates").outcome, "clear");
      assert.include(alike.of("near-duplicates").found, "so that this is coincidence");
      const constant = { ...coarse, label: "3.0" };
      const none = yield* audit(Amounts, constant, constant);
      assert.strictEqual(none.of("duplicates").outcome, "noted");
    }));

  test("never calls clear what it could not look at", () =>
    Effect.gen(function* () {
      for (const rows of [{ rows: 0 }, { label: "TRUE" }, { label: "NULL::BOOLEAN" }]) {
        const { of } = yield* audit(Trips, rows, rows);
        assert.strictEqual(of("single-feature").outcome, "not-run");
        assert.strictEqual(of("changed-association").outcome, "not-run");
        assert.strictEqual(of("repeated-use").outcome, "not-run");
      }
      const empty = yield* audit(Trips, { a: "NULL", b: "'NaN'", c: "'inf'" }, {});
      assert.strictEqual(empty.of("single-feature").outcome, "not-run");
      assert.strictEqual(empty.of("shift").outcome, "not-run");
      assert.strictEqual((yield* audit(Trips, {}, { rows: 0 })).of("test-size").outcome, "noted");
    }));
});

describe("L2 features", () => {
  test("that tell the outcome alone are suspected, in order, in bins and by being missing", () =>
    Effect.gen(function* () {
      for (const a of [
        "CASE WHEN label THEN 1 + u ELSE u END",
        "CASE WHEN label THEN 0.5 + u / 10 ELSE if(v < 0.5, u / 3, 0.7 + u / 4) END",
        "CASE WHEN label THEN NULL ELSE u END",
      ]) {
        const { of } = yield* audit(Trips, { a }, { a });
        const { outcome, columns, found } = of("single-feature");
        assert.deepStrictEqual([outcome, columns], ["suspected", ["a"]], found);
      }
    }));

  test("that have no values are noted, and those that have are judged", () =>
    Effect.gen(function* () {
      for (const b of ["NULL", "'NaN'", "'inf'"]) {
        const { of } = yield* audit(Trips, { b }, { b });
        const { outcome, columns, found } = of("single-feature");
        assert.deepStrictEqual([outcome, columns], ["noted", ["b"]], found);
      }
      const told = { a: "CASE WHEN label THEN 1 + u ELSE u END", b: "NULL" };
      assert.deepStrictEqual((yield* audit(Trips, told, told)).of("single-feature").columns, ["a"]);
      const constant = yield* audit(Trips, { b: "7" }, { b: "7" });
      assert.strictEqual(constant.of("single-feature").outcome, "clear");
    }));

  test("are accepted with a reason, one by one", () =>
    Effect.gen(function* () {
      const leak = { a: "CASE WHEN label THEN 1 + u ELSE u END" };
      const accepted = { a: "printed on the ticket" };
      const { of } = yield* audit(Trips, leak, leak, {}, { accepted });
      assert.strictEqual(of("single-feature").outcome, "accepted");
      assert.include(of("single-feature").found, "accepted: printed on the ticket");
      const other = yield* audit(Trips, leak, leak, {}, { accepted: { b: "another one" } });
      assert.strictEqual(other.of("single-feature").outcome, "suspected");
    }));

  test("on a handful of rows are noted, not suspected", () =>
    Effect.gen(function* () {
      const few = { rows: 60, a: "CASE WHEN label THEN 1 + u ELSE u END" };
      assert.strictEqual((yield* audit(Trips, few, few)).of("single-feature").outcome, "noted");
    }));

  test("that number rows are noted, and suspected if the number tells the outcome", () =>
    Effect.gen(function* () {
      const numbered = yield* audit(Trips, { a: "i" }, { a: "i + 2000" });
      assert.strictEqual(numbered.of("identifier").outcome, "noted");
      assert.include(numbered.of("identifier").found, "grows with the position");
      const shuffled = yield* audit(Trips, { a: "(i * 7919) % 2000" }, { a: "i" });
      assert.include(shuffled.of("identifier").found, "without gaps");
      for (const factor of [3, 1_000_003, 87_178_291_199]) {
        const named = { a: `(i * 7919) % 2000 * ${factor}` };
        assert.strictEqual((yield* audit(Trips, named, {})).of("identifier").outcome, "noted");
        const often = { a: `(i * 7919) % 1800 * ${factor}` };
        assert.strictEqual((yield* audit(Trips, often, {})).of("identifier").outcome, "clear");
      }
      const sorted = { a: "i", label: "i > 1000 OR x < 0.1" };
      const telling = yield* audit(Trips, sorted, sorted);
      assert.strictEqual(telling.of("identifier").outcome, "suspected");
    }));

  test("that are named after what happens later are noted", () =>
    Effect.gen(function* () {
      const Named = FeatureSet.make("trips", {
        version: "1",
        of: Contract.make("trip", {
          ...common,
          columns: { ...columns, closedAfter: Column.float(), afternoon: Column.float() },
        }),
        features: ($) => ({ a: $.a, afternoon: $.afternoon, days: $.closedAfter, finalScore: $.b }),
        label: ($) => $.late,
      });
      const train = yield* Table.write(Named.contract, "train", {
        query: `SELECT a, b AS afternoon, c AS days, a AS "finalScore", label FROM (${query({}, 1)})`,
      });
      const { results } = yield* Leakage.audit(Named, { train, test: train });
      const named = results.find(({ check }) => check === "leakage.names");
      assert.deepStrictEqual(named?.columns, ["days", "finalScore"]);
      assert.strictEqual(named?.outcome, "noted");
    }));

  test("that read the label's own column are suspected where the contract says it is known early", () =>
    Effect.gen(function* () {
      const Peeking = FeatureSet.make("trips", {
        version: "1",
        of: Contract.make("trip", { ...common, columns: { a: columns.a, delay: Column.float() } }),
        features: ($) => ({ a: $.a, soFar: $.delay }),
        label: ($) => $.delay.gt(15),
      });
      const train = yield* Table.write(Peeking.contract, "train", {
        query: `SELECT a, b AS "soFar", label FROM (${query({}, 1)})`,
      });
      const { results } = yield* Leakage.audit(Peeking, { train, test: train });
      const found = results.find(({ check }) => check === "leakage.availability");
      assert.deepStrictEqual([found?.outcome, found?.columns], ["suspected", ["soFar"]]);
    }));

  test("that say something else on test are noted", () =>
    Effect.gen(function* () {
      const { of } = yield* audit(Trips, { a: "if(label, 0.8, 0) + u" }, {});
      assert.deepStrictEqual(
        [of("changed-association").outcome, of("changed-association").columns],
        ["noted", ["a"]],
      );
    }));

  test("that hold all of the gain are noted", () =>
    Effect.gen(function* () {
      const estimator: Estimator.TreeEnsemble = {
        _tag: "TreeEnsemble",
        version: 1,
        objective: "logistic",
        features: ["a", "b", "c"],
        baseScores: [0],
        trees: [],
        importance: [99, 1, 0],
      };
      const { of } = yield* audit(Trips, {}, {}, { estimator });
      assert.strictEqual(of("concentrated-gain").outcome, "noted");
      assert.strictEqual(of("concentrated-gain").found, '"a" holds 99 %');
    }));
});

describe("options that say nothing", () => {
  it("are refused where they are written", () => {
    const check = (options: Leakage.AuditOptions) => () => Leakage.checkOptions(Trips, options);
    assert.throws(check({ accepted: { z: "why not" } }), /no feature and keeps no column "z"/);
    assert.throws(check({ accepted: { a: " " } }), /say why "a" is no leak/);
    for (const positiveRate of [
      [0.3, 0.1],
      [-1, 0.5],
      [0, 2],
      [Number.NaN, 1],
    ] as const) {
      const population = { description: "all", positiveRate };
      assert.throws(check({ population }), /no range of shares/);
    }
    check({ accepted: { a: "known" }, population: { description: "all" } })();
  });
});

describe("L1.2 a linear model", () => {
  const linear = (mean: number): Estimator.LinearModel => ({
    _tag: "LinearModel",
    version: 1,
    link: "logit",
    features: ["a"],
    intercepts: [0],
    coefficients: [[1]],
    mean: [mean],
    sd: [1],
    imputation: [0],
  });
  test("that is standardised by train and test together is suspected", () =>
    Effect.gen(function* () {
      const rows = [
        { rows: 3000, a: "i % 2" },
        { rows: 1000, a: "2 + i % 2" },
      ] as const;
      const pooled = yield* audit(Trips, ...rows, { estimator: linear(1) });
      assert.deepStrictEqual(
        [pooled.of("fitted-on").outcome, pooled.of("fitted-on").columns],
        ["suspected", ["a"]],
      );
      const honest = yield* audit(Trips, ...rows, { estimator: linear(0.5) });
      assert.strictEqual(honest.of("fitted-on").outcome, "clear");
    }));
});

describe("L1.4 duplicates", () => {
  test("are suspected where a tenth of the test rows is in train", () =>
    Effect.gen(function* () {
      // The last hundred test rows are the first of train.
      const { of } = yield* audit(Trips, { salt: 7 }, { salt: 7, rows: 300, who: "'w' || i" });
      assert.strictEqual(of("duplicates").outcome, "suspected");
      assert.strictEqual(of("duplicates").rows, 300);
    }));

  test("that were touched a little are near duplicates", () =>
    Effect.gen(function* () {
      const touched = { salt: 7, rows: 500, a: "u + 1e-6", b: "v + 1e-6", c: "w - 1e-6" };
      const { of } = yield* audit(Trips, { salt: 7 }, touched);
      assert.strictEqual(of("duplicates").outcome, "clear");
      assert.strictEqual(of("near-duplicates").outcome, "suspected");
    }));

  test("are told from coarse features that coincide", () =>
    Effect.gen(function* () {
      const coarse = { a: "floor(u * 4)", b: "floor(v * 3)", c: "floor(w * 2)", who: "NULL" };
      const { of } = yield* audit(Trips, coarse, coarse);
      assert.strictEqual(of("duplicates").outcome, "clear");
      assert.include(of("duplicates").found, "coincidence");
      assert.strictEqual(of("near-duplicates").outcome, "not-applicable");
    }));
});

describe("L3.1 time", () => {
  const day = (from: number) => `TIMESTAMP '2026-01-01' + INTERVAL (${from} + i // 100) DAY`;
  test("is respected by test rows after all train rows, and the embargo by the time outcomes take", () =>
    Effect.gen(function* () {
      const rows = [{ at: day(0) }, { at: day(21) }] as const;
      const { of } = yield* audit(TimedTrips, ...rows, { outcomeKnownAfterMs: 86_400_000 });
      assert.deepStrictEqual([of("time").outcome, of("embargo").outcome], ["clear", "clear"]);
      const week = yield* audit(TimedTrips, ...rows, { outcomeKnownAfterMs: 7 * 86_400_000 });
      assert.strictEqual(week.of("embargo").outcome, "noted");
    }));

  test("is broken by test rows before the end of training", () =>
    Effect.gen(function* () {
      const { of } = yield* audit(TimedTrips, { at: day(0) }, { at: day(15) });
      assert.deepStrictEqual([of("time").outcome, of("time").rows], ["suspected", 500]);
      assert.strictEqual(of("embargo").outcome, "not-run");
    }));

  test("shows in the order of rows that have none", () =>
    Effect.gen(function* () {
      const sorted = { label: "(i // 200) % 2 = 0 AND x < 0.8" };
      assert.strictEqual((yield* audit(Trips, sorted, {})).of("order").outcome, "noted");
    }));
});

describe("L3.2 groups", () => {
  const persons = "'p' || (i % 100)";
  // Each person is late or not, nearly always.
  const alike = "(md5_number_lower('' || (i % 100)) % 10 < 4) = (x < 0.9)";
  test("that were declared must not be in both parts", () =>
    Effect.gen(function* () {
      const shared = yield* audit(GroupedTrips, { who: persons }, { who: persons });
      assert.deepStrictEqual(
        [shared.of("group").outcome, shared.of("group").rows],
        ["suspected", 1000],
      );
      const apart = yield* audit(GroupedTrips, { who: persons }, { who: "'q' || i" });
      assert.strictEqual(apart.of("group").outcome, "clear");
    }));

  test("that nobody declared are suspected by alike outcomes", () =>
    Effect.gen(function* () {
      const rows = { who: persons, label: alike };
      const { of } = yield* audit(Trips, rows, rows);
      assert.deepStrictEqual(
        [of("undeclared-group").outcome, of("undeclared-group").columns],
        ["suspected", ["who"]],
      );
      const unlike = yield* audit(Trips, { who: persons }, { who: persons });
      assert.strictEqual(unlike.of("undeclared-group").outcome, "clear");
      const apart = yield* audit(Trips, rows, { ...rows, who: "'q' || (i % 100)" });
      assert.strictEqual(apart.of("undeclared-group").outcome, "clear");
    }));

  /** One number of 60 for each group of rows; the shares of late trips differ as the groups' numbers do. */
  const hashed = (i: string) => `(md5_number_lower('g' || ${i}) % 1009) / 1009.0`;
  const ofNumbers = (a: string, share: string) =>
    Effect.gen(function* () {
      const rows = { rows: 6000, a, label: `x < ${share}` };
      const { of, results } = yield* audit(Trips, rows, { ...rows, rows: 2000 });
      const others = results.filter(({ outcome }) => outcome === "suspected");
      return { ...of("undeclared-group"), others: others.map(({ check }) => check) };
    });

  test("are not seen in a quantity, whatever it tells: its order does", () =>
    Effect.gen(function* () {
      const months = "i % 60";
      for (const share of [
        "0.05 + 0.9 * (i % 60) / 59", // grows
        "0.9 - 0.8 * abs((i % 60) - 30) / 30", // has its least in the middle
        "if(i % 60 < 12, 0.7, 0.1)", // falls at once
      ]) {
        const found = yield* ofNumbers(months, share);
        assert.deepStrictEqual([found.outcome, found.others], ["clear", []], found.found);
        assert.include(found.found, 'outcomes follow the order of "a"');
      }
    }));

  test("are suspected in numbers whose order says nothing or little", () =>
    Effect.gen(function* () {
      const share = (hash: string) => `0.1 + 0.7 * ${hash}`;
      const shuffled = yield* ofNumbers("i % 60", share(hashed("(i % 60)")));
      assert.deepStrictEqual([shuffled.outcome, shuffled.columns], ["suspected", ["a"]]);
      // Numbers given out over time, while trips got later and later: group and time in equal parts.
      const dated = yield* ofNumbers(
        "i % 300",
        `0.6 * ${hashed("(i % 300)")} + 0.4 * (i % 300) / 299`,
      );
      assert.strictEqual(dated.outcome, "suspected", dated.found);
      // And with little of the group: a person should look.
      const drifting = yield* ofNumbers(
        "i % 300",
        `if((i % 300) < 150, 0, 0.6) + 0.4 * ${hashed("(i % 300)")}`,
      );
      assert.notStrictEqual(drifting.outcome, "suspected", drifting.found);
    }));

  test("are not made of a few rows by chance, and noted where the rarer outcome is too rare", () =>
    Effect.gen(function* () {
      for (const salt of [1, 2, 3, 4, 5]) {
        const rows = { rows: 30, salt, who: "'p' || (i % 12)" };
        const { of } = yield* audit(Trips, rows, rows);
        assert.strictEqual(of("undeclared-group").outcome, "clear");
      }
      const rare = { who: persons, label: "i % 100 = 7 AND x < 0.9" };
      assert.strictEqual((yield* audit(Trips, rare, rare)).of("undeclared-group").outcome, "noted");
      const one = { who: persons, label: "TRUE" };
      assert.strictEqual((yield* audit(Trips, one, one)).of("undeclared-group").outcome, "not-run");
    }));

  test("that are a mere property are accepted, with the reason", () =>
    Effect.gen(function* () {
      const rows = { who: persons, label: alike };
      const { of } = yield* audit(Trips, rows, rows, {}, { accepted: { who: "a type of car" } });
      assert.strictEqual(of("undeclared-group").outcome, "accepted");
    }));

  it("are as alike as pingouin says", () => {
    // pingouin 0.5.5, intraclass_corr, ICC1, of six targets with four ratings each:
    // 1,1,0,1 | 1,0,0,0 | 1,0,1,1 | 0,0,0,0 | 1,1,0,1 | 0,0,0,1
    const groups = [3, 1, 3, 0, 3, 1];
    const value = intraclass({
      groups: 6,
      rows: 24,
      squares: 6 * 16,
      positives: groups.reduce((sum, one) => sum + one, 0),
      between: groups.reduce((sum, one) => sum + (one * one) / 4, 0),
    });
    assert.closeTo(value.likeness, 0.21875, 1e-12);
  });
});

describe("L3.3 the population", () => {
  test("shows in features that are distributed otherwise, and in the share of outcomes", () =>
    Effect.gen(function* () {
      const { of } = yield* audit(Trips, {}, { a: "u * u" });
      assert.deepStrictEqual([of("shift").outcome, of("shift").columns], ["noted", ["a"]]);
      const population = { description: "all trips of 2026", positiveRate: [0.25, 0.35] } as const;
      const like = yield* audit(Trips, {}, {}, {}, { population });
      assert.strictEqual(like.of("population").outcome, "clear");
      const picked = yield* audit(Trips, {}, { label: "x < 0.6" }, {}, { population });
      assert.strictEqual(picked.of("population").outcome, "suspected");
      assert.strictEqual((yield* audit(Trips, {}, {})).of("population").outcome, "not-applicable");
    }));
});

describe("repeated use", () => {
  test("is noted for the second look, and so is what it chose", () =>
    Effect.gen(function* () {
      const second = { number: 2, correctedFor: 2, justification: "two candidates" };
      const { of } = yield* audit(Trips, {}, {}, { look: second });
      assert.deepStrictEqual(
        [of("repeated-use").outcome, of("selection").outcome],
        ["noted", "noted"],
      );
      assert.include(of("repeated-use").found, "two candidates");
    }));
});
