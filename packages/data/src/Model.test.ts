import { assert, describe, it } from "@effect/vitest";
import { Artifact, Column, Contract, Digest, Stage, Verdict } from "@ml-pipe/core";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as fs from "node:fs";
import { withTables } from "../test-fixtures/tables.ts";
import type { Estimator } from "./Estimator.ts";
import * as Expr from "./Expr.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as Model from "./Model.ts";
import * as Release from "./Release.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "lab",
  columns: {
    at: Column.timestamp(),
    km: Column.float(),
    late: Column.boolean({ availableAt: "outcome" }),
  },
});

const setOf = (version: string) =>
  FeatureSet.make("trip-features", {
    version,
    of: Trip,
    decidedAt: "at",
    label: ($) => $.late,
    features: ($) => ({ km: $.km, hour: $.at.hourOfDay() }),
  });
const TripFeatures = setOf("1");

const tree = {
  feature: [0, -1, -1],
  threshold: [10, 0, 0],
  left: [1, 0, 0],
  right: [2, 0, 0],
  missingLeft: [1, 0, 0],
  value: [0, -1, 1],
  cover: [2, 1, 1],
} as const;
const estimator: Estimator = {
  _tag: "TreeEnsemble",
  version: 1,
  objective: "logistic",
  features: ["km", "hour"],
  baseScores: [0],
  trees: [tree],
  importance: [1, 0],
};
const trained = {
  kind: "gradient-boosted trees",
  trainedOn: { split: "s", table: Digest.ofBytes("table"), rows: 3 },
};

const stored = (of: Estimator = estimator) =>
  Model.store(TripFeatures, { ...trained, estimator: of });

