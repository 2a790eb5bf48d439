/** The feature store over connections to Redis. Keys of one series share a slot of a cluster. */
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import { decode, encode, layOut } from "./codec.ts";
import { advanced, applyAll, type Outcome } from "./contributions.ts";
import { FeatureStoreError } from "./FeatureStoreError.ts";
import type { Series } from "./series.ts";
import type { Addition, EntityState, FeatureStoreShape, Head, Read, Replacement } from "./shape.ts";

/** Sends a command. Those that are sent at once go in one round trip, and their replies come in order. */
export type Connection = (command: ReadonlyArray<string | Buffer>) => Promise<unknown>;

/** What the store stands on. */
interface RedisParts {
  readonly name: string;
  readonly prefix: string;
  readonly reading: Connection;
  readonly writing: Connection;
}

/** See {@link FeatureStoreShape}. */
export const overRedis = ({ name, prefix, reading, writing }: RedisParts): FeatureStoreShape => {
  const attempt = <A>(operation: string, run: () => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) =>
        cause instanceof FeatureStoreError
          ? cause
          : new FeatureStoreError({
              operation,
              store: name,
              problem: cause instanceof Error ? cause.message : String(cause),
              next: "Check that the server runs and can be reached.",
            }),
    });
  const keyOf = ({ id }: Series, ...rest: ReadonlyArray<string | number>): string =>
    [prefix, `{${id}}`, ...rest].join(":");
  const entityKey = (series: Series, entity: string) => keyOf(series, "entity", entity);
  const headIn = async (connection: Connection, series: Series): Promise<Head | undefined> => {
    const [from, batch, known] = listOf(
      await connection(["HMGET", keyOf(series), "from", "batch", "known"]),
    );
    if (!(from instanceof Buffer && batch instanceof Buffer && known instanceof Buffer)) return;
    return { fromHop: Number(from), batchHop: Number(batch), knownUntil: Number(known) };
  };

  const read = async (reads: ReadonlyArray<Read>): Promise<ReadonlyArray<EntityState>> => {
    const heads = new Map<string, Promise<Head | undefined>>();
    return Promise.all(
      reads.map(async ({ series, entity }): Promise<EntityState> => {
        const asked = heads.get(series.id) ?? headIn(reading, series);
        heads.set(series.id, asked);
        const [head, stored] = await Promise.all([
          asked,
          reading(["HGETALL", entityKey(series, entity)]),
        ]);
        const hops = pairsOf(stored)
          .map(([hop, bytes]) => ({ hop: Number(hop), bytes }))
          .toSorted((a, b) => a.hop - b.hop);
        return { head, buckets: hops.length === 0 ? undefined : layOut(series, hops) };
      }),
    );
  };

  /** Removes hops and the entities' buckets in them. */
  const dropHops = async (
    series: Series,
    hops: ReadonlyArray<number>,
  ): Promise<ReadonlyArray<Command>> => {
    const members = await Promise.all(
      hops.map(async (hop) => ({
        hop,
        entities: listOf(await writing(["SMEMBERS", keyOf(series, "hop", hop)])),
      })),
    );
    return members.flatMap(({ hop, entities }) => [
      ...entities.map((entity): Command => [
        "HDEL",
        entityKey(series, String(entity)),
        String(hop),
      ]),
      ["DEL", keyOf(series, "hop", hop)],
      ["HDEL", keyOf(series, "digests"), String(hop)],
      ["SREM", keyOf(series, "hops"), String(hop)],
    ]);
  };
  const putBuckets = (series: Series, buckets: Replacement["buckets"]): ReadonlyArray<Command> =>
    buckets.flatMap(({ entity, hop, columns }): ReadonlyArray<Command> => [
      ["HSET", entityKey(series, entity), String(hop), Buffer.from(encode(series, columns))],
      ["SADD", keyOf(series, "hop", hop), entity],
      ["SADD", keyOf(series, "hops"), String(hop)],
    ]);
  /** Moves the head, and forgets what is before it. */
  const moveHead = async (series: Series, head: Head): Promise<ReadonlyArray<Command>> => {
    const numbers = async (key: string) =>
      listOf(await writing(["SMEMBERS", keyOf(series, key)])).map(Number);
    const hops = (await numbers("hops")).filter((hop) => hop < head.fromHop);
    const owned = Math.max(head.batchHop, head.fromHop);
    const eventHops = (await numbers("event-hops")).filter((hop) => hop < owned);
    const events = await Promise.all(
      eventHops.map((hop) => writing(["SMEMBERS", keyOf(series, "events", hop)])),
    );
    return [
      ...(await dropHops(series, hops)),
      ...events
        .flatMap(listOf)
        .map((event): Command => ["HDEL", keyOf(series, "events"), String(event)]),
      ...eventHops.flatMap((hop): ReadonlyArray<Command> => [
        ["DEL", keyOf(series, "events", hop)],
        ["SREM", keyOf(series, "event-hops"), String(hop)],
      ]),
      ["HSET", keyOf(series), "from", String(head.fromHop)],
      ["HSET", keyOf(series), "batch", String(head.batchHop)],
      ["HSET", keyOf(series), "known", String(head.knownUntil)],
    ];
  };

  const replaceOnce = async (series: Series, { hops, buckets, head }: Replacement) => {
    const before = await headIn(writing, series);
    const dropped = await dropHops(series, [...hops.keys()]);
    const digests = [...hops].flatMap(([hop, digest]): ReadonlyArray<Command> =>
      digest === undefined ? [] : [["HSET", keyOf(series, "digests"), String(hop), digest]],
    );
    const moved = await moveHead(series, {
      fromHop: Math.max(before?.fromHop ?? -Infinity, head.fromHop),
      batchHop: Math.max(before?.batchHop ?? -Infinity, head.batchHop),
      knownUntil: Math.max(before?.knownUntil ?? -Infinity, head.knownUntil),
    });
    return {
      commands: [...dropped, ...digests, ...putBuckets(series, buckets), ...moved],
      result: undefined,
    };
  };

  const appendOnce = async ({ series, contributions, knownUntil }: Addition) => {
    const head = await headIn(writing, series);
    if (head === undefined) return { commands: [], result: undefined };
    const names = [...new Set(contributions.map(({ event }) => event))];
    const places = new Map(
      contributions.flatMap(({ entity, hop }) =>
        hop === null ? [] : [[`${hop} ${entity}`, { entity, hop }] as const],
      ),
    );
    const [contents, found] = await Promise.all([
      names.length === 0 ? [] : writing(["HMGET", keyOf(series, "events"), ...names]),
      Promise.all(
        [...places].map(async ([place, { entity, hop }]) => {
          const bytes = await writing(["HGET", entityKey(series, entity), String(hop)]);
          return [place, bytes instanceof Buffer ? decode(series, bytes) : undefined] as const;
        }),
      ),
    ]);
    const events = new Map(listOf(contents).map((content, index) => [names[index], content]));
    const buckets = new Map(found);
    const applied = applyAll(series, head, contributions, {
      content: (event) => {
        const content = events.get(event);
        return content instanceof Buffer ? content.toString() : undefined;
      },
      bucket: (entity, hop) => buckets.get(`${hop} ${entity}`),
    });
    const after = advanced(series, head, knownUntil);
    return {
      commands: [
        ...applied.events.flatMap(({ event, content, hop }): ReadonlyArray<Command> => [
          ["HSET", keyOf(series, "events"), event, content],
          ["SADD", keyOf(series, "events", hop), event],
          ["SADD", keyOf(series, "event-hops"), String(hop)],
        ]),
        ...putBuckets(series, applied.buckets),
        ...(after.knownUntil === head.knownUntil ? [] : await moveHead(series, after)),
      ],
      result: applied.outcomes,
    };
  };

  /** Reads, decides and writes as a whole: again if somebody else wrote to the series meanwhile. */
  const together = async <A>(
    series: Series,
    decide: () => Promise<{ readonly commands: ReadonlyArray<Command>; readonly result: A }>,
  ): Promise<A> => {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      await writing(["WATCH", keyOf(series, "writes")]);
      const { commands, result } = await decide().catch(async (cause: unknown) => {
        await writing(["UNWATCH"]);
        throw cause;
      });
      if (commands.length === 0) {
        await writing(["UNWATCH"]);
        return result;
      }
      const sent = [["MULTI"], ["INCR", keyOf(series, "writes")], ...commands, ["EXEC"]];
      const replies = await Promise.all(sent.map((command) => writing(command)));
      if (replies.at(-1) !== null) return result;
    }
    throw new Error(`others kept writing at the same time: ${maxAttempts} attempts were in vain`);
  };

  // WATCH is about the connection: one of this process writes at a time.
  const turn = Semaphore.makeUnsafe(1);
  const writes = <A>(operation: string, run: () => Promise<A>) =>
    turn.withPermits(1)(Effect.uninterruptible(attempt(operation, run)));

  return {
    name,
    synchronous: false,
    heads: (series) =>
      attempt("say how far it reaches", () =>
        Promise.all(series.map((one) => headIn(reading, one))),
      ),
    read: (reads) => attempt("be read", () => read(reads)),
    digests: (series) =>
      attempt("be read", async () => {
        const pairs = pairsOf(await reading(["HGETALL", keyOf(series, "digests")]));
        return new Map(pairs.map(([hop, digest]) => [Number(hop), digest.toString()]));
      }),
    replace: (series, replacement) =>
      writes("take a batch", () => together(series, () => replaceOnce(series, replacement))),
    append: (additions) =>
      writes("take rows", async () => {
        const outcomes: Array<ReadonlyArray<Outcome> | undefined> = [];
        for (const addition of additions) {
          outcomes.push(await together(addition.series, () => appendOnce(addition)));
        }
        return outcomes;
      }),
  };
};

type Command = ReadonlyArray<string | Buffer>;

const maxAttempts = 50;

const listOf = (reply: unknown): ReadonlyArray<unknown> => (Array.isArray(reply) ? reply : []);

/** Field and value, in turn. */
const pairsOf = (reply: unknown): ReadonlyArray<readonly [field: string, value: Buffer]> => {
  const all = listOf(reply);
  const pairs: Array<readonly [string, Buffer]> = [];
  for (let at = 0; at + 1 < all.length; at += 2) {
    const value = all[at + 1];
    if (value instanceof Buffer) pairs.push([String(all[at]), value]);
  }
  return pairs;
};
