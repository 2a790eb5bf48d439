import { Approval, Artifact, Digest, type Stage, Verdict } from "@ml-pipe/core";
import { Duckdb, FeatureSet, Table } from "@ml-pipe/data";
import { assert, describe, layer } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Layer from "effect/Layer";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { TestClock } from "effect/testing";
import * as rain from "../test-fixtures/rain.ts";
import {
  charter,
  charterUntil,
  judge,
  modelOf,
  request,
  storeModel,
  Trip,
  tripFeatures,
  TripFeatures,
} from "../test-fixtures/trips.ts";
import * as Deploy from "./Deploy.ts";
import * as Predictor from "./Predictor.ts";
import { Registry } from "./Registry.ts";

const services = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-deploy-"))),
      (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
    ),
    (folder) =>
      Layer.mergeAll(
        Registry.layer(folder),
        Artifact.ArtifactStore.layer(folder),
        Duckdb.Duckdb.layer({ threads: 1 }),
      ),
  ),
);

/** Eight trips from AAA before June: half of them late; one of June, which nobody knows of yet. */
const history = Table.write(Trip, "checked", {
  query: `SELECT TIMESTAMP '2001-05-31 10:00:00' + INTERVAL (i) HOUR AS "at", 100 AS km, 'AAA' AS "from",
    NULL::BOOLEAN AS rain, CAST(if(i % 2 = 0, 30, 0) AS INTEGER) AS delay FROM range(8) t(i)
    UNION ALL SELECT TIMESTAMP '2001-06-01 00:10:00', 100, 'AAA', NULL, 60 ORDER BY "at"`,
});

const stage = Deploy.release(TripFeatures, {
  charter,
  name: "trip-delay",
  knownUntil: "2001-06-01",
});

const passed = (verdict: Verdict.Verdict) => Verdict.requirePassed(verdict);

