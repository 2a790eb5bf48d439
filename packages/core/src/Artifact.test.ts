import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Artifact from "./Artifact.ts";
import * as Digest from "./Digest.ts";
import { deadPid, filesBelow, smallDisk, temporaryFolder } from "./internal/folder.fixture.ts";

const { ArtifactStore } = Artifact;

const open = (folder: string) =>
  Effect.map(Layer.build(ArtifactStore.layer(folder)), (services) =>
    Context.get(services, ArtifactStore),
  );

const opened = Effect.gen(function* () {
  const folder = yield* temporaryFolder;
  return { folder, store: yield* open(folder) };
});

const text = (content: string) => (file: string) =>
  Effect.sync(() => fs.writeFileSync(file, content));

/** Changes one byte and nothing else: not the size, not the times. */
const corrupt = (file: string): void => {
  const { atime, mtime } = fs.statSync(file);
  const bytes = fs.readFileSync(file);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  fs.writeFileSync(file, bytes);
  fs.utimesSync(file, atime, mtime);
};

describe("put", () => {
  it.effect("stores a file under its digest", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* opened;
      const artifact = yield* store.put("text/plain", text("hello"));
      const hex = Digest.ofBytes("hello").slice("sha256-".length);
      assert.deepStrictEqual(artifact, {
        digest: Digest.ofBytes("hello"),
        bytes: 5,
        mediaType: "text/plain",
      });
      assert.deepStrictEqual(filesBelow(folder), [`artifacts/${hex.slice(0, 2)}/${hex}`]);
      assert.strictEqual(fs.readFileSync(yield* store.path(artifact), "utf8"), "hello");
      yield* store.verify(artifact);
    }),
  );

  it.effect("stores equal content once, also when written at the same time", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* opened;
      const other = yield* open(folder);
      const stored = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? store : other)),
        (one) => one.put("text/plain", text("same")),
        { concurrency: "unbounded" },
      );
      assert.strictEqual(new Set(stored.map(({ digest }) => digest)).size, 1);
      assert.strictEqual(filesBelow(folder).length, 1);
      yield* store.verify(stored[0] ?? assert.fail("nothing stored"));
    }),
  );

  it.effect("leaves nothing if the write fails, dies or writes nothing", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* opened;
      const half = (file: string) => Effect.sync(() => fs.writeFileSync(file, "half"));
      const failed = yield* Effect.flip(
        store.put("text/plain", (file) => Effect.andThen(half(file), Effect.fail("no more rows"))),
      );
      assert.strictEqual(failed, "no more rows");
      yield* Effect.exit(
        store.put("text/plain", (file) => Effect.andThen(half(file), Effect.die("bug"))),
      );
      const nothing = yield* Effect.flip(store.put("text/plain", () => Effect.void));
      assert.strictEqual(nothing.code, "ENOENT");
      assert.deepStrictEqual(filesBelow(folder), []);
    }),
  );

  it.effect("leaves nothing if it is interrupted in the middle", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* opened;
      const halfway = yield* Deferred.make<void>();
      const fiber = yield* Effect.forkChild(
        store.put("text/plain", (file) =>
          Effect.sync(() => fs.writeFileSync(file, "half")).pipe(
            Effect.andThen(Deferred.succeed(halfway, undefined)),
            Effect.andThen(Effect.never),
          ),
        ),
      );
      yield* Deferred.await(halfway);
      assert.strictEqual(filesBelow(folder).length, 1);
      yield* Fiber.interrupt(fiber);
      assert.deepStrictEqual(filesBelow(folder), []);
    }),
  );
});

describe("a path", () => {
  it.effect("is absolute, whatever folder was named: other programs start elsewhere", () =>
    Effect.gen(function* () {
      const folder = path.relative(process.cwd(), yield* temporaryFolder);
      assert.isFalse(path.isAbsolute(folder));
      yield* Effect.gen(function* () {
        const store = yield* Artifact.ArtifactStore;
        const artifact = yield* store.put("text/plain", (file) =>
          Effect.sync(() => {
            assert.isTrue(path.isAbsolute(file));
            fs.writeFileSync(file, "x");
          }),
        );
        assert.isTrue(path.isAbsolute(yield* store.path(artifact)));
      }).pipe(Effect.provide(Artifact.ArtifactStore.layer(folder)));
    }),
  );
});

describe("JSON", () => {
  it.effect("is one artifact whatever the order of keys, and is read back", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* opened;
      const artifact = yield* store.putJson({ a: [1, null], b: "ü" });
      assert.deepStrictEqual(yield* store.putJson({ b: "ü", a: [1, null] }), artifact);
      assert.strictEqual(filesBelow(folder).length, 1);
      assert.deepStrictEqual(yield* store.readJson(artifact), { a: [1, null], b: "ü" });
    }),
  );

  it.effect("does not turn NaN into null in silence", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* opened;
      const error = yield* Effect.flip(store.putJson({ auc: NaN }));
      assert.include(error.message, 'cannot digest NaN at "/auc"');
      assert.deepStrictEqual(filesBelow(folder), []);
    }),
  );
});

