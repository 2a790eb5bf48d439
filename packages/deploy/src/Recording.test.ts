import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { released } from "../test-fixtures/stateFolder.ts";
import { request } from "../test-fixtures/trips.ts";
import * as Predictor from "./Predictor.ts";
import * as Recording from "./Recording.ts";

const temporary = Effect.acquireRelease(
  Effect.promise(() => fs.mkdtemp(path.join(os.tmpdir(), "ml-pipe-recording-"))),
  (folder) => Effect.promise(() => fs.rm(folder, { recursive: true })),
);

/** The lines that are recorded of some requests, and the answers. */
const recorded = Effect.fnUntraced(function* (
  requests: ReadonlyArray<unknown>,
  options: Omit<Recording.RecordingOptions, "file"> & { readonly file?: string } = {},
) {
  const file = options.file ?? path.join(yield* temporary, "served.ndjson");
  const predictor = yield* Predictor.open(yield* released, "trip-delay");
  const answers = yield* Effect.scoped(
    Effect.gen(function* () {
      const recording = yield* Recording.record(predictor, { ...options, file });
      return yield* Effect.forEach(requests, (one) => Effect.result(recording.predict(one)));
    }),
  );
  const text = yield* Effect.promise(() => fs.readFile(file, "utf8").catch(() => ""));
  const lines = text.split("\n").filter((line) => line !== "");
  return { answers, lines: lines.map((line): unknown => JSON.parse(line)), predictor };
});

describe("record", () => {
  it.live("writes the request and its features, and answers as before", () =>
    Effect.gen(function* () {
      const { answers, lines, predictor } = yield* recorded([
        request,
        { ...request, km: -1 },
        request,
      ]);
      assert.deepStrictEqual(answers[0], yield* Effect.result(predictor.predict(request)));
      assert.isTrue(Result.isFailure(answers[1] ?? answers[0]!));
      assert.strictEqual(lines.length, 2);
      const [answer] = (yield* predictor.answer([request])).map(Result.getOrThrow);
      assert.isDefined(answer);
      const names = (predictor.featureSet?.features ?? []).map(({ name }) => `served_${name}`);
      const features = [...answer.features].map((one) => (Number.isNaN(one) ? null : one));
      assert.deepStrictEqual(lines[0], {
        ...JSON.parse(JSON.stringify(answer.request)),
        ...Object.fromEntries(names.map((name, index) => [name, features[index]])),
      });
    }),
  );

  it.live("takes an entity always or never, about the share of them that was asked for", () =>
    Effect.gen(function* () {
      const letters = "ABCDEFGHIJKLMNOPQRST";
      const stations = Array.from({ length: 400 }, (_, index) =>
        [20 * 20, 20, 1].map((by) => letters[Math.floor(index / by) % 20]).join(""),
      );
      const requests = stations.flatMap((from) =>
        [request, request].map((one) => ({ ...one, from })),
      );
      const { lines } = yield* recorded(requests, { share: 0.25 });
      const counts = new Map<string, number>();
      for (const line of lines) {
        const from = String(Object(line)["from"]);
        counts.set(from, (counts.get(from) ?? 0) + 1);
      }
      assert.isTrue([...counts.values()].every((count) => count === 2));
      assert.approximately(counts.size / 400, 0.25, 0.08);
      assert.deepStrictEqual((yield* recorded(requests, { share: 0 })).lines, []);
    }),
  );

  it.live("answers also where it cannot write, and says so once", () =>
    Effect.gen(function* () {
      const folder = yield* temporary;
      const problems: Array<string> = [];
      const { answers } = yield* recorded([request, request], {
        file: folder,
        onFailure: (problem) => problems.push(problem),
      });
      assert.isTrue(answers.every(Result.isSuccess));
      assert.strictEqual(problems.length, 1);
      assert.match(problems[0] ?? "", /EISDIR/);
    }),
  );
});
