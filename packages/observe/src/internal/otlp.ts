/**
 * The exporter of traces, metrics and logs. Loaded only where one is asked for: an HTTP client and its
 * kin take their time.
 */
import * as ConfigProvider from "effect/ConfigProvider";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as FetchHttpClient from "effect/http/FetchHttpClient";
import * as HttpClient from "effect/http/HttpClient";
import * as Layer from "effect/Layer";
import * as Otlp from "effect/observability/Otlp";
import * as OtlpSerialization from "effect/observability/OtlpSerialization";
import * as Option from "effect/Option";
import * as Scope from "effect/Scope";
import { problemOf } from "./problemOf.ts";

/** How it is sent; where to and with which headers is read where it is used. */
export interface Settings {
  readonly protocol: "http/protobuf" | "http/json";
  readonly timeoutMs: number;
}

/** Whom we talk to, and what went wrong, if that was the last thing that happened. */
interface Contact {
  origin: string;
  problem: string | undefined;
}

/** Exports what happens while it is there, and says at the end if that did not work. */
export const exporting = ({ protocol, timeoutMs }: Settings): Layer.Layer<never> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const contact: Contact = { origin: "the collector", problem: undefined };
      const scope = yield* Scope.make();
      const serialization =
        protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf;
      const defaults = yield* withDefaults(timeoutMs);
      const exporter = Otlp.layerFromConfig().pipe(
        Layer.provide([serialization, watched(contact), ConfigProvider.layer(defaults)]),
      );
      const built = yield* Effect.exit(Layer.buildWithScope(exporter, scope));
      if (Exit.isFailure(built)) {
        yield* Effect.logWarning(
          "no telemetry is sent, because one of the OTEL_ variables is not valid",
        );
      }
      yield* Effect.addFinalizer(() => end(scope, contact, timeoutMs));
      return Exit.isSuccess(built) ? built.value : Context.empty();
    }),
  );

/** What OpenTelemetry says for variables that are not set, and a name. */
const withDefaults = Effect.fnUntraced(function* (timeoutMs: number) {
  const provider = yield* ConfigProvider.ConfigProvider;
  const resource = yield* provider.load(["OTEL_RESOURCE_ATTRIBUTES"]).pipe(Effect.option);
  const named = Option.exists(
    resource,
    (node) => node?._tag === "Value" && /(?:^|,)\s*service\.name=/.test(node.value),
  );
  const defaults = {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_TIMEOUT: String(timeoutMs),
    ...(named ? {} : { OTEL_SERVICE_NAME: "ml-pipe" }),
  };
  return ConfigProvider.orElse(provider, ConfigProvider.fromEnvRecord(defaults));
});

/** An HTTP client that remembers whether it got through. Headers are never told: they have secrets. */
const watched = (contact: Contact) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) =>
      HttpClient.transform(client, (response, request) => {
        const { origin } = new URL(request.url);
        contact.origin = origin;
        return Effect.onExit(response, (exit) =>
          Effect.sync(() => {
            if (Exit.isFailure(exit)) {
              contact.problem = `${origin} ${problemOf(exit.cause)}`;
            } else if (exit.value.status >= 400) {
              contact.problem = `${origin} answers with status ${exit.value.status}`;
            } else {
              contact.problem = undefined;
            }
          }),
        );
      }),
    ),
  ).pipe(Layer.provide(FetchHttpClient.layer));

/** Sends what is left, for a limited time. */
const end = Effect.fnUntraced(function* (
  scope: Scope.Closeable,
  contact: Contact,
  timeoutMs: number,
) {
  const closing = yield* Effect.forkDetach(Scope.close(scope, Exit.void));
  const closed = yield* Fiber.await(closing).pipe(
    Effect.interruptible,
    Effect.timeoutOption(timeoutMs),
  );
  if (Option.isNone(closed)) closing.interruptUnsafe();
  const problem =
    contact.problem ??
    (Option.isNone(closed)
      ? `${contact.origin} has not answered within ${timeoutMs} ms`
      : undefined);
  if (problem === undefined) return;
  yield* Effect.logWarning(
    `telemetry is incomplete: ${problem}. The run is not concerned; see to OTEL_EXPORTER_OTLP_ENDPOINT.`,
  );
});
