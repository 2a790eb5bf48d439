/** Watching releases whose label is a number or a class. */
import { assert, describe, it } from "@effect/vitest";
import { Charter, Column, Contract, Digest, type Metric, Verdict } from "@ml-pipe/core";
import {
  Duckdb,
  type Estimator,
  FeatureSet,
  Model,
  type Release,
  Rule,
  Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { charter as decisionCharter, recording } from "../test-fixtures/trips.ts";
import * as Monitor from "./Monitor.ts";

const Parcel = Contract.make("parcel", {
  version: "1",
  owner: "dispatch",
  eventTime: "at",
  columns: {
    at: Column.timestamp(),
    x: Column.float(),
    minutes: Column.float({ availableAt: "outcome", nullable: true }),
    way: Column.string({ availableAt: "outcome", nullable: true }),
  },
});
const about = { version: "1", of: Parcel, decidedAt: "at" } as const;
const Minutes = FeatureSet.make("minutes", {
  ...about,
  features: ($) => ({ x: $.x }),
  label: ($) => $.minutes,
});
const Ways = FeatureSet.make("ways", {
  ...about,
  features: ($) => ({ x: $.x }),
  label: ($) => $.way,
});

const charterOf = <M extends Metric.Metric>(metric: M, baseline: Charter.Baseline) => {
  const { decision, ...rest } = decisionCharter.spec;
  return Charter.make({
    ...rest,
    decision: { ...decision, outcomeKnownAfter: "1 day" },
    kill: { on: "2999-01-01", criterion: "" },
    metric,
    baseline,
  });
};
const minutes = charterOf(
  { name: "error", unit: "min", error: { over: 1, under: 2 } },
  Rule.numberBaseline(Minutes.contract, { name: "half an hour", description: "", value: () => 30 }),
);
const classCosts = { bike: { bike: 0, van: 1 }, van: { bike: 3, van: 0 } };
const ways = charterOf(
  { name: "detour", unit: "EUR", classCosts },
  Rule.classBaseline(Ways.contract, { name: "van", description: "", class: () => "van" }),
);

const linear = { _tag: "LinearModel", version: 1, features: ["x"] } as const;
const plain = { mean: [0], sd: [1], imputation: [0] } as const;
const minutesModel: Estimator.LinearModel = {
  ...linear,
  ...plain,
  link: "identity",
  intercepts: [30],
  coefficients: [[10]],
};
/** Log-odds of the van: 2 x. */
const waysModel: Estimator.LinearModel = {
  ...linear,
  ...plain,
  link: "softmax",
  intercepts: [0, 0],
  coefficients: [[0], [2]],
};

const rows = (first: string, label: string) => `
  SELECT epoch_ms(CAST(${new Date(first).getTime()} + (i // 200) * 86400000 + (i % 200) * 1000 AS BIGINT)) AS "at",
    x, ${label} AS label
  FROM (SELECT i, -1 + 2 * (hash(i) % 1000003) / 1000003.0 AS x, (hash(i + 7777) % 1000003) / 1000003.0 AS u
    FROM range(1400) t(i)) ORDER BY i`;

/** A train table, ten days of live rows, and a release that was trained on the one. */
const world = Effect.fnUntraced(function* <Out extends Contract.Contract>(
  set: FeatureSet.FeatureSet<Contract.Contract, Out>,
  label: string,
  trained: { readonly estimator: Estimator.Estimator; readonly signature: Model.Signature },
  charter: Charter.Charter,
  policy: Pick<Release.ModelRelease, "classCosts">,
) {
  const reference = yield* Table.write(set.contract, "train", {
    split: "split-one",
    query: rows("2001-01-01", label),
  });
  const live = yield* Table.write(set.contract, "live", {
    split: "split-one",
    query: rows("2001-02-05", label),
  });
  const model = yield* Model.store(set, {
    ...trained,
    kind: "hand-made model",
    trainedOn: { split: "split-one", table: Table.digestOf(reference), rows: reference.rows },
  });
  const verdict = Verdict.judge([], null, {
    model: model.document.digest,
    charter: charter.digest,
    testSet: Digest.ofBytes("test"),
  });
  const release: Release.Release<Out> = {
    name: set.spec.name,
    version: 1,
    model,
    verdict,
    charter: charter.digest,
    request: Parcel.spec,
    decision: "?",
    ...policy,
    histories: model.document,
    knownUntil: new Date("2001-02-05"),
    releasedAt: new Date("2001-02-05"),
  };
  return { release, reference, live };
});

const mean = Effect.fnUntraced(function* (table: Table.AnyTable, sql: string) {
  const db = yield* Duckdb.Duckdb;
  const [row] = yield* db.rows(
    "measure",
    `SELECT ${sql} AS m FROM ${yield* Table.relation(table)}`,
  );
  return Number(row?.["m"]);
});

describe("Monitor.daily", () => {
  it.effect("watches a release of a number, in the charter's error", () =>
    recording(({ signals, exhibits }) =>
      Effect.gen(function* () {
        const label = "CASE WHEN i % 50 = 0 THEN NULL ELSE 30 + 10 * x + 4 * u - 2 END";
        const trained = { estimator: minutesModel, signature: { _tag: "value" } } as const;
        const tables = yield* world(Minutes, label, trained, minutes, {});
        const found = yield* Monitor.daily(Minutes, { charter: minutes }).run(tables);
        assert.deepInclude(found, { label: "number", rows: 1400, labelled: 1372 });
        assert.notProperty(found, "threshold");
        const loss = (p: string) =>
          `avg(CASE WHEN ${p} > label THEN ${p} - label ELSE 2 * (label - ${p}) END)`;
        const gain =
          (yield* mean(tables.live, loss("30"))) -
          (yield* mean(tables.live, loss("(30 + 10 * x)")));
        assert.closeTo(found.gain ?? NaN, gain, 1e-9);
        const [day] = found.days;
        const first = `"at" < TIMESTAMP '2001-02-06'`;
        const observed = yield* mean(tables.live, `avg(label) FILTER (${first})`);
        assert.closeTo(day?.observedRate ?? NaN, observed, 1e-9);
        assert.isBelow(Math.abs(day?.calibrationGap ?? NaN), 0.5);
        assert.strictEqual(signals.filter(({ signal }) => signal === "MetricDrop").length, 7);
        assert.isTrue(exhibits.some(({ title }) => title === "Predicted and observed mean by day"));
      }),
    ),
  );

  it.effect("watches a release of a class, by what its choices cost", () =>
    recording(() =>
      Effect.gen(function* () {
        const label = "CASE WHEN u * (1 + exp(2 * x)) < 1 THEN 'bike' ELSE 'van' END";
        const trained = {
          estimator: waysModel,
          signature: { _tag: "classes", classes: ["bike", "van"] },
        } as const;
        const tables = yield* world(Ways, label, trained, ways, { classCosts });
        const found = yield* Monitor.daily(Ways, { charter: ways }).run(tables);
        assert.strictEqual(found.label, "text");
        // The van is 3 times as dear to miss: by bike only if p(bike) > 3/4, x < −ln(3) / 2.
        const chosen = "(x < -ln(3) / 2)";
        const cost = `avg(CASE WHEN ${chosen} AND label = 'van' THEN 3 WHEN NOT ${chosen} AND label = 'bike' THEN 1 ELSE 0 END)`;
        const gain =
          (yield* mean(tables.live, "avg((label = 'bike')::INTEGER)")) -
          (yield* mean(tables.live, cost));
        assert.closeTo(found.gain ?? NaN, gain, 1e-9);
        const [day] = found.days;
        assert.isBelow(Math.abs(day?.calibrationGap ?? NaN), 0.15);
      }),
    ),
  );

  it.effect("finds classes that the charter has no costs for", () =>
    recording(() =>
      Effect.gen(function* () {
        const label = "CASE WHEN u < 0.5 THEN 'bike' ELSE 'mule' END";
        const trained = {
          estimator: waysModel,
          signature: { _tag: "classes", classes: ["bike", "van"] },
        } as const;
        const tables = yield* world(Ways, label, trained, ways, { classCosts });
        const error = yield* Effect.flip(Monitor.daily(Ways, { charter: ways }).run(tables));
        assert.match(
          error.message,
          /the live table has labels that are none of "bike", "van": "mule"/,
        );
      }),
    ),
  );
});
