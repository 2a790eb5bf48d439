import { assert, describe, it } from "@effect/vitest";
import { FeatureSet } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { layersOf, released } from "../test-fixtures/stateFolder.ts";
import { Trip, TripFeatures } from "../test-fixtures/trips.ts";
import * as ServedFeatures from "./ServedFeatures.ts";

/** The served feature set with the distance in hundreds. */
const changed = (version: string) =>
  FeatureSet.make("trip-features", {
    version,
    of: Trip,
    decidedAt: "at",
    features: ($) => ({ km: $.km.dividedBy(100), hour: $.at.hourOfDay() }),
    label: ($) => $.delay.gt(15),
  });

const editedIn = (set: FeatureSet.FeatureSet) =>
  Effect.flatMap(released, (folder) =>
    ServedFeatures.edited(set).pipe(Effect.provide(layersOf(folder))),
  );

describe("edited", () => {
  it.effect("names the release, the feature, and both meanings", () =>
    Effect.gen(function* () {
      const [found, ...more] = yield* editedIn(changed("1.0.0"));
      assert.deepStrictEqual(more, []);
      assert.strictEqual(found?._tag, "FeatureEdited");
      assert.include(found?.message, 'trip-delay@1 serves "trip-features" 1.0.0');
      assert.include(found?.message, "was km with km: int in km");
      assert.include(found?.message, "is  divide(km, 100) with km: int in km");
      assert.include(found?.message, "Raise the version");
    }),
  );

  it.effect("finds nothing in the same set, or in another version of it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* editedIn(TripFeatures), []);
      assert.deepStrictEqual(yield* editedIn(changed("1.1.0")), []);
    }),
  );
});
