/**
 * Traces, metrics and logs of runs for OpenTelemetry: sent by OTLP if the environment says where to.
 *
 * A run is a span, each of its stages one within it, with rows, bytes, findings and whether its output
 * was reused. The variables are those of OpenTelemetry itself: `OTEL_EXPORTER_OTLP_ENDPOINT` and its
 * kin. If none is set, nothing is loaded and nothing is sent.
 */
import type { Engine } from "@ml-pipe/core";
import * as Config from "effect/Config";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Result from "effect/Result";

/** What is measured of a run. */
export interface TelemetryShape {
  /** Counts what the engine tells; give it to the run as its listener, or as part of it. */
  readonly onEvent: (event: Engine.RunEvent) => Effect.Effect<void>;
}

/** See {@link layer}. */
export class Telemetry extends Context.Service<Telemetry, TelemetryShape>()(
  "@ml-pipe/observe/Telemetry",
) {}

const silent = Layer.succeed(Telemetry, { onEvent: () => Effect.void });

const asked = Config.all({
  disabled: Config.Boolean("OTEL_SDK_DISABLED").pipe(Config.withDefault(false)),
  endpoints: Config.all(
    ["", "TRACES_", "METRICS_", "LOGS_"].map((signal) =>
      Config.option(Config.URL(`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`)),
    ),
  ),
  protocol: Config.Literals(["http/protobuf", "http/json"], "OTEL_EXPORTER_OTLP_PROTOCOL").pipe(
    Config.withDefault("http/protobuf"),
  ),
  /** How long the end of a run may wait for what is not sent yet. */
  timeoutMs: Config.Int("OTEL_EXPORTER_OTLP_TIMEOUT").pipe(Config.withDefault(2_000)),
});

/**
 * Sends traces, metrics and logs where the environment says, or does nothing. A collector that is not
 * there is a warning at the end, and delays it by `OTEL_EXPORTER_OTLP_TIMEOUT` at most (2 seconds).
 *
 * @example
 * ```ts
 * import { Telemetry } from "@ml-pipe/observe";
 * import * as Effect from "effect/Effect";
 *
 * const traced = Effect.log("ready").pipe(Effect.withSpan("start"), Effect.provide(Telemetry.layer));
 * ```
 */
export const layer: Layer.Layer<Telemetry> = Layer.unwrap(
  Effect.gen(function* () {
    const read = yield* Effect.result(asked);
    if (Result.isFailure(read)) {
      yield* Effect.logWarning(
        `no telemetry is sent, because its settings are not valid: ${read.failure.message}. The OTEL_EXPORTER_OTLP_ variables take URLs, and http/protobuf or http/json as protocol.`,
      );
      return silent;
    }
    const { disabled, endpoints, ...settings } = read.success;
    if (disabled || endpoints.every(Option.isNone)) return silent;
    const { exporting } = yield* Effect.promise(() => import("./internal/otlp.ts"));
    const { measurer } = yield* Effect.promise(() => import("./internal/metrics.ts"));
    return Layer.merge(
      Layer.sync(Telemetry, () => ({ onEvent: measurer() })),
      exporting(settings),
    );
  }),
);
