import { assert, describe, it } from "@effect/vitest";
import {
  Artifact,
  Charter,
  Column,
  Contract,
  Engine,
  LocalEngine,
  Pipeline,
  Stage,
  Store,
} from "@ml-pipe/core";
import { Duckdb, Profile, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { rawOf, services, telling } from "../test-fixtures/tables.ts";
import * as Anomalies from "./Anomalies.ts";
import * as Validate from "./Validate.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  columns: { at: Column.timestamp(), km: Column.float({ nullable: true }), city: Column.string() },
  eventTime: "at",
});

/** Trips of a day of January 2001. */
const trips = (day: number, rows: number, km = "sin(i)", city = "'bonn'") =>
  `SELECT TIMESTAMP '2001-01-01' + to_days(${day}) + to_seconds(i) AS at, ${km} AS km, ${city} AS city
   FROM range(${rows}) r(i) ORDER BY ALL`;

const batch = (day: number, query: string) =>
  Effect.map(Profile.of(`(${query})`), (profile) => ({
    at: new Date(Date.UTC(2001, 0, 1 + day, 12)),
    profile,
  }));

/** Judges a batch of a day after eight days of about a thousand trips. */
const judge = Effect.fnUntraced(function* (
  query: string,
  options: Anomalies.AnomalyOptions<typeof Trip> = {},
) {
  const batches = yield* Effect.forEach(
    [1000, 1020, 990, 1005, 985, 1010, 995, 1001],
    (rows, day) => batch(day, trips(day, rows)),
  );
  const digest = `sha256-${"0".repeat(64)}` as const;
  const contract = { name: "trip", version: "1", digest: Trip.digest };
  const profile = yield* Profile.store(yield* Profile.of(`(${query})`), {
    contract,
    table: digest,
  });
  const stage = Anomalies.ofProfile(Trip, { batches, ...options });
  return yield* telling(stage.run({ profile }));
});

const provided = Effect.provide(Layer.merge(services(), Store.Store.layerMemory));

describe("a batch held against earlier ones", () => {
  it.effect("passes if it is like them", () =>
    Effect.gen(function* () {
      const { told, value } = yield* judge(trips(8, 1003));
      assert.deepStrictEqual(told.findings, []);
      assert.strictEqual(value?.batches, 8);
      assert.deepStrictEqual(
        value?.metrics.map(({ name, outcome }) => [name, outcome]),
        [
          "rows",
          "at.nulls",
          "at.distinct",
          "km.nulls",
          "km.mean",
          "km.standard-deviation",
          "km.distinct",
          "city.nulls",
          "city.distinct",
        ].map((name) => [name, "passed"]),
      );
    }).pipe(provided),
  );

  it.effect("each figure that is not is a finding, with the limits in use", () =>
    Effect.gen(function* () {
      const bad = trips(8, 200, "CASE WHEN i % 4 = 0 THEN NULL ELSE 50 END", "'b' || i % 3");
      const { told, value } = yield* judge(bad);
      const failed = value?.metrics.filter(({ outcome }) => outcome === "failed") ?? [];
      assert.includeMembers(
        failed.map(({ name }) => name),
        ["rows", "km.nulls", "km.mean", "city.distinct"],
      );
      const rows = told.findings.find(({ check }) => check === "rows.history");
      assert.match(rows?.expected ?? "", /^\d+(\.\d+)? to [\d,.]+, as in 8 earlier batches$/);
      assert.deepInclude(rows, { severity: "warn", owner: "fleet", found: "200" });
      assert.include(
        told.exhibits.map(({ title }) => title),
        "rows by batch",
      );
      const strict = yield* judge(bad, { severity: "fail", measures: ["rows"] });
      assert.strictEqual(strict.error?._tag, "Anomalous");
      assert.include(strict.error?.message ?? "", "rows: expected");
    }).pipe(provided),
  );

  it.effect("without a history it could not run, and says so", () =>
    Effect.gen(function* () {
      const { told, value } = yield* judge(trips(8, 1000), { batches: [], severity: "fail" });
      assert.isTrue(value?.metrics.every(({ outcome }) => outcome === "could not run"));
      assert.strictEqual(told.findings.length, 9);
      assert.deepInclude(told.findings[0], {
        check: "rows.history",
        severity: "info",
        found: "could not run: 0 earlier values, at least 7 are needed",
      });
      const lost = yield* judge("SELECT TIMESTAMP '2001-01-09' AS at");
      const gone = lost.value?.metrics.find(({ name }) => name === "km.nulls");
      assert.deepInclude(gone, { outcome: "could not run", why: "it has no value" });
    }).pipe(provided),
  );
});

const charter = Charter.make({
  title: "trips",
  decision: {
    question: "send a car?",
    madeAt: "call",
    actor: "dispatcher",
    outcomeKnownAfter: "1 day",
  },
  metric: {
    name: "cost",
    unit: "EUR",
    costs: { truePositive: 0, falsePositive: 1, falseNegative: 1, trueNegative: 0 },
  },
  baseline: { name: "never", description: "none is sent", rule: false },
  smallestGain: 1,
  surface: "desk",
  kill: { on: "2090-01-01", criterion: "no gain" },
  owner: "fleet",
});

describe("in a pipeline", () => {
  it.effect("batches are found in earlier runs, one for each table, whenever it ran", () =>
    Effect.gen(function* () {
      const run = Effect.fnUntraced(function* (day: number, rows: number) {
        const raw = yield* rawOf(Trip, trips(day, rows));
        const source = Stage.make("source", {
          input: {},
          output: Table.of(Trip, "raw"),
          params: { day, rows },
          run: () => Effect.succeed(raw),
        });
        const validate = Validate.table(Trip);
        const model = { _tag: "robust", minHistory: 2 } as const;
        const anomalies = Anomalies.ofProfile(Trip, { model, measures: ["rows"] });
        const pipeline = Pipeline.make("daily", { charter }, () => {
          const { profile } = validate({ data: source() });
          return { found: anomalies({ profile }) };
        });
        const { outputs } = yield* Engine.Engine.use((engine) => engine.run(pipeline));
        return outputs.found;
      });
      const [first, again, second, third] = [
        yield* run(0, 1000),
        yield* run(0, 1000),
        yield* run(1, 1010),
        yield* run(2, 300),
      ];
      assert.deepStrictEqual(
        [first, again, second, third].map(({ batches }) => batches),
        [0, 0, 1, 2],
      );
      assert.strictEqual(third.metrics[0]?.outcome, "failed");
      assert.strictEqual(third.at, Date.UTC(2001, 0, 3, 0, 4, 59));
    }).pipe(
      Effect.provide(
        LocalEngine.layer.pipe(
          Layer.provideMerge(
            Layer.mergeAll(
              Duckdb.Duckdb.layer({ threads: 2 }),
              Store.Store.layerMemory,
              Artifact.ArtifactStore.layerTemporary,
            ),
          ),
        ),
      ),
    ),
  );
});
