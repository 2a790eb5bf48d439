/**
 * Runs in the words of OpenLineage: which job read and wrote which data, for catalogues such as Marquez
 * or DataHub.
 *
 * A pipeline is a job and each of its stages another; tables, models and other artifacts are datasets,
 * with their columns, rows and bytes. The variables are those of the OpenLineage clients:
 * `OPENLINEAGE_URL` and its kin. If it is not set, nothing is made and nothing is sent.
 */
import { fileURLToPath } from "node:url";
import type { Engine, Run } from "@ml-pipe/core";
import * as Config from "effect/Config";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import { fileSink, httpSink } from "./internal/lineage/sink.ts";
import { type LineageEvent, translator } from "./internal/lineage/translate.ts";

export type { LineageEvent };

/** How events are named. */
export interface Options {
  /** Of jobs, and of data in the state folder. Default: `default`. */
  readonly namespace?: string;
}

/**
 * Turns what the engine tells into events of OpenLineage, as it happens. Keeps what has started and
 * which data there is: one for each run.
 *
 * @example
 * ```ts
 * import type { Engine } from "@ml-pipe/core";
 * import { OpenLineage } from "@ml-pipe/observe";
 * import * as Effect from "effect/Effect";
 *
 * const translate = OpenLineage.translate({ namespace: "nightly" });
 * const onEvent = (event: Engine.RunEvent) =>
 *   Effect.forEach(translate(event), (made) => Effect.logInfo(JSON.stringify(made)), { discard: true });
 * ```
 */
export const translate = ({ namespace = "default" }: Options = {}): ((
  event: Engine.RunEvent,
) => ReadonlyArray<LineageEvent>) => translator(namespace);

/**
 * The events of a run that is recorded: to fill a catalogue with the past. They are those that were
 * made when it ran, with the same ids.
 *
 * @example
 * ```ts
 * import { Store } from "@ml-pipe/core";
 * import { OpenLineage } from "@ml-pipe/observe";
 * import * as Effect from "effect/Effect";
 * import * as Option from "effect/Option";
 *
 * const newest = Store.Store.use((store) => store.run()).pipe(
 *   Effect.map(Option.map((run) => OpenLineage.events(run))),
 * );
 * ```
 */
export const events = (run: Run.Run, options: Options = {}): ReadonlyArray<LineageEvent> => {
  const told: Array<{ readonly at: Date; readonly event: Engine.RunEvent }> = [];
  const began = run.resumedAt?.at(-1) ?? run.startedAt;
  // In the graph's order, in which what is at the same instant stays.
  for (const stage of run.stages) {
    const { status, startedAt, endedAt } = stage;
    if (status === "skipped" || status === "not-reached") continue;
    const isExecuted = status !== "cached" && startedAt >= began;
    if (isExecuted) told.push({ at: startedAt, event: { _tag: "StageStarted", stage } });
    if (endedAt !== undefined) told.push({ at: endedAt, event: { _tag: "StageEnded", stage } });
  }
  told.sort((a, b) => a.at.getTime() - b.at.getTime());
  const all: ReadonlyArray<Engine.RunEvent> = [
    { _tag: "RunStarted", run },
    ...told.map(({ event }) => event),
    ...(run.endedAt === undefined ? [] : [{ _tag: "RunEnded", run } as const]),
  ];
  return all.flatMap(translate(options));
};

/** What tells lineage. */
export interface OpenLineageShape {
  /** Give it to the run as its listener, or as part of it. */
  readonly onEvent: (event: Engine.RunEvent) => Effect.Effect<void>;
}

/** See {@link layer}. */
export class OpenLineage extends Context.Service<OpenLineage, OpenLineageShape>()(
  "@ml-pipe/observe/OpenLineage",
) {}

const silent = Layer.succeed(OpenLineage, { onEvent: () => Effect.void });

const asked = Config.all({
  disabled: Config.Boolean("OPENLINEAGE_DISABLED").pipe(Config.withDefault(false)),
  url: Config.option(Config.URL("OPENLINEAGE_URL")),
  endpoint: Config.String("OPENLINEAGE_ENDPOINT").pipe(Config.withDefault("api/v1/lineage")),
  apiKey: Config.option(Config.Redacted("OPENLINEAGE_API_KEY")),
  namespace: Config.String("OPENLINEAGE_NAMESPACE").pipe(Config.withDefault("default")),
});

/**
 * Tells lineage to where the environment says, or does nothing. `OPENLINEAGE_URL` is a server, or a
 * file such as `file:///var/log/lineage.ndjson`. A server that is not there is a warning, and delays
 * the end by 3 seconds at most.
 *
 * @example
 * ```ts
 * import { OpenLineage } from "@ml-pipe/observe";
 * import * as Effect from "effect/Effect";
 *
 * const listener = OpenLineage.OpenLineage.use(({ onEvent }) => Effect.succeed(onEvent)).pipe(
 *   Effect.provide(OpenLineage.layer),
 * );
 * ```
 */
export const layer: Layer.Layer<OpenLineage> = Layer.unwrap(
  Effect.gen(function* () {
    const read = yield* Effect.result(asked);
    const none = (problem: string) =>
      Effect.as(Effect.logWarning(`no lineage is told, because ${problem}`), silent);
    if (Result.isFailure(read)) {
      return yield* none(`its settings are not valid: ${read.failure.message}`);
    }
    const { disabled, url, endpoint, apiKey, namespace } = read.success;
    if (disabled || Option.isNone(url)) return silent;
    const where = placeOf(url.value, endpoint);
    if (where === undefined) {
      return yield* none("OPENLINEAGE_URL is neither http://…, https://… nor file:///…");
    }
    return Layer.effect(
      OpenLineage,
      Effect.gen(function* () {
        const sink =
          "file" in where ? yield* fileSink(where.file) : yield* httpSink(where.server, apiKey);
        const translate = translator(namespace);
        return OpenLineage.of({
          onEvent: (event) =>
            Effect.sync(() => {
              for (const made of translate(event)) sink(JSON.stringify(made));
            }),
        });
      }),
    );
  }),
);

/** A file, or the endpoint below the URL, whatever slashes there are. */
const placeOf = (
  url: URL,
  endpoint: string,
): { readonly file: string } | { readonly server: URL } | undefined => {
  switch (url.protocol) {
    case "file:":
      return url.host === "" ? { file: fileURLToPath(url) } : undefined;
    case "http:":
    case "https:": {
      const server = new URL(url);
      server.pathname = [url.pathname.replace(/\/+$/, ""), endpoint.replace(/^\/+/, "")].join("/");
      return { server };
    }
    default:
      return undefined;
  }
};
