import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { afterAll } from "vitest";
import {
  collector,
  nobody,
  type Received,
  spansOf,
} from "../../packages/observe/src/internal/collector.fixture.ts";
import { mlPipe, remove, variant, workspace } from "./support.ts";

const cwd = workspace("telemetry");
afterAll(() => remove(cwd));
const file = variant(cwd, "pipeline.ts");
const secret = "hunter2-of-the-collector";

const run = (state: string, env: NodeJS.ProcessEnv) =>
  Effect.promise(() => mlPipe(["run", file, "--state", state], { cwd, env }));

const environment = (url: string): NodeJS.ProcessEnv => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${secret}`,
  OTEL_SERVICE_NAME: "tiny-service",
});

/** Everything below a folder, as text. */
const contentOf = (folder: string): string =>
  readdirSync(join(cwd, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");

/** `name outcome`, and for stages within the run of which name. */
const treeOf = (received: ReadonlyArray<Received>): ReadonlyArray<string> => {
  const spans = spansOf(received);
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans.map(({ name, parentSpanId = "", attributes }) => {
    const outcome = attributes["ml_pipe.cache.outcome"] ?? attributes["ml_pipe.run.status"];
    return `${names.get(parentSpanId) ?? "-"} > ${name} ${String(outcome)}`;
  });
};

const stages = ["draw", "inspect", "train", "evaluate", "gate", "monitor"];

describe("ml-pipe run, told where to send telemetry", () => {
  it.live("sends a run as a trace of its stages; a second one says what it reused", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector();
      const first = yield* run("traced", environment(url));
      assert.strictEqual(first.code, 0, first.err);
      assert.deepStrictEqual(treeOf(received), [
        ...stages.map((stage) => `run tiny > stage ${stage} miss`),
        "- > run tiny succeeded",
      ]);
      const [draw, inspect] = spansOf(received);
      assert.deepInclude(draw?.attributes, {
        "ml_pipe.pipeline.name": "tiny",
        "ml_pipe.stage.status": "succeeded",
        "ml_pipe.rows": 3,
        "ml_pipe.stage.attempts": 1,
      });
      assert.strictEqual(inspect?.attributes["ml_pipe.findings.warn"], 1);
      assert.strictEqual(draw?.resource["service.name"], "tiny-service");
      for (const { headers } of received) {
        assert.strictEqual(headers.authorization, `Bearer ${secret}`);
      }

      const before = received.length;
      const second = yield* run("traced", environment(url));
      assert.strictEqual(second.code, 0, second.err);
      const again = received.slice(before);
      assert.deepStrictEqual(treeOf(again), [
        ...stages.map((stage) => `run tiny > stage ${stage} hit`),
        "- > run tiny succeeded",
      ]);
      assert.notStrictEqual(spansOf(again)[0]?.traceId, draw?.traceId);

      // The secret went to the collector, and nowhere else.
      for (const text of [first.out, first.err, second.out, second.err, contentOf("traced")]) {
        assert.notInclude(text, secret);
      }
      assert.notInclude(received.map(({ body }) => body).join(), secret);
    }),
  );

  it.live("says which stage failed, and why", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector();
      const { code } = yield* run("failing", { ...environment(url), TINY_MODE: "fail" });
      assert.strictEqual(code, 1);
      const [draw, whole] = spansOf(received);
      assert.deepStrictEqual(
        [draw?.name, draw?.status.code, draw?.attributes["error.type"]],
        ["stage draw", 2, "DrawFailed"],
      );
      assert.include(draw?.status.message, 'the urn "left" is empty');
      assert.deepStrictEqual([whole?.name, whole?.status.code], ["run tiny", 2]);
    }),
  );

  it.live("ends as ever without the collector, and says that it was not there", () =>
    Effect.gen(function* () {
      const url = yield* nobody;
      const { code, err, out } = yield* run("alone", environment(url));
      assert.strictEqual(code, 0);
      assert.include(err, `telemetry is incomplete: ${url} cannot be reached (ECONNREFUSED)`);
      assert.match(out, /succeeded in/);
      assert.notInclude(out + err + contentOf("alone"), secret);
    }),
  );
});
