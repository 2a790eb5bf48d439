import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Digest from "../Digest.ts";
import type { Golden } from "../Golden.ts";
import { Store } from "../Store.ts";

const golden = (name: string, version: string, contract: string): Golden => ({
  name,
  version,
  contract,
  digest: Digest.ofBytes(`${name}${version}`),
  rows: 1,
  identity: ["id"],
  hashes: ["00ff"],
});

it.effect("golden sets are found by contract, and keep what they were registered with", () =>
  Effect.gen(function* () {
    const { goldens } = yield* Store;
    const [one, two] = [golden("b", "1", "trip"), golden("a", "1", "trip")];
    yield* goldens.register(one);
    yield* goldens.register(two);
    yield* goldens.register(golden("c", "1", "mail"));
    assert.deepStrictEqual(yield* goldens.of("trip"), [two, one]);
    assert.deepStrictEqual(yield* goldens.of("nothing"), []);
    const changed = { ...one, digest: Digest.ofBytes("changed") };
    assert.deepStrictEqual(yield* goldens.register(changed), one);
    assert.deepStrictEqual(yield* goldens.of("trip"), [two, one]);
  }).pipe(Effect.provide(Store.layerMemory)),
);
