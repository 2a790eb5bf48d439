import { assert, describe, it } from "@effect/vitest";
import { Column, Contract, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { tableOf, withTables } from "../test-fixtures/tables.ts";
import * as Features from "./Features.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as History from "./History.ts";
import * as Parity from "./Parity.ts";

const hour = 3_600_000;
const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  eventTime: "at",
  columns: {
    at: Column.timestamp(),
    from: Column.string(),
    km: Column.float({ nullable: true }),
    late: Column.boolean({ availableAt: "outcome", nullable: true }),
  },
});
const TripFeatures = FeatureSet.make("trip-features", {
  version: "1",
  of: Trip,
  decidedAt: "at",
  label: ($) => $.late,
  features: ($) => ({
    half: $.km.dividedBy(2),
    late3h: History.mean($.late, {
      by: [$.from],
      knownAt: $.at.plusMinutes(30),
      window: 3 * hour,
      hop: hour,
    }),
  }),
});

const at = (hours: number) => new Date(Date.UTC(2026, 0, 1) + hours * hour);
const history = Array.from({ length: 40 }, (_, index) => ({
  at: at(index / 2),
  from: index % 3 === 0 ? "A" : "B",
  km: index,
  late: index % 4 === 0,
}));
const requests = history.slice(20).map(({ late: _, ...request }) => request);

type Served = { readonly [column: string]: unknown };

/** What a service answers whose state was taken at the hop of each request. */
const serve = Effect.fnUntraced(function* () {
  const source = yield* tableOf(Trip, "checked", history);
  return yield* Effect.forEach(requests, (request) =>
    Effect.gen(function* () {
      const state = yield* Features.stateAt(TripFeatures.spec, source, request.at);
      const [half, late3h] = FeatureSet.compileRow(TripFeatures.spec, state)(request);
      const orNull = (value = Number.NaN) => (Number.isNaN(value) ? null : value);
      const served: Served = {
        ...request,
        served_half: orNull(half),
        served_late3h: orNull(late3h),
      };
      return served;
    }),
  );
});

const compare = Effect.fnUntraced(function* (
  served: ReadonlyArray<Served>,
  options: Parity.ParityOptions<"half" | "late3h"> = {},
) {
  const told: Array<Stage.StageEvent> = [];
  const report = yield* Parity.stage(TripFeatures, options)
    .run({
      served: yield* tableOf(Parity.servedContract(TripFeatures), "checked", served),
      history: yield* tableOf(Trip, "checked", history),
    })
    .pipe(
      Effect.provideService(Stage.Reporter, (event) => Effect.sync(() => void told.push(event))),
    );
  const signals = told.flatMap((event) => (event._tag === "Signal" ? [event.emitted] : []));
  const findings = told.flatMap((event) => (event._tag === "Finding" ? [event.finding] : []));
  return { report, signals, findings };
});

describe("gate", () => {
  it.live("lets a passed report through, and stops a skewed and an empty one", () =>
    Effect.gen(function* () {
      const served = yield* serve();
      const { report } = yield* compare(served);
      assert.deepStrictEqual(yield* Parity.gate.run({ report }), report);
      const wrong = served.map((row) => ({ ...row, served_half: 7 }));
      const skewed = yield* compare(wrong);
      const error = yield* Effect.flip(Parity.gate.run({ report: skewed.report }));
      assert.strictEqual(error._tag, "SkewStops");
      assert.match(error.message, /parity of "trip-features" failed: .* half: \d+ other values/);
      const nothing = yield* compare([]);
      const empty = yield* Effect.flip(Parity.gate.run({ report: nothing.report }));
      assert.match(empty.message, /inconclusive: .* no request to compare/);
    }).pipe(withTables),
  );
});

