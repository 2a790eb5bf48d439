import { Pipeline, Stage } from "@ml-pipe/core";
import { assert, describe, it } from "@effect/vitest";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as Tracer from "effect/Tracer";
import { collector, nobody, spansOf } from "./internal/collector.fixture.ts";
import { charter, keptLogs, runIn, temporaryFolder } from "./internal/observe.fixture.ts";
import * as Telemetry from "./Telemetry.ts";

class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {
  override get message() {
    return "it broke. Mend it.";
  }
}

const counted = Stage.make("count", {
  input: {},
  output: Schema.Int,
  run: (_, { progress }) =>
    Effect.gen(function* () {
      yield* progress({ label: "counted", rows: 12 });
      yield* Effect.logInfo("counted them");
      return 12;
    }),
});

const broken = Stage.make("break", {
  input: { n: Schema.Int },
  output: Schema.Int,
  run: () => Effect.fail(new Broken()),
});

const good = Pipeline.make("good", { charter }, () => ({ out: counted() }));
const bad = Pipeline.make("bad", { charter }, () => ({ out: broken({ n: counted() }) }));

/** Runs a pipeline with these variables; what it logs, and how long the end has taken. */
const runWith = Effect.fnUntraced(function* (
  environment: { readonly [name: string]: string },
  pipeline: typeof good | typeof bad = good,
) {
  const folder = yield* temporaryFolder;
  const { lines, layer } = keptLogs();
  let ended = 0;
  const { run } = yield* Effect.gen(function* () {
    const { onEvent } = yield* Telemetry.Telemetry;
    const result = yield* runIn(folder, pipeline, { onEvent });
    ended = performance.now();
    return result;
  }).pipe(
    Effect.provide(Telemetry.layer),
    Effect.provide(
      Layer.merge(layer, ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))),
    ),
  );
  return { run, lines, flushMillis: performance.now() - ended };
});

