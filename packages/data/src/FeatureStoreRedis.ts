/**
 * The feature store in Redis (from version 4 on, or Valkey): for several services that serve the same
 * state. What it holds and how rows enter it is that of the embedded store; only reading takes a round
 * trip, one for all that a request needs.
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Redacted from "effect/Redacted";
import { FeatureStore } from "./FeatureStore.ts";
import { FeatureStoreError } from "./featureStore/FeatureStoreError.ts";
import { type Connection, overRedis } from "./featureStore/redis.ts";

/** How the server is reached. */
export interface RedisOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://…` over TLS. */
  readonly url: Redacted.Redacted<string>;
  /** What the names of all keys begin with. Default `ml-pipe:features`. */
  readonly prefix?: string;
}

/**
 * The feature store in Redis. It is connected to when it is first used, which fails if it does not answer
 * within five seconds; when it goes away later, reading and writing fail until it is back.
 *
 * A row that is appended is in the state of a history as a whole or not at all, also if several processes
 * append at once. Redis keeps what it acknowledged as well as its own settings say (`appendonly`).
 *
 * @example
 * ```ts
 * import { FeatureStoreRedis } from "@ml-pipe/data";
 * import * as Config from "effect/Config";
 * import * as Effect from "effect/Effect";
 * import * as Layer from "effect/Layer";
 *
 * const store = Layer.unwrap(
 *   Effect.map(Config.Redacted("SHOP_REDIS_URL"), (url) => FeatureStoreRedis.layer({ url })),
 * );
 * ```
 */
export const layer = ({
  url,
  prefix = "ml-pipe:features",
}: RedisOptions): Layer.Layer<FeatureStore> =>
  Layer.effect(
    FeatureStore,
    Effect.gen(function* () {
      const name = nameOf(url);
      // Those who write watch what they read, which is a matter of a connection of its own.
      const [reading, writing] = yield* Effect.all([connection(url, name), connection(url, name)]);
      return overRedis({ name, prefix, reading, writing });
    }),
  );

/** The variable of the environment with the address of a server. */
export const urlVariable = "ML_PIPE_FEATURE_STORE";

/**
 * The feature store that the command line uses: Redis, if `ML_PIPE_FEATURE_STORE` says where, else the
 * embedded one of the state folder.
 *
 * @example
 * ```ts
 * import { FeatureStoreRedis } from "@ml-pipe/data";
 *
 * const store = FeatureStoreRedis.configured(".ml-pipe");
 * ```
 */
export const configured = (folder: string): Layer.Layer<FeatureStore> =>
  Layer.suspend(() => {
    const url = process.env[urlVariable];
    return url === undefined || url === ""
      ? FeatureStore.layer(folder)
      : layer({ url: Redacted.make(url) });
  });

/** A connection that is made when it is first used, and closed with the scope. */
const connection = Effect.fnUntraced(function* (url: Redacted.Redacted<string>, name: string) {
  let opened: ReturnType<typeof connect> | undefined;
  yield* Effect.addFinalizer(() =>
    Effect.promise(async () => (await opened?.catch(() => undefined))?.destroy()),
  );
  const open = () =>
    (opened ??= connect(url).catch((cause: unknown) => {
      opened = undefined;
      throw new FeatureStoreError({
        operation: "be reached",
        store: name,
        // A message may repeat the address, and with it the password.
        problem: codeOf(cause),
        next: "Check that the server runs and that the address and password are right.",
      });
    }));
  const connection: Connection = async (command) => (await open()).sendCommand(command);
  return connection;
});

const connect = async (url: Redacted.Redacted<string>) => {
  const { createClient, RESP_TYPES } = await import("@redis/client");
  let connected = false;
  const client = createClient({
    url: Redacted.value(url),
    RESP: 2,
    disableOfflineQueue: true,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    socket: {
      connectTimeout: 5_000,
      // Who is refused at first is told; who loses the server later waits for it to come back.
      reconnectStrategy: (retries, cause) =>
        connected ? Math.min(50 * 2 ** retries, 2_000) : cause,
    },
  });
  // Without a listener the process would end; what fails is told to whoever asked.
  client.on("error", () => {});
  await client.connect();
  connected = true;
  return client;
};

/** The server without who may use it. */
const nameOf = (url: Redacted.Redacted<string>): string => {
  const parsed = URL.parse(Redacted.value(url));
  return parsed === null ? "redis" : `${parsed.protocol}//${parsed.host}`;
};

const codeOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause);
  if ("code" in cause) return String(cause.code);
  // Replies of the server begin with a code, such as WRONGPASS.
  return /^[A-Z]+\b/.exec(cause.message)?.[0] ?? cause.name;
};
