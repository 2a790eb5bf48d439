import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { type Engine, Pipeline, Stage } from "@ml-pipe/core";
import { assert, describe, it } from "@effect/vitest";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { collector } from "./internal/collector.fixture.ts";
import { charter, keptLogs, runIn, temporaryFolder } from "./internal/observe.fixture.ts";
import * as Observer from "./Observer.ts";
import * as RunLog from "./RunLog.ts";

const talk = Stage.make("talk", {
  input: {},
  output: Schema.Int,
  run: () => Effect.as(Effect.logWarning("careful"), 1),
});
const pipeline = Pipeline.make("p", { charter }, () => ({ out: talk() }));

describe("all that watches a run", () => {
  it.live("hears of it at once: the terminal, the log, the collector and the lineage", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const { url, received } = yield* collector();
      const { lines, layer } = keptLogs();
      const lineage = path.join(folder, "lineage.ndjson");
      const environment = {
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OPENLINEAGE_URL: pathToFileURL(lineage).href,
      };
      const { run } = yield* Effect.gen(function* () {
        const { onEvent } = yield* Observer.Observer;
        return yield* runIn(folder, pipeline, { onEvent });
      }).pipe(
        Effect.provide(Observer.layer(folder)),
        Effect.provide(
          Layer.merge(layer, ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))),
        ),
      );
      assert.lengthOf(
        lines.filter((line) => line.includes("careful")),
        1,
      );
      const entries = yield* Stream.runCollect(RunLog.read(folder, run.id, { level: "warn" }));
      assert.deepStrictEqual(
        entries.map(({ message }) => message),
        ["careful"],
      );
      const bodies = (name: string) =>
        received.filter(({ path }) => path === name).map(({ body }) => body);
      assert.include(bodies("/v1/logs").join(), "careful");
      // The log names the span that the trace has.
      assert.include(bodies("/v1/traces").join(), entries[0]?.spanId ?? "no span");
      assert.include(bodies("/v1/metrics").join(), "ml_pipe.stage.duration");
      assert.include(fs.readFileSync(lineage, "utf8"), '"eventType":"COMPLETE"');
    }),
  );

  it.effect("does no harm with a mistake of its own", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const { lines, layer } = keptLogs();
      yield* Effect.gen(function* () {
        const { onEvent } = yield* Observer.Observer;
        const { events } = yield* runIn(folder, pipeline);
        const [started] = events;
        assert.isDefined(started);
        // A record that cannot be: its time is none.
        const wrong: Engine.RunEvent =
          started._tag === "RunStarted"
            ? { ...started, run: { ...started.run, startedAt: new Date(Number.NaN) } }
            : started;
        yield* onEvent(wrong);
      }).pipe(
        Effect.provide(Observer.layer(folder)),
        Effect.provide(
          Layer.merge(
            layer,
            ConfigProvider.layer(
              ConfigProvider.fromEnvRecord({
                OPENLINEAGE_URL: pathToFileURL(path.join(folder, "l.ndjson")).href,
              }),
            ),
          ),
        ),
      );
      const warnings = lines.filter((line) => line.includes("what watches the run has failed"));
      assert.lengthOf(warnings, 1);
      assert.include(warnings[0], "Invalid time value");
    }),
  );
});
