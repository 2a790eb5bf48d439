import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { type Artifact, Digest } from "@ml-pipe/core";
import { Release } from "@ml-pipe/data";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { layersOf, temporary } from "../test-fixtures/stateFolder.ts";
import { candidate, modelOf } from "../test-fixtures/trips.ts";
import { Registry } from "./Registry.ts";

/** Runs a test with a registry in a folder of its own. */
const inFolder = <A, E>(
  body: (
    folder: string,
    registry: Registry["Service"],
  ) => Effect.Effect<A, E, Registry | Artifact.ArtifactStore>,
) =>
  Effect.gen(function* () {
    const folder = yield* temporary;
    return yield* Registry.use((registry) => body(folder, registry)).pipe(
      Effect.provide(layersOf(folder)),
    );
  });

const edit = (file: string, change: (text: string) => string) =>
  Effect.promise(async () => fs.writeFile(file, change(await fs.readFile(file, "utf8"))));

const publishFixture = new URL("../test-fixtures/publish.ts", import.meta.url).pathname;

/** Starts a process that publishes; resolves when it is ready to begin. */
const publisher = async (folder: string, first: number, count: number) => {
  const child = spawn(
    process.execPath,
    ["--conditions=@ml-pipe/source", publishFixture, folder, `${first}`, `${count}`],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  return {
    begin: () => child.stdin.write("go\n"),
    versions: once(child, "exit").then((): ReadonlyArray<number> =>
      JSON.parse(output.split("\n")[1] ?? ""),
    ),
  };
};

describe("Registry", { timeout: 30_000 }, () => {
  it.effect("gives versions 1, 2, 3 within a name, and finds them", () =>
    inFolder((_, registry) =>
      Effect.gen(function* () {
        yield* registry.publish(yield* candidate({ intercept: 1 }));
        yield* registry.publish(yield* candidate({ intercept: 2 }));
        yield* registry.publish(yield* candidate({ name: "other" }));
        assert.deepEqual((yield* registry.list).map(Release.label), [
          "other@1",
          "trip-delay@1",
          "trip-delay@2",
        ]);
        for (const reference of ["trip-delay", "trip-delay@latest", "trip-delay@2"]) {
          assert.strictEqual((yield* registry.get(reference)).version, 2);
        }
        const first = yield* registry.get("trip-delay@1");
        assert.deepEqual(first, { ...(yield* candidate({ intercept: 1 })), version: 1 });
      }),
    ),
  );

  it.effect("returns the release that is there when the same is published again", () =>
    inFolder((folder, registry) =>
      Effect.gen(function* () {
        const first = yield* registry.publish(yield* candidate());
        yield* registry.publish(yield* candidate({ intercept: 1 }));
        const later = { ...(yield* candidate()), releasedAt: new Date("2002-01-01T00:00:00Z") };
        assert.deepEqual(yield* registry.publish(later), first);
        const next = { ...later, knownUntil: new Date("2001-07-01T00:00:00Z") };
        assert.strictEqual((yield* registry.publish(next)).version, 3);
        const files = yield* Effect.promise(() => fs.readdir(`${folder}/releases/trip-delay`));
        assert.deepEqual(files.toSorted(), ["1.json", "2.json", "3.json"]);
      }),
    ),
  );

  it.effect("says which releases there are when one is not found", () =>
    inFolder((folder, registry) =>
      Effect.gen(function* () {
        const notFound = (reference: string) =>
          registry.get(reference).pipe(
            Effect.flip,
            Effect.map(({ message }) => message),
          );
        assert.strictEqual(
          yield* notFound("trip-delay"),
          'there is no release "trip-delay". Nothing has been released here yet: run a pipeline that deploys.',
        );
        assert.notInclude(yield* Effect.promise(() => fs.readdir(folder)), "releases");
        yield* registry.publish(yield* candidate());
        yield* registry.publish(yield* candidate({ name: "flight-delay" }));
        assert.strictEqual(
          yield* notFound("trip-dely@latest"),
          'there is no release "trip-dely@latest". Did you mean trip-delay?',
        );
        assert.include(yield* notFound("flight"), "Did you mean flight-delay?");
        for (const reference of ["trip-delay@7", "trip-delay@01", "trip-delay@", "trip-delay@x"]) {
          assert.strictEqual(
            yield* notFound(reference),
            `there is no release "${reference}". Did you mean trip-delay@1?`,
          );
        }
        for (const reference of ["zzzzzzzzzzzzzzz", "../releases/trip-delay", "", "@1"]) {
          assert.include(yield* notFound(reference), "See `ml-pipe releases`");
        }
      }),
    ),
  );

  it.effect("refuses a file that was damaged or changed, and names it", () =>
    inFolder((folder, registry) =>
      Effect.gen(function* () {
        yield* registry.publish(yield* candidate());
        const file = path.join(folder, "releases", "trip-delay", "1.json");
        const whole = yield* Effect.promise(() => fs.readFile(file, "utf8"));
        const another = Digest.ofBytes("another model");
        const model = JSON.parse(whole).model.document.digest;
        const resealed = (text: string) => {
          const { digest: _, ...rest } = JSON.parse(text);
          return JSON.stringify({ ...rest, digest: Digest.ofJson(rest) });
        };
        const withModel = (text: string) => {
          const json = JSON.parse(text);
          json.model.document.digest = another;
          return JSON.stringify(json);
        };
        const cases: ReadonlyArray<readonly [(text: string) => string, string]> = [
          [() => "", "it is empty"],
          [(text) => text.slice(0, -10), "it is not JSON"],
          [() => "[]", "Expected object"],
          [(text) => text.replace('"threshold": 0.25', '"threshold": "0.25"'), '["threshold"]'],
          [
            (text) => text.replace('"threshold": 0.25', '"threshold": 0.9'),
            "does not match its digest",
          ],
          [withModel, "does not match its digest"],
          [(text) => resealed(withModel(text)), "its verdict is on another model"],
          [
            (text) => resealed(text.replaceAll(model, another)),
            "whose status and digest follow from",
          ],
          [
            (text) => resealed(text.replace('"version": 1', '"version": 2')),
            "it holds trip-delay@2",
          ],
        ];
        for (const [change, problem] of cases) {
          yield* edit(file, () => change(whole));
          const error = yield* Effect.flip(registry.get("trip-delay@1"));
          assert.strictEqual(error._tag, "ReleaseCorrupt", problem);
          assert.include(error.message, problem);
          assert.include(error.message, file);
          assert.strictEqual((yield* Effect.flip(registry.list))._tag, "ReleaseCorrupt");
          assert.strictEqual(
            (yield* Effect.flip(registry.publish(yield* candidate())))._tag,
            "ReleaseCorrupt",
          );
        }
      }),
    ),
  );

  it.effect("does not give the version of a file that was moved away again", () =>
    inFolder((folder, registry) =>
      Effect.gen(function* () {
        yield* registry.publish(yield* candidate());
        const file = path.join(folder, "releases", "trip-delay", "1.json");
        yield* Effect.promise(() => fs.rename(file, `${file}.bad`));
        assert.strictEqual((yield* registry.publish(yield* candidate())).version, 2);
      }),
    ),
  );

  it.effect("refuses a name that is not a file name", () =>
    inFolder((_, registry) =>
      Effect.gen(function* () {
        for (const name of ["../escape", "", "a/b", ".hidden", "x".repeat(101)]) {
          const error = yield* Effect.flip(registry.publish(yield* candidate({ name })));
          assert.include(error.message, "Choose a name of letters");
        }
      }),
    ),
  );

  it.effect("says what to do when the folder cannot be written", () =>
    inFolder((folder, registry) =>
      Effect.gen(function* () {
        yield* Effect.promise(() => fs.writeFile(path.join(folder, "releases"), "a file"));
        const error = yield* Effect.flip(registry.publish(yield* candidate()));
        assert.strictEqual(error._tag, "RegistryError");
        assert.include(error.message, "(ENOTDIR)");
      }),
    ),
  );

  it.live("gives different versions to processes that publish at once", () =>
    inFolder((folder, registry) =>
      Effect.gen(function* () {
        const publishers = yield* Effect.promise(() =>
          Promise.all([publisher(folder, 0, 10), publisher(folder, 5, 10)]),
        );
        for (const { begin } of publishers) begin();
        const given = yield* Effect.promise(() =>
          Promise.all(publishers.map(({ versions }) => versions)),
        );
        // Five of the ten are the same releases: those have one version each.
        const versions = new Set(given.flat());
        assert.deepEqual(
          [...versions].toSorted((a, b) => a - b),
          Array.from({ length: 15 }, (_, index) => index + 1),
        );
        const all = yield* registry.list;
        assert.strictEqual(new Set(all.map(modelOf)).size, 15);
        const files = yield* Effect.promise(() => fs.readdir(`${folder}/releases/trip-delay`));
        assert.isTrue(files.every((file) => /^\d+\.json$/.test(file)));
      }),
    ),
  );
});