layer(services)("Deploy.release", (it) => {
  it.effect("releases a model that passed, ready to predict", () =>
    Effect.gen(function* () {
      const model = yield* storeModel();
      const verdict = yield* passed(judge(model));
      yield* TestClock.setTime(3_600_000);
      const released = yield* stage.run({ model, verdict, history: yield* history });
      assert.deepInclude(released, {
        name: "trip-delay",
        version: 1,
        threshold: 0.25,
        decision: "warn passengers?",
        knownUntil: new Date("2001-06-01T00:00:00Z"),
        releasedAt: new Date("1970-01-01T01:00:00Z"),
      });
      assert.strictEqual(released.request.name, "trip-delay-request");
      assert.deepEqual(Object.keys(released.request.columns), ["at", "from", "km", "rain"]);
      const predictor = yield* Predictor.load(yield* Registry.use(({ get }) => get("trip-delay")));
      const prediction = yield* predictor.predict(request);
      // As in Predictor.test.ts: the histories saw half of the trips late, and not the one of June.
      assert.closeTo(
        "act" in prediction ? prediction.probability : NaN,
        1 / (1 + Math.exp(-0.6)),
        1e-12,
      );
    }),
  );

  it.effect("releases nothing new when it runs again", () =>
    Effect.gen(function* () {
      const model = yield* storeModel({ intercepts: [0.1] });
      const input = { model, verdict: yield* passed(judge(model)), history: yield* history };
      const first = yield* stage.run(input);
      yield* TestClock.adjust("1 day");
      assert.deepEqual(yield* stage.run(input), first);
    }),
  );

  it.effect("releases what its features look up, as it was known", () =>
    Effect.gen(function* () {
      const history = yield* rain.trips;
      const report = yield* rain.reports;
      const inputs = { ...(yield* rain.passed), history };
      const released = yield* rain.stage.run({ ...inputs, report });
      assert.deepEqual(Object.keys(released.request.columns), ["at", "from"]);
      const predictor = yield* Predictor.load(released);
      const answers = yield* predictor.answer([
        { at: "2001-06-01T00:30:00Z", from: "AAA" },
        { at: "2001-06-01T05:10:00Z", from: "AAA" },
      ]);
      const [known, later] = answers.map((one) => Result.getOrThrow(one));
      // The report of 23:00 was loaded after midnight.
      assert.deepEqual([...(known?.features ?? [])], [5, 1, 0.5]);
      assert.deepInclude(known?.prediction, { probability: 0.5, stale: [] });
      // Too old by then, and nobody knows what came since.
      assert.deepEqual(later?.prediction.missing, ["millimetres", "fog"]);
      assert.deepEqual(later?.prediction.stale, ["millimetres", "fog", "lateLately"]);
      // @ts-expect-error the reports are another table
      const swapped = yield* Effect.flip(rain.stage.run({ ...inputs, report: history }));
      assert.strictEqual(swapped._tag, "InputMismatch");
      assert.include(swapped.message, 'stage "deploy" cannot take its input "report"');
    }),
  );

  describe("stops", () => {
    it.effect("features that mean something else than what is served under their version", () =>
      Effect.gen(function* () {
        const first = yield* storeModel({ intercepts: [0.2] });
        const inputs = { history: yield* history, verdict: yield* passed(judge(first)) };
        yield* stage.run({ ...inputs, model: first });
        const edited = tripFeatures(20);
        const again = Deploy.release(edited, {
          charter,
          name: "trip-delay",
          knownUntil: "2001-06-01",
        });
        const model = { ...first, featureSet: { ...first.featureSet, digest: edited.digest } };
        const error = yield* Effect.flip(again.run({ ...inputs, model }));
        assert.strictEqual(error._tag, "FeatureEdited");
        assert.include(error.message, "lateLately\n    was mean of greaterThan(delay, 15)");
      }),
    );

    it.effect("a model that the verdict is not on", () =>
      Effect.gen(function* () {
        const verdict = yield* passed(judge(yield* storeModel()));
        const model = yield* storeModel({ intercepts: [3] });
        const error = yield* Effect.flip(stage.run({ model, verdict, history: yield* history }));
        assert.strictEqual(error._tag, "UnevaluatedModel");
        assert.include(
          error.message,
          `the model ${model.document.digest.slice(0, 19)} was not evaluated`,
        );
      }),
    );

    it.effect("a verdict that was cast to passed, or changed", () =>
      Effect.gen(function* () {
        const model = yield* storeModel();
        const rejected = judge(model, "failed");
        const input = { model, history: yield* history };
        for (const verdict of [
          rejected as Verdict.Verdict<"passed">,
          { ...rejected, status: "passed" as const },
          { ...(yield* passed(judge(model))), testSet: Digest.ofBytes("another") },
        ]) {
          const error = yield* Effect.flip(stage.run({ ...input, verdict }));
          assert.strictEqual(error._tag, "InputMismatch");
          assert.include(error.message, 'stage "deploy" cannot take its input "verdict"');
        }
      }),
    );

    it.effect("a verdict under another charter", () =>
      Effect.gen(function* () {
        const model = yield* storeModel();
        const verdict = yield* passed(judge(model, "passed", charterUntil("2500-01-01")));
        const error = yield* Effect.flip(stage.run({ model, verdict, history: yield* history }));
        assert.strictEqual(error._tag, "OtherCharter");
      }),
    );

    it.effect("a charter that has ended", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(0);
        const short = charterUntil("1970-01-02");
        const model = yield* storeModel();
        const verdict = yield* passed(judge(model, "passed", short));
        const brief = Deploy.release(TripFeatures, { charter: short, knownUntil: "2001-06-01" });
        const input = { model, verdict, history: yield* history };
        yield* brief.run(input);
        yield* TestClock.adjust("1 day");
        const error = yield* Effect.flip(brief.run(input));
        assert.strictEqual(
          error.message,
          'the charter "Warn passengers of late trips" ended on 1970-01-02 (no gain after a year). Nothing is deployed until passenger-care renews it: review the criterion, then set a new kill date.',
        );
      }),
    );

    it.effect("a model that cannot be loaded, and publishes nothing", () =>
      Effect.gen(function* () {
        const named = Deploy.release(TripFeatures, {
          charter,
          name: "odd",
          knownUntil: "2001-06-01",
        });
        const model = yield* storeModel({ features: ["hour", "km", "rain", "lateLately"] });
        const verdict = yield* passed(judge(model));
        const error = yield* Effect.flip(named.run({ model, verdict, history: yield* history }));
        assert.include(error.message, "the model's features are not those of its feature set");
        assert.strictEqual(
          (yield* Effect.flip(Registry.use(({ get }) => get("odd"))))._tag,
          "ReleaseNotFound",
        );
      }),
    );
  });

  describe("where an approval is required", () => {
    const signed = charterUntil("2999-01-01", ["ana", "ben"]);
    const careful = Deploy.release(TripFeatures, {
      charter: signed,
      name: "signed",
      knownUntil: "2001-06-01",
      approval: "required",
    });
    const day = 86_400_000;
    const inputs = Effect.fnUntraced(function* (intercept = 0) {
      const model = yield* storeModel({ intercepts: [intercept] });
      const verdict = yield* passed(judge(model, "passed", signed));
      return { model, verdict, history: yield* history };
    });
    const approvalOf = Effect.fnUntraced(function* (
      verdict: Verdict.Verdict,
      changed: Partial<Stage.Approved<unknown>> = {},
    ) {
      const evidence = yield* Approval.evidenceDigest(Verdict.Verdict)(verdict);
      const approval: Stage.Approved<unknown> = {
        gate: "sign-off",
        evidence,
        author: "ben",
        approver: "ana",
        reason: "worth it",
        at: new Date(day),
        expiresAt: new Date(2 * day),
        input: { percent: 5 },
        ...changed,
      };
      return approval;
    });

    it.effect("releases on one of this verdict, and records it in the release", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(day);
        const input = yield* inputs();
        const approval = yield* approvalOf(input.verdict);
        const released = yield* careful.run({ ...input, approval });
        const { input: _, ...word } = approval;
        assert.deepStrictEqual(released.approval, word);
        const stored = yield* Registry.use(({ get }) => get("signed"));
        assert.deepStrictEqual(stored.approval, word);
        // The same word again changes nothing; another one is a right of its own.
        assert.strictEqual((yield* careful.run({ ...input, approval })).version, released.version);
        const again = yield* approvalOf(input.verdict, { reason: "still worth it" });
        const second = yield* careful.run({ ...input, approval: again });
        assert.strictEqual(second.version, released.version + 1);
      }),
    );

    for (const [what, reason, changed, now] of [
      ["of another verdict", "evidence-changed", { evidence: Digest.ofBytes("other") }, day],
      ["that has expired", "expired", {}, 2 * day],
      ["by its author", "author-approved", { approver: "ben" }, day],
      ["by somebody whom the charter does not name", "not-an-approver", { approver: "eve" }, day],
    ] as const) {
      it.effect(`stops at one ${what}, and releases nothing`, () =>
        Effect.gen(function* () {
          yield* TestClock.setTime(now);
          const input = yield* inputs(0.7);
          const approval = yield* approvalOf(input.verdict, changed);
          const error = yield* Effect.flip(careful.run({ ...input, approval }));
          assert.deepInclude(error, { _tag: "ApprovalVoid", reason });
          const all = yield* Registry.use(({ list }) => list);
          const model = input.model.document.digest;
          assert.isFalse(all.some((release) => modelOf(release) === model));
        }),
      );
    }

    it("refuses a charter without approvers where it is written", () => {
      assert.throws(
        () =>
          Deploy.release(TripFeatures, { charter, knownUntil: "2001-06-01", approval: "required" }),
        "names nobody who may give it",
      );
    });
  });

  it("refuses options that make no sense where they are written", () => {
    const options = { charter, knownUntil: "2001-06-01" };
    const make = (changed: Partial<Omit<Deploy.ReleaseOptions, "approval">>) => () =>
      Deploy.release(TripFeatures, { ...options, ...changed });
    assert.throws(make({ name: "../up" }), 'deploy: "../up" cannot name a release');
    assert.throws(make({ knownUntil: "June" }), 'deploy: knownUntil is "June"');
    assert.throws(make({ knownUntil: "2001-06-01T00:00:00" }), "an instant with a zone");
    assert.doesNotThrow(make({ knownUntil: "2001-06-01T00:00:00+02:00" }));
  });
});

layer(services)("Deploy.released", (it) => {
  it.effect("is the newest release of its name, or null", () =>
    Effect.gen(function* () {
      const lookUp = Deploy.released(TripFeatures, { name: "newest" });
      assert.isNull(yield* lookUp.run({}));
      const release = Deploy.release(TripFeatures, {
        charter,
        name: "newest",
        knownUntil: "2001-06-01",
      });
      for (const intercept of [1, 2]) {
        const model = yield* storeModel({ intercepts: [intercept] });
        const verdict = yield* passed(judge(model));
        yield* release.run({ model, verdict, history: yield* history });
      }
      const found = yield* lookUp.run({});
      assert.strictEqual(found?.version, 2);
      const other = FeatureSet.make("other-features", {
        version: "1",
        of: Trip,
        decidedAt: "at",
        features: ($) => ({ km: $.km }),
        label: ($) => $.delay.gt(15),
      });
      // Its tables have other columns: nothing to compare with, and it says so.
      assert.isNull(yield* Deploy.released(other, { name: "newest" }).run({}));
    }),
  );
});
