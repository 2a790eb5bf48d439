import { execFileSync } from "node:child_process";
import * as fs from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { publishIn, released, temporary } from "../test-fixtures/stateFolder.ts";
import { request } from "../test-fixtures/trips.ts";
import { openRelease } from "./embed.ts";

const rejection = (folder: string, reference: string) =>
  Effect.promise(() =>
    openRelease(folder, reference).then(
      () => "no error",
      (error: unknown) => (error instanceof Error ? error.message : "no Error"),
    ),
  );

describe("openRelease", { timeout: 30_000 }, () => {
  it.live("predicts, or says all that is wrong, at once", () =>
    Effect.gen(function* () {
      const folder = yield* released;
      const model = yield* Effect.promise(() => openRelease(folder, "trip-delay@1"));
      const result = model.predict(request);
      assert.isTrue(result.ok && result.prediction.act);
      assert.isTrue(model.predict(model.example).ok);
      assert.deepStrictEqual(model.predict({ ...request, km: 0, x: 1 }), {
        ok: false,
        problems: [
          { field: "km", expected: "a whole number from 1 to 5000 (km)", found: "0" },
          {
            field: "x",
            expected: "no other field than at, from, km, rain",
            found: "an extra field",
          },
        ],
      });
      assert.deepStrictEqual(model.release, {
        label: "trip-delay@1",
        name: "trip-delay",
        version: 1,
        decision: "warn passengers?",
        threshold: 0.25,
        knownUntil: new Date("2001-06-01T00:00:00Z"),
        releasedAt: new Date("2001-06-01T08:00:00Z"),
      });
    }),
  );

  it.live("explains a prediction, or says what is wrong", () =>
    Effect.gen(function* () {
      const folder = yield* released;
      const model = yield* Effect.promise(() => openRelease(folder, "trip-delay"));
      const result = model.explain(request);
      assert.isTrue(result.ok);
      if (!result.ok) return;
      const { base, contributions } = result.explanation;
      const logOdds = contributions.reduce((sum, one) => sum + one.contribution, base);
      assert.closeTo(1 / (1 + Math.exp(-logOdds)), result.prediction.probability, 1e-12);
      const wrong = model.explain({ ...request, km: 0 });
      assert.deepStrictEqual(wrong.ok ? [] : wrong.problems.map(({ field }) => field), ["km"]);
    }),
  );

  it.live("never throws on what a caller may send", () =>
    Effect.gen(function* () {
      const folder = yield* released;
      const model = yield* Effect.promise(() => openRelease(folder, "trip-delay"));
      const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
      for (const body of [
        undefined,
        null,
        1n,
        Symbol("s"),
        () => 1,
        deep,
        { ...request, km: deep },
      ]) {
        assert.isFalse(model.predict(body).ok);
      }
    }),
  );

  it.live("rejects with what to do", () =>
    Effect.gen(function* () {
      const empty = yield* temporary;
      assert.include(yield* rejection(empty, "trip-delay"), "Nothing has been released here yet");
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(empty)), []);
      yield* publishIn(empty);
      assert.include(yield* rejection(empty, "trip-dela"), "Did you mean trip-delay?");
      yield* Effect.promise(() => fs.writeFile(`${empty}/releases/trip-delay/1.json`, "{"));
      assert.include(
        yield* rejection(empty, "trip-delay"),
        "1.json cannot be used: it is not JSON",
      );
    }),
  );

  it.live("loads no native code", () =>
    Effect.gen(function* () {
      const folder = yield* released;
      const output = execFileSync(
        process.execPath,
        [
          "--conditions=@ml-pipe/source",
          fileURLToPath(new URL("../test-fixtures/embedded.ts", import.meta.url)),
          folder,
          JSON.stringify(request),
        ],
        { encoding: "utf8" },
      );
      const { result, native } = JSON.parse(output);
      assert.isTrue(result.ok);
      assert.deepStrictEqual(native, []);
    }),
  );

  it("mentions no Effect in its declarations", async () => {
    const source = await fs.readFile(new URL("./embed.ts", import.meta.url), "utf8");
    const exported = source.match(/^export [\s\S]*?^}?;?$/gm) ?? [];
    assert.isAbove(exported.length, 4);
    assert.deepStrictEqual(
      exported.map((one) => one.split("=> {")[0] ?? "").filter((one) => one.includes("Effect")),
      [],
    );
  });
});
