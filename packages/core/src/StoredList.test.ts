import { assert, describe, it } from "@effect/vitest";
import * as fs from "node:fs";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { ArtifactStore } from "./Artifact.ts";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";
import * as StoredList from "./StoredList.ts";

const Row = Schema.Struct({ at: Schema.DateFromString, text: Schema.String });
const rows = Array.from({ length: 1203 }, (_, n) => ({
  at: new Date(n),
  text: `line\n${n}\r\u2028"ü`,
}));

describe("a stored list", () => {
  it.effect("gives back what was written, in its order", () =>
    Effect.gen(function* () {
      const list = yield* StoredList.write(Stream.fromIterable(rows), Row);
      assert.strictEqual(list.count, rows.length);
      assert.deepStrictEqual(yield* Stream.runCollect(StoredList.stream(list, Row)), rows);
      const again = yield* StoredList.write(Stream.fromIterable(rows.slice()), Row);
      assert.deepStrictEqual(again, list, "equal items are one artifact");
      const none = yield* StoredList.write(Stream.empty, Row);
      assert.strictEqual(none.count, 0);
      assert.deepStrictEqual(yield* Stream.runCollect(StoredList.stream(none, Row)), []);
    }).pipe(Effect.provide(ArtifactStore.layerTemporary)),
  );

  it.effect("is not made of items that do not fit, nor if the stream fails", () =>
    Effect.gen(function* () {
      const numbers = Stream.make(1, 2, 2.5);
      const wrong = yield* Effect.flip(StoredList.write(numbers, Schema.Int));
      assert.strictEqual(wrong._tag, "ListItemInvalid");
      assert.match(
        wrong.message,
        /^item 3 of a stored list does not fit its schema: Expected an integer/,
      );
      const failing = Stream.concat(numbers, Stream.fail("broken"));
      assert.strictEqual(yield* Effect.flip(StoredList.write(failing, Schema.Finite)), "broken");
    }).pipe(Effect.provide(ArtifactStore.layerTemporary)),
  );

  it.effect("is checked when it is read: its bytes, and each item", () =>
    Effect.gen(function* () {
      const list = yield* StoredList.write(Stream.make("1", "two"), Schema.String);
      const digits = StoredList.stream(list, Schema.String.check(Schema.isPattern(/^\d+$/)));
      const wrong = yield* Effect.flip(Stream.runDrain(digits));
      assert.strictEqual(wrong._tag, "ListItemInvalid");
      assert.match(wrong.message, /^item 2 /);
      const file = yield* ArtifactStore.use((store) => store.path(list.artifact));
      fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace("two", "owt"));
      const damaged = yield* Effect.flip(Stream.runDrain(StoredList.stream(list, Schema.String)));
      assert.strictEqual(damaged._tag, "ArtifactMissing");
    }).pipe(Effect.provide(ArtifactStore.layerTemporary)),
  );

  it("is told from other artifacts, and is under the contract of its items", () => {
    const is = Schema.is(StoredList.of(Schema.String));
    const digest = `sha256-${"0".repeat(64)}`;
    const artifact = { digest, bytes: 1, mediaType: "application/x-ndjson" };
    assert.isTrue(is({ artifact, count: 1 }));
    assert.isFalse(is({ artifact: { ...artifact, mediaType: "application/json" }, count: 1 }));
    assert.isFalse(is({ artifact, count: 0.5 }));
    const columns = { x: Column.float() };
    const contract = Contract.make("point", { version: "1", owner: "lab", columns });
    const path = Schema.String.annotate(Contract.annotationsOf(contract));
    assert.strictEqual(Contract.contractOf(StoredList.of(path))?.name, "point");
    assert.isUndefined(Contract.contractOf(StoredList.of(Schema.String)));
  });
});