describe("with a collector", () => {
  it.live("a run is sent as traces, logs and metrics, with the headers that are asked for", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector();
      const { run, lines } = yield* runWith({
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=hunter2,tenant=a%20b",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
      });
      assert.deepStrictEqual([...new Set(received.map(({ path }) => path))].toSorted(), [
        "/v1/logs",
        "/v1/metrics",
        "/v1/traces",
      ]);
      for (const { headers } of received) {
        assert.deepInclude(headers, { "x-api-key": "hunter2", tenant: "a b" });
        assert.strictEqual(headers["content-type"], "application/json");
      }
      const [stage, whole, ...others] = spansOf(received);
      assert.deepStrictEqual(others, []);
      assert.deepStrictEqual([stage?.name, whole?.name], ["stage count", "run good"]);
      assert.strictEqual(stage?.parentSpanId, whole?.spanId);
      assert.strictEqual(stage?.traceId, whole?.traceId);
      assert.isUndefined(whole?.parentSpanId);
      assert.deepInclude(stage?.attributes, {
        "ml_pipe.run.id": run.id,
        "ml_pipe.pipeline.name": "good",
        "ml_pipe.stage.name": "count",
        "ml_pipe.stage.status": "succeeded",
        "ml_pipe.cache.outcome": "miss",
        "ml_pipe.rows": 12,
      });
      assert.deepInclude(whole?.resource, {
        "service.name": "ml-pipe",
        "deployment.environment.name": "test",
      });
      const bodies = (path: string) =>
        received.filter((one) => one.path === path).map(({ body }) => body);
      const logs = bodies("/v1/logs").join("");
      assert.include(logs, "counted them");
      assert.include(logs, stage?.spanId ?? "no span");
      const metrics = bodies("/v1/metrics").join("");
      assert.include(metrics, '"name":"ml_pipe.stage.duration"');
      assert.include(metrics, '"name":"ml_pipe.stage.rows"');
      assert.include(metrics, '"name":"ml_pipe.run.duration"');
      assert.notInclude(lines.join("\n"), "telemetry");
    }),
  );

  it.live("a stage that fails is an error, with what it was", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector();
      yield* runWith(
        {
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces`,
          OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
          OTEL_SERVICE_NAME: "nightly",
        },
        bad,
      );
      const spans = spansOf(received);
      assert.deepStrictEqual(
        spans.map(({ name, status }) => [name, status.code]),
        [
          ["stage count", 1],
          ["stage break", 2],
          ["run bad", 2],
        ],
      );
      assert.strictEqual(spans[1]?.status.message, "it broke. Mend it.");
      assert.strictEqual(spans[1]?.events[0]?.name, "exception");
      assert.strictEqual(spans[1]?.attributes["error.type"], "Broken");
      assert.strictEqual(spans[0]?.resource["service.name"], "nightly");
      // Only traces were asked for.
      assert.deepStrictEqual([...new Set(received.map(({ path }) => path))], ["/v1/traces"]);
    }),
  );

  it.live("what is sent is protobuf, if nothing else is said", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector();
      yield* runWith({
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_RESOURCE_ATTRIBUTES: "service.name=from-resource",
      });
      const [traces] = received.filter(({ path }) => path === "/v1/traces");
      assert.strictEqual(traces?.headers["content-type"], "application/x-protobuf");
      assert.include(traces?.body, "stage count");
      assert.include(traces?.body, "from-resource");
    }),
  );
});

describe("without one", () => {
  it.effect("nothing is traced or sent", () =>
    Effect.gen(function* () {
      const tracer = yield* Tracer.Tracer;
      const environments = [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: "" }];
      for (const environment of environments) {
        yield* Effect.gen(function* () {
          assert.strictEqual(yield* Tracer.Tracer, tracer);
        }).pipe(
          Effect.provide(Telemetry.layer),
          Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))),
        );
      }
    }),
  );

  it.live("nothing is sent if telemetry is switched off", () =>
    Effect.gen(function* () {
      const { url, received } = yield* collector();
      yield* runWith({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: "true" });
      assert.deepStrictEqual(received, []);
    }),
  );
});

describe("a collector that does not work", () => {
  const problems = (lines: ReadonlyArray<string>) =>
    lines.filter((line) => line.includes("telemetry"));
  const secret = { OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer hunter2" };

  const cases = [
    ["that is not there", "cannot be reached (ECONNREFUSED)", nobody],
    [
      "that refuses",
      "answers with status 401",
      Effect.map(
        collector(() => 401),
        ({ url }) => url,
      ),
    ],
    [
      "that never answers",
      "has not answered",
      Effect.map(
        collector(() => "nothing"),
        ({ url }) => url,
      ),
    ],
  ] as const;
  for (const [name, words, where] of cases) {
    it.live(`${name} is one warning, and the run is not concerned`, () =>
      Effect.gen(function* () {
        const url = yield* where;
        const { run, lines, flushMillis } = yield* runWith({
          ...secret,
          OTEL_EXPORTER_OTLP_ENDPOINT: url,
          OTEL_EXPORTER_OTLP_TIMEOUT: "300",
        });
        assert.strictEqual(run.status, "succeeded");
        assert.lengthOf(problems(lines), 1, lines.join("\n"));
        assert.include(problems(lines)[0], words);
        assert.include(problems(lines)[0], url);
        assert.notInclude(lines.join("\n"), "hunter2");
        // Three exporters, but one time limit; far more on a busy machine than it takes.
        assert.isBelow(flushMillis, 10_000);
      }),
    );
  }

  it.live("or settings that are not valid are a warning that says so", () =>
    Effect.gen(function* () {
      const url = "http://127.0.0.1:9";
      for (const environment of [
        { OTEL_EXPORTER_OTLP_ENDPOINT: "no url" },
        { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
        { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_COMPRESSION: "brotli" },
      ]) {
        const { run, lines } = yield* runWith({ ...secret, ...environment });
        assert.strictEqual(run.status, "succeeded");
        assert.lengthOf(problems(lines), 1, lines.join("\n"));
        assert.include(problems(lines)[0], "no telemetry is sent");
        assert.notInclude(lines.join("\n"), "hunter2");
      }
    }),
  );
});