describe("an artifact that is not what was stored", () => {
  it.effect("is absent, or corrupt, and says what to do", () =>
    Effect.gen(function* () {
      const { store } = yield* opened;
      const artifact = yield* store.putJson({ answer: 42 });
      const file = yield* store.path(artifact);

      corrupt(file);
      for (const check of [store.verify(artifact), store.readJson(artifact)]) {
        const error = yield* Effect.flip(Effect.asVoid(check));
        assert.instanceOf(error, Artifact.ArtifactMissing);
        assert.strictEqual(error.reason, "corrupt");
        assert.match(error.message, /does not match its digest .* Run the pipeline again/);
      }

      fs.appendFileSync(file, "more");
      const longer = yield* Effect.flip(store.path(artifact));
      assert.strictEqual(longer.reason, "corrupt");

      fs.rmSync(file);
      for (const check of [
        store.verify(artifact),
        store.readJson(artifact),
        store.path(artifact),
      ]) {
        const error = yield* Effect.flip(Effect.asVoid(check));
        assert.instanceOf(error, Artifact.ArtifactMissing);
        assert.strictEqual(error.reason, "absent");
      }
    }),
  );

  it.effect("is found out even if it was verified before", () =>
    Effect.gen(function* () {
      const { store } = yield* opened;
      const artifact = yield* store.putJson({ answer: 42 });
      const file = yield* store.path(artifact);
      yield* store.verify(artifact);
      // Only a file untouched for two seconds is believed without being read again.
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 2100)));
      yield* store.verify(artifact);
      yield* store.verify(artifact);
      corrupt(file);
      const error = yield* Effect.flip(store.verify(artifact));
      assert.strictEqual(error._tag, "ArtifactMissing");
    }),
  );

  it.effect("is whole again once it is stored anew", () =>
    Effect.gen(function* () {
      const { store } = yield* opened;
      const artifact = yield* store.putJson([1]);
      corrupt(yield* store.path(artifact));
      yield* store.putJson([1]);
      yield* store.verify(artifact);
    }),
  );
});

describe("a state folder that cannot be written", () => {
  it.effect("fails with advice at the start", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = path.join(folder, "file");
      fs.writeFileSync(file, "");
      for (const below of [file, path.join(file, "state")]) {
        const error = yield* Effect.flip(open(below));
        assert.instanceOf(error, Artifact.ArtifactStoreError);
        assert.match(error.message, /^cannot create .*(ENOTDIR|EEXIST).*choose another folder/);
      }
    }),
  );

  it.effect("fails with advice if it vanishes", () =>
    Effect.gen(function* () {
      const { folder, store } = yield* opened;
      fs.rmSync(folder, { recursive: true });
      const error = yield* Effect.flip(store.putJson({}));
      assert.match(error.message, /^cannot write .*ENOENT.*Check that the path exists/);
    }),
  );

  it.effect("fails with advice if the disk is full, leaves nothing, and works afterwards", (test) =>
    Effect.gen(function* () {
      const disk = yield* smallDisk;
      if (disk === undefined) return test.skip("cannot mount a small disk here");
      const store = yield* open(disk);
      const kept = yield* store.put("text/plain", text("x".repeat(600_000)));
      const before = filesBelow(disk);
      const error = yield* Effect.flip(
        store.put("text/plain", (file) =>
          Artifact.attempt("write", file, () => fs.promises.writeFile(file, "y".repeat(600_000))),
        ),
      );
      assert.match(error.message, /^cannot write .*ENOSPC.*disk is full: free some space/);
      assert.deepStrictEqual(filesBelow(disk), before);
      yield* store.verify(kept);
      yield* store.putJson({ small: true });
    }),
  );

  it.effect("says the same of a device that is full", () =>
    Effect.gen(function* () {
      const write = () => fs.promises.writeFile("/dev/full", "x");
      const error = yield* Effect.flip(Artifact.attempt("write", "/dev/full", write));
      assert.match(error.message, /ENOSPC.*finished stages are kept/);
    }).pipe(Effect.when(Effect.sync(() => fs.existsSync("/dev/full")))),
  );
});

describe("what a killed process left", () => {
  it.effect("is removed at the next start; what a living one writes is not", () =>
    Effect.gen(function* () {
      const { folder } = yield* opened;
      const at = (name: string) => path.join(folder, "tmp", name);
      const before = new Date(Date.now() - process.uptime() * 1000 - 60_000);
      for (const name of [`${deadPid()}-a`, `${process.pid}-mine`, `${process.pid}-old`, "note"]) {
        fs.writeFileSync(at(name), "half");
      }
      fs.mkdirSync(at(`${deadPid()}-folder`));
      // Another process had our number before us, as in a container.
      fs.utimesSync(at(`${process.pid}-old`), before, before);
      yield* open(folder);
      assert.deepStrictEqual(fs.readdirSync(at(".")).toSorted(), [`${process.pid}-mine`, "note"]);
    }),
  );
});

describe("referencedBy", () => {
  it.effect("finds artifacts at any depth", () =>
    Effect.gen(function* () {
      const { store } = yield* opened;
      const [one, two] = [yield* store.putJson(1), yield* store.putJson(2)];
      const value = { model: { file: one, trees: 3 }, tables: [{ deep: [two] }, null, "x"] };
      assert.deepStrictEqual(Artifact.referencedBy(value), [one, two]);
      assert.deepStrictEqual(Artifact.referencedBy({ digest: "no", bytes: 1 }), []);
    }),
  );
});

describe("layerTemporary", () => {
  it.effect("is gone with its scope", () =>
    Effect.gen(function* () {
      const file = yield* Effect.gen(function* () {
        const store = yield* ArtifactStore;
        const found = yield* store.path(yield* store.putJson({}));
        assert.isTrue(fs.existsSync(found));
        return found;
      }).pipe(Effect.provide(ArtifactStore.layerTemporary));
      assert.isFalse(fs.existsSync(file));
    }),
  );
});