describe("stage", () => {
  it.live("passes what was served as the batch computes it, outcomes of the day included", () =>
    Effect.gen(function* () {
      const { report, signals, findings } = yield* compare(yield* serve());
      assert.deepStrictEqual(
        report.features.map(({ feature, equal, smape }) => [feature, equal, smape]),
        [
          ["half", 20, 0],
          ["late3h", 20, 0],
        ],
      );
      assert.strictEqual(report.evidence.outcome, "passed");
      assert.deepStrictEqual(report.differences, []);
      assert.deepStrictEqual(findings, []);
      assert.deepStrictEqual(
        signals.map(({ signal, value, at: when }) => [signal, value, when.getTime()]),
        [["SkewFound", 0, at(19.5).getTime()]],
      );
    }).pipe(withTables),
  );

  it.live("finds a stale state, a filled null and a changed formula, each by request", () =>
    Effect.gen(function* () {
      const served = yield* serve();
      const skewed = served.map((row, index) =>
        index === 3
          ? { ...row, served_half: 7 }
          : index === 5
            ? { ...row, served_half: null }
            : index === 6
              ? { ...row, km: null }
              : row,
      );
      const { report, signals, findings } = yield* compare(skewed);
      const [half] = report.features;
      assert.deepStrictEqual(
        [half?.equal, half?.mismatch, half?.missing, half?.extra],
        [17, 1, 1, 1],
      );
      // Of the 19 with a value on one side, 18 have both: |7 − 11.5| over the sum of all.
      const both = skewed.flatMap((row, index) =>
        index === 5 || index === 6
          ? []
          : [[Number(row["served_half"]), Number(row["km"]) / 2] as const],
      );
      const total = both.reduce((sum, [a, b]) => sum + Math.abs(a) + Math.abs(b), 0);
      assert.closeTo(half?.smape ?? Number.NaN, 4.5 / total, 1e-12);
      assert.deepStrictEqual(half?.error, { min: -4.5, median: -4.5, max: -4.5 });
      assert.strictEqual(report.evidence.outcome, "failed");
      assert.deepStrictEqual(report.differences, [
        { row: 3, at: "2026-01-01T11:30:00.000Z", feature: "half", served: 7, batch: 11.5 },
        { row: 5, at: "2026-01-01T12:30:00.000Z", feature: "half", served: null, batch: 12.5 },
        { row: 6, at: "2026-01-01T13:00:00.000Z", feature: "half", served: 13, batch: null },
      ]);
      assert.deepStrictEqual(
        findings.map(({ check, rows }) => [check, rows]),
        [["parity.half", 3]],
      );
      assert.deepStrictEqual(
        signals.map(({ value }) => value),
        [0.15],
      );
    }).pipe(withTables),
  );

  it.live("tolerates what is accepted, with its cause, and no more", () =>
    Effect.gen(function* () {
      const served = (yield* serve()).map((row, index) =>
        index < 2 ? { ...row, served_late3h: 0.9 } : row,
      );
      const cause = "outcomes arrive late";
      const within = yield* compare(served, { accept: { late3h: { cause, atMost: 0.1 } } });
      assert.strictEqual(within.report.evidence.outcome, "passed");
      assert.strictEqual(within.signals[0]?.value, 0);
      const beyond = yield* compare(served, { accept: { late3h: { cause, atMost: 0.05 } } });
      assert.strictEqual(beyond.report.evidence.outcome, "failed");
      assert.match(beyond.findings[0]?.expected ?? "", /but for 5 %/);
    }).pipe(withTables),
  );

  it.effect("is inconclusive where nothing was compared", () =>
    Effect.gen(function* () {
      const none = yield* compare([]);
      assert.strictEqual(none.report.evidence.outcome, "inconclusive");
      const request = { at: at(0), from: "Z", km: 1, served_half: 0.5, served_late3h: null };
      const never = yield* compare([request]);
      assert.match(never.report.evidence.found, /no value on either side for "late3h"/);
      assert.strictEqual(never.report.evidence.outcome, "inconclusive");
    }).pipe(withTables),
  );

  it("refuses a tolerance or an acceptance that means nothing", () => {
    const cause = "late data";
    assert.throws(() => Parity.stage(TripFeatures, { relativeTolerance: -1 }), /tolerance/);
    assert.throws(
      () => Parity.stage(TripFeatures, { accept: { half: { cause: " ", atMost: 2 } } }),
      /accepted without a cause; "half": atMost is a share/,
    );
    assert.throws(
      // @ts-expect-error Object literal may only specify known properties
      () => Parity.stage(TripFeatures, { accept: { miles: { cause, atMost: 0 } } }),
      /no feature "miles"/,
    );
  });
});

it("a feature is not recorded under the name of a column", () => {
  const Odd = Contract.make("odd", {
    version: "1",
    owner: "lab",
    columns: { km: Column.float(), Served_km: Column.float(), late: Column.boolean() },
  });
  const set = FeatureSet.make("odd-features", {
    version: "1",
    of: Odd,
    features: ($) => ({ km: $.km.plus($.Served_km) }),
    label: ($) => $.late,
  });
  assert.throws(() => Parity.servedContract(set), /a request has a column "served_km"/);
});