describe("Model", () => {
  it.effect("is stored as JSON and loaded as it was", () =>
    Effect.gen(function* () {
      const model = yield* stored();
      assert.deepStrictEqual(yield* Model.load(model), {
        featureSet: TripFeatures.spec,
        signature: { _tag: "probability" },
        estimator,
      });
      assert.strictEqual(model.featureSet.digest, TripFeatures.digest);
      // The same model is the same artifact.
      assert.deepStrictEqual(yield* stored(), model);
    }).pipe(withTables),
  );

  it.effect("is not loaded if one bit of its document changed", () =>
    Effect.gen(function* () {
      const model = yield* stored();
      const store = yield* Artifact.ArtifactStore;
      const file = yield* store.path(model.document);
      const bytes = fs.readFileSync(file);
      const at = bytes.indexOf("10");
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      fs.chmodSync(file, 0o644);
      fs.writeFileSync(file, bytes);
      assert.match((yield* Effect.flip(Model.load(model))).message, /does not match its digest/);
    }).pipe(withTables),
  );

  it.effect("is not loaded if its trees point astray, or its document is of another form", () =>
    Effect.gen(function* () {
      const astray = { ...estimator, trees: [{ ...tree, left: [7, 0, 0] }] };
      const model = yield* stored(astray);
      assert.match(
        (yield* Effect.flip(Model.load(model))).message,
        /^model sha256-.* cannot be loaded: child 7 is not in 0\.\.2 at trees\[0\]\.left\[0\]\. Train it again/,
      );
      const store = yield* Artifact.ArtifactStore;
      const document = yield* store.putJson({
        featureSet: TripFeatures.spec,
        estimator: { _tag: "Pickle" },
      });
      assert.match(
        (yield* Effect.flip(Model.load({ ...model, document }))).message,
        /cannot be loaded: /,
      );
    }).pipe(withTables),
  );

  it.effect("is not loaded if what it says is not what its label is", () =>
    Effect.gen(function* () {
      const common = { version: "1", of: Trip, decidedAt: "at" } as const;
      const Price = FeatureSet.make("price", {
        ...common,
        features: ($) => ({ km: $.km }),
        label: ($) => $.km.times(2),
      });
      const Kind = FeatureSet.make("kind", {
        ...common,
        features: ($) => ({ km: $.km }),
        label: ($) => Expr.when($.km.gt(9), "far", "near"),
      });
      const constant: Estimator = {
        _tag: "ConstantModel",
        version: 1,
        features: ["km"],
        values: [3],
      };
      const problem = <C extends Contract.Contract, Out extends Contract.Contract>(
        set: FeatureSet.FeatureSet<C, Out>,
        more: { readonly signature?: Model.Signature; readonly estimator?: Estimator } = {},
      ) =>
        Model.store(set, { ...trained, estimator: constant, ...more }).pipe(
          Effect.flatMap(Model.load),
          Effect.match({ onSuccess: () => "", onFailure: ({ message }) => message }),
        );
      const classes = (...names: ReadonlyArray<string>): Model.Signature => ({
        _tag: "classes",
        classes: names,
      });
      const three: Estimator = {
        ...estimator,
        objective: "softmax",
        features: ["km"],
        importance: [1],
        baseScores: [0, 0, 0],
        trees: [],
      };
      assert.strictEqual(yield* problem(Price), "");
      assert.strictEqual(yield* problem(Price, { signature: { _tag: "score" } }), "");
      const named = { signature: classes("A", "B", "C"), estimator: three };
      assert.strictEqual(yield* problem(Kind, named), "");
      assert.match(
        yield* problem(Price, { signature: { _tag: "probability" } }),
        /its label is a number, and it gives a probability/,
      );
      assert.match(
        yield* problem(Kind, { signature: { _tag: "value" } }),
        /its label is a class, and it gives a number/,
      );
      assert.match(
        yield* problem(Kind, { ...named, signature: classes("A", "B") }),
        /it gives 3 scores a row where its signature needs 2/,
      );
      assert.match(
        yield* problem(Kind, { ...named, signature: classes("A", "B", "A") }),
        /its classes are \["A","B","A"\]/,
      );
      const unnamed = Cause.pretty(yield* Effect.flip(Effect.sandbox(problem(Kind))));
      assert.include(unnamed, "name them in its signature");
    }).pipe(withTables),
  );

  it.effect("is not loaded if its document is of another feature set than its handle says", () =>
    Effect.gen(function* () {
      const model = yield* stored();
      const other = yield* Model.store(setOf("2"), { ...trained, estimator });
      const mixed = { ...model, document: other.document };
      assert.match(
        (yield* Effect.flip(Model.load(mixed))).message,
        /it was trained on another feature set than trip-features/,
      );
    }).pipe(withTables),
  );

  it.effect("does not fit a stage for another feature set, or another version of it", () =>
    Effect.gen(function* () {
      const score = Stage.make("score", {
        input: { model: Model.of(TripFeatures) },
        output: Schema.String,
        run: ({ model }) => Effect.succeed(model.kind),
      });
      const model = yield* stored();
      assert.strictEqual(yield* score.run({ model }), "gradient-boosted trees");
      const other = yield* Model.store(setOf("2"), { ...trained, estimator });
      assert.match(
        (yield* Effect.flip(score.run({ model: other }))).message,
        /[Ee]xpected a model of the feature set trip-features 1 \(sha256-/,
      );
    }).pipe(withTables),
  );
});

describe("Release", () => {
  it("has a label", () => {
    assert.strictEqual(Release.label({ name: "flight-delay", version: 3 }), "flight-delay@3");
  });

  it.effect("goes through JSON, and fits its own feature set only", () =>
    Effect.gen(function* () {
      const model = yield* stored();
      const passed = { outcome: "passed", expected: "0.25", found: "0.5", next: "" } as const;
      const verdict = Verdict.judge([{ name: "gain", check: () => passed }], null, {
        model: model.document.digest,
        charter: Digest.ofBytes("charter"),
        testSet: Digest.ofBytes("test"),
      });
      const release = {
        name: "trip",
        version: 1,
        model,
        verdict,
        charter: verdict.charter,
        request: Trip.spec,
        decision: "warn",
        threshold: 0.25,
        histories: model.document,
        knownUntil: "2001-06-01T00:00:00.000Z",
        releasedAt: "2001-06-02T00:00:00.000Z",
      };
      const codec = Release.of(TripFeatures);
      const decoded = yield* Schema.decodeUnknownEffect(codec)(release);
      assert.deepStrictEqual(decoded.knownUntil, new Date("2001-06-01T00:00:00Z"));
      const again: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(decoded)));
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(codec)(again), decoded);
      const refusal = (value: unknown, of = codec) =>
        Effect.map(Effect.flip(Schema.decodeUnknownEffect(of)(value)), ({ message }) => message);
      assert.match(
        yield* refusal(release, Release.of(setOf("2"))),
        /a release of a model of the feature set trip-features 2/,
      );
      assert.match(yield* refusal({ ...release, version: 0 }), /version/);
      assert.match(yield* refusal({ ...release, threshold: Number.NaN }), /threshold/);
      const forged = {
        ...release.verdict,
        evidence: [{ ...verdict.evidence[0], outcome: "failed" }],
      };
      assert.match(
        yield* refusal({ ...release, verdict: forged }),
        /status and digest follow from its evidence/,
      );
    }).pipe(withTables),
  );
});
