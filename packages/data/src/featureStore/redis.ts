/**
 * The feature store over connections to Redis. What a writer reads and writes is one transaction, so the
 * keys of a feature set share a hash tag.
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import { decode, edit, type EntityBuckets, layOut } from "./codec.ts";
import { advanced, applyAll, farther, type Outcome } from "./contributions.ts";
import { FeatureStoreError } from "./FeatureStoreError.ts";
import type { StoredSeries } from "./prune.ts";
import type { Series } from "./series.ts";
import type {
  Addition,
  EntityState,
  FeatureStoreShape,
  Head,
  Read,
  Replacement,
  StoredBucket,
} from "./shape.ts";

/** Sends a command. Those that are sent at once go in one round trip, and their replies come in order. */
export type Connection = (command: ReadonlyArray<string | Buffer>) => Promise<unknown>;

/** What the store stands on. */
interface RedisParts {
  readonly name: string;
  readonly prefix: string;
  readonly reading: Connection;
  readonly writing: Connection;
}

/** What keys are made of. */
type Named = Pick<Series, "id" | "featureSet">;

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
  const keyOf = ({ id, featureSet }: Named, ...rest: ReadonlyArray<string | number>): string =>
    [prefix, `{${featureSet}}`, id, ...rest].join(":");
  /** The names of all series, under a key of its own. */
  const seriesKey = `${prefix}:series`;
  const nameOf = ({ id, featureSet }: Named): string => JSON.stringify([id, featureSet]);
  const entityKey = (series: Named, entity: string) => keyOf(series, "entity", entity);
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
          reading(["GET", entityKey(series, entity)]),
        ]);
        return { head, buckets: stored instanceof Buffer ? layOut(series, stored) : undefined };
      }),
    );
  };

  const membersOf = async (key: string): Promise<ReadonlyArray<string>> =>
    listOf(await writing(["SMEMBERS", key])).map(String);
  const bucketsOf = async (
    series: Series,
    entities: Iterable<string>,
  ): Promise<ReadonlyMap<string, EntityBuckets>> =>
    new Map(
      await Promise.all(
        Array.from(entities, async (entity) => {
          const bytes = await writing(["GET", entityKey(series, entity)]);
          const buckets = decode(series, bytes instanceof Buffer ? bytes : undefined);
          return [entity, buckets] as const;
        }),
      ),
    );

  /** Puts buckets in the place of all that is in some hops, and forgets what is before the head. */
  const write = async (
    series: Series,
    { head, hops, buckets }: Writing,
    now: number,
  ): Promise<ReadonlyArray<Command>> => {
    const known = (await membersOf(keyOf(series, "hops"))).map(Number);
    const old = known.filter((hop) => hop < head.fromHop);
    const emptied = [...new Set([...hops, ...old])];
    const members = await Promise.all(emptied.map((hop) => membersOf(keyOf(series, "hop", hop))));
    const puts = Map.groupBy(
      buckets.filter(({ hop }) => hop >= head.fromHop),
      ({ entity }) => entity,
    );
    const stored = await bucketsOf(series, new Set([...puts.keys(), ...members.flat()]));
    const keeps = (hop: number) => hop >= head.fromHop && !hops.has(hop);
    const owned = Math.max(head.batchHop, head.fromHop);
    const eventHops = (await membersOf(keyOf(series, "event-hops"))).map(Number);
    const pastHops = eventHops.filter((hop) => hop < owned);
    const events = await Promise.all(
      pastHops.map((hop) => membersOf(keyOf(series, "events", hop))),
    );
    return [
      ...emptied.flatMap((hop): ReadonlyArray<Command> => [
        ["DEL", keyOf(series, "hop", hop)],
        ["HDEL", keyOf(series, "digests"), String(hop)],
        ["SREM", keyOf(series, "hops"), String(hop)],
      ]),
      ...[...stored].flatMap(([entity, before]): ReadonlyArray<Command> => {
        const put = puts.get(entity) ?? [];
        const bytes = edit(series, before, keeps, put);
        const key = entityKey(series, entity);
        return [
          bytes === undefined ? ["DEL", key] : ["SET", key, Buffer.from(bytes)],
          ...put.flatMap(({ hop }): ReadonlyArray<Command> => [
            ["SADD", keyOf(series, "hop", hop), entity],
            ["SADD", keyOf(series, "hops"), String(hop)],
          ]),
        ];
      }),
      ...events.flat().map((event): Command => ["HDEL", keyOf(series, "events"), event]),
      ...pastHops.flatMap((hop): ReadonlyArray<Command> => [
        ["DEL", keyOf(series, "events", hop)],
        ["SREM", keyOf(series, "event-hops"), String(hop)],
      ]),
      [
        ["HSET", keyOf(series)],
        ["from", String(head.fromHop), "batch", String(head.batchHop)],
        ["known", String(head.knownUntil), "written", String(now)],
      ].flat(),
    ];
  };

  const replaceOnce = async (
    series: Series,
    { hops, buckets, head }: Replacement,
    now: number,
  ): Promise<Decision<void>> => {
    const before = await headIn(writing, series);
    await writing(["SADD", seriesKey, nameOf(series)]);
    const after = before === undefined ? head : farther(before, head);
    const commands = await write(series, { head: after, hops: new Set(hops.keys()), buckets }, now);
    const digests = [...hops].flatMap(([hop, digest]): ReadonlyArray<Command> =>
      digest === undefined ? [] : [["HSET", keyOf(series, "digests"), String(hop), digest]],
    );
    return { commands: [...commands, ...digests], result: undefined };
  };

  const appendOnce = async (
    { series, contributions, knownUntil }: Addition,
    head: Head,
    now: number,
  ): Promise<Decision<ReadonlyArray<Outcome>>> => {
    const names = [...new Set(contributions.map(({ event }) => event))];
    const entities = new Set(contributions.map(({ entity }) => entity));
    const [contents, stored] = await Promise.all([
      names.length === 0 ? [] : writing(["HMGET", keyOf(series, "events"), ...names]),
      bucketsOf(series, entities),
    ]);
    const known = new Map(listOf(contents).map((content, index) => [names[index], content]));
    const { outcomes, events, buckets } = applyAll(series, head, contributions, {
      content: (event) => {
        const content = known.get(event);
        return content instanceof Buffer ? content.toString() : undefined;
      },
      bucket: (entity, hop) => stored.get(entity)?.get(hop),
    });
    const after = advanced(series, head, knownUntil);
    return {
      commands: [
        ...events.flatMap(({ event, content, hop }): ReadonlyArray<Command> => [
          ["HSET", keyOf(series, "events"), event, content],
          ["SADD", keyOf(series, "events", hop), event],
          ["SADD", keyOf(series, "event-hops"), String(hop)],
        ]),
        ...(await write(series, { head: after, hops: noHops, buckets }, now)),
      ],
      result: outcomes,
    };
  };

  const appendAll = async (
    additions: ReadonlyArray<Addition>,
    now: number,
  ): Promise<Decision<ReadonlyArray<ReadonlyArray<Outcome> | undefined>>> => {
    const found = await Promise.all(additions.map(({ series }) => headIn(writing, series)));
    if (found.includes(undefined)) {
      return { commands: [], result: found.map((head) => (head === undefined ? head : [])) };
    }
    const all = await Promise.all(
      additions.flatMap((addition, index) => {
        const head = found[index];
        return head === undefined ? [] : [appendOnce(addition, head, now)];
      }),
    );
    return {
      commands: all.flatMap(({ commands }) => commands),
      result: all.map(({ result }) => result),
    };
  };

  const writtenOf = async (connection: Connection, series: Named) => {
    const reply = await connection(["HMGET", keyOf(series), "known", "written"]);
    const [known, written] = listOf(reply);
    return known instanceof Buffer && written instanceof Buffer
      ? { knownUntil: new Date(Number(known)), writtenAt: new Date(Number(written)) }
      : undefined;
  };
  const allSeries = async (): Promise<ReadonlyArray<StoredSeries>> => {
    const names = listOf(await reading(["SMEMBERS", seriesKey]))
      .map(String)
      .toSorted();
    const found = await Promise.all(
      names.map(async (name): Promise<ReadonlyArray<StoredSeries>> => {
        const [id, featureSet] = listOf(JSON.parse(name)).map(String);
        if (id === undefined || featureSet === undefined) return [];
        const written = await writtenOf(reading, { id, featureSet });
        return written === undefined ? [] : [{ id, featureSet, ...written }];
      }),
    );
    return found.flat().toSorted((a, b) => (a.featureSet < b.featureSet ? -1 : 1));
  };
  const dropOnce = async (series: StoredSeries): Promise<Decision<boolean>> => {
    const now = await writtenOf(writing, series);
    if (now?.writtenAt.getTime() !== series.writtenAt.getTime()) {
      return { commands: [], result: false };
    }
    const hops = await membersOf(keyOf(series, "hops"));
    const members = await Promise.all(hops.map((hop) => membersOf(keyOf(series, "hop", hop))));
    const eventHops = await membersOf(keyOf(series, "event-hops"));
    const keys = [
      ...[...new Set(members.flat())].map((entity) => entityKey(series, entity)),
      ...hops.map((hop) => keyOf(series, "hop", hop)),
      ...eventHops.map((hop) => keyOf(series, "events", hop)),
      ...["hops", "digests", "events", "event-hops", "writes"].map((one) => keyOf(series, one)),
      keyOf(series),
    ];
    return { commands: keys.map((key): Command => ["DEL", key]), result: true };
  };

  /** Reads, decides and writes as a whole: again if somebody else wrote to a series meanwhile. */
  const together = async <A>(
    series: ReadonlyArray<Named>,
    decide: () => Promise<Decision<A>>,
  ): Promise<A> => {
    const writes = series.map((one) => keyOf(one, "writes"));
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      await writing(["WATCH", ...writes]);
      const { commands, result } = await decide().catch(async (cause: unknown) => {
        await writing(["UNWATCH"]);
        throw cause;
      });
      if (commands.length === 0) {
        await writing(["UNWATCH"]);
        return result;
      }
      const counted = writes.map((key): Command => ["INCR", key]);
      const sent: ReadonlyArray<Command> = [["MULTI"], ...counted, ...commands, ["EXEC"]];
      const replies = await Promise.all(sent.map((command) => writing(command)));
      if (replies.at(-1) !== null) return result;
    }
    throw new Error(`others kept writing at the same time: ${maxAttempts} attempts were in vain`);
  };

  // WATCH is about the connection: one of this process writes at a time.
  const turn = Semaphore.makeUnsafe(1);
  const writes = <A>(operation: string, run: (now: number) => Promise<A>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      turn.withPermits(1)(Effect.uninterruptible(attempt(operation, () => run(now)))),
    );

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
    stored: attempt("be read", allSeries),
    drop: (series) =>
      writes("drop series", async () => {
        const dropped: Array<StoredSeries> = [];
        for (const one of series) {
          if (!(await together([one], () => dropOnce(one)))) continue;
          await writing(["SREM", seriesKey, nameOf(one)]);
          dropped.push(one);
        }
        return dropped;
      }),
    replace: (series, replacement) =>
      writes("take a batch", (now) =>
        together([series], () => replaceOnce(series, replacement, now)),
      ),
    append: (additions) =>
      additions.length === 0
        ? Effect.succeed([])
        : writes("take rows", (now) =>
            together(
              additions.map(({ series }) => series),
              () => appendAll(additions, now),
            ),
          ),
  };
};

/** What to write, and what to say of it. */
interface Decision<A> {
  readonly commands: ReadonlyArray<Command>;
  readonly result: A;
}

/** Buckets that are put in the place of all that is in some hops. */
interface Writing {
  readonly head: Head;
  readonly hops: ReadonlySet<number>;
  readonly buckets: ReadonlyArray<StoredBucket>;
}

const noHops: ReadonlySet<number> = new Set();

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
