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
  /**
   * `redis://user:password@host:6379/0`, or `rediss://…` over TLS. A certificate of an authority of your
   * own is trusted if `NODE_EXTRA_CA_CERTS` names the file with it when Node starts.
   */
  readonly url: Redacted.Redacted<string>;
  /** What the names of all keys begin with. Default `ml-pipe:features`. */
  readonly prefix?: string;
}

/**
 * The feature store in Redis. It is connected to when it is first used, which fails if it does not answer
 * within five seconds; when it goes away later, reading and writing fail until it is back.
 *
 * Rows that are appended together are in all histories or in none, also if several processes append at once
 * or one of them is killed. Redis keeps what it acknowledged as well as its own settings say (`appendonly`).
 * A Redis Cluster is refused: its parts cannot be written together.
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
        problem: problemOf(cause, url),
        next: adviceOn(cause),
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
  let last: unknown;
  client.on("error", (cause: unknown) => {
    last = cause;
  });
  // What is thrown has lost the code.
  await client.connect().catch((cause: unknown) => Promise.reject(last ?? cause));
  connected = true;
  if (await isCluster(client)) {
    client.destroy();
    throw new ClusterRefused();
  }
  return client;
};

/** A cluster, in which what is written together may be on several servers. */
class ClusterRefused extends Error {
  override readonly message = "it is a Redis Cluster, whose parts cannot be written together";
}

/** Whether a server is part of a cluster. Who may not ask is told when something is written. */
const isCluster = async (client: {
  readonly sendCommand: (command: ReadonlyArray<string>) => Promise<unknown>;
}): Promise<boolean> => {
  const info = await client.sendCommand(["INFO", "cluster"]).catch(() => "");
  return String(info).includes("cluster_enabled:1");
};

/** The server without who may use it. */
const nameOf = (url: Redacted.Redacted<string>): string => {
  const parsed = URL.parse(Redacted.value(url));
  return parsed === null ? "redis" : `${parsed.protocol}//${parsed.host}`;
};

/** What went wrong, by its code where it has one. A message may repeat the address, and with it the password. */
const problemOf = (cause: unknown, url: Redacted.Redacted<string>): string => {
  if (!(cause instanceof Error)) return "no reason was given";
  if ("code" in cause) return String(cause.code);
  const { message, name } = cause;
  const { password = "" } = URL.parse(Redacted.value(url)) ?? {};
  const repeats = [Redacted.value(url), password];
  if (repeats.some((secret) => secret !== "" && message.includes(secret))) return name;
  // Replies of the server begin with a code, such as WRONGPASS.
  return /^[A-Z]{4,}\b/.exec(message)?.[0] ?? message;
};

const adviceOn = (cause: unknown): string => {
  if (cause instanceof ClusterRefused) return "Give the address of a server that is in none.";
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return /CERT|ISSUER|ALTNAME/.test(code)
    ? "Its certificate is not trusted: let NODE_EXTRA_CA_CERTS name the file with that of its authority."
    : "Check that the server runs and that the address and password are right.";
};
