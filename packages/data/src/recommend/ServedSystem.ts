/**
 * Systems as they serve: what a merge was computed from, as arrays in one file, so that the list of one user is
 * made in memory, without DuckDB, as `System.merge` makes it for all. It is data: reading it verifies its digest
 * and never executes code.
 */
import * as fs from "node:fs/promises";
import { Artifact, type Contract, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { Duckdb, type DuckdbError, literal } from "../Duckdb.ts";
import { mergerOf } from "../internal/recommend/mergeOne.ts";
import { pack, reader, unpack } from "../internal/recommend/parts.ts";
import { prepareParts } from "../internal/recommend/prepare.ts";
import { proposerOf, type Proposer } from "../internal/recommend/propose.ts";
import * as Table from "../Table.ts";
import { InteractionsSpec, pairsSql } from "./Interactions.ts";
import { type AnyRecommender, type Form, OtherInteractions } from "./Recommender.ts";
import { type ItemsRepeated, requireItemsOnce, type System } from "./System.ts";
import { SystemSpec } from "./SystemSpec.ts";

/** How a source recommends; what it has learnt is in the parts. */
const ServedForm = Schema.Union([
  Schema.TaggedStruct("factors", { base: Schema.Finite, factors: Schema.Int }),
  Schema.TaggedStruct("neighbours", {}),
  Schema.TaggedStruct("scores", {}),
  Schema.TaggedStruct("random", { seed: Schema.Int }),
]);

/** A system with what its sources have learnt, as a release has it. */
export const ServedSystem = Schema.Struct({
  spec: SystemSpec,
  digest: Digest.Digest,
  interactions: InteractionsSpec,
  /** In the order of the system's sources. */
  sources: Schema.Array(
    Schema.Struct({
      /** In words, such as `implicit matrix factorisation`. */
      kind: Schema.String,
      form: ServedForm,
    }),
  ),
  /** How many items each source proposes to a user. */
  perUser: Schema.Int,
  trainedOn: Schema.Struct({
    split: Schema.NullOr(Schema.String),
    table: Digest.Digest,
    rows: Schema.Int,
  }),
  users: Schema.Int,
  items: Schema.Int,
  /** The arrays that lists are made of. */
  parts: Artifact.Artifact,
});
/** See {@link ServedSystem}. */
export type ServedSystem = typeof ServedSystem.Type;

/** The media type of a file of parts. */
export const mediaType = "application/vnd.ml-pipe.parts";

/** What a served system is prepared of. */
export interface Learnt {
  /** By the name of the source. */
  readonly recommenders: { readonly [source: string]: AnyRecommender };
  readonly train: Table.AnyTable;
  /** The items, where the system has a catalogue. */
  readonly items: Table.AnyTable | undefined;
  readonly perUser: number;
}

/** What preparing can fail with. */
export type PrepareError =
  | OtherInteractions
  | ItemsRepeated
  | DuckdbError
  | Table.ReadError
  | Artifact.ArtifactStoreError;

/**
 * Keeps what a system serves from: users, items, what users have met, what each source has learnt, and what the
 * rules say of each item. Fails with `OtherInteractions` for a source that was trained on another table.
 *
 * @example
 * ```ts
 * import { ServedSystem, type System } from "@ml-pipe/data";
 *
 * const prepared = (system: System.System, learnt: ServedSystem.Learnt) =>
 *   ServedSystem.prepare(system, learnt);
 * ```
 */
export const prepare: (
  system: System,
  learnt: Learnt,
) => Effect.Effect<ServedSystem, PrepareError, Duckdb | Artifact.ArtifactStore | Scope.Scope> =
  Effect.fnUntraced(function* (system, { recommenders, train, items, perUser }) {
    const { spec, interactions, catalogue } = system;
    const store = yield* Artifact.ArtifactStore;
    const table = Table.digestOf(train);
    const sources = spec.sources.flatMap(({ name }) => recommenders[name] ?? []);
    for (const { kind, trainedOn } of sources) {
      if (trainedOn.table !== table) {
        return yield* new OtherInteractions({ kind, trained: trainedOn.table, table });
      }
    }
    const known = items === undefined ? undefined : yield* Table.relation(items);
    if (catalogue !== undefined && known !== undefined) yield* requireItemsOnce(catalogue, known);
    const pairs = yield* Table.scratch(
      "read what users have met",
      `FROM ${pairsSql(interactions.spec, yield* Table.relation(train))}`,
    );
    const parts = yield* prepareParts({
      spec,
      forms: sources.map(({ form }) => form),
      pairs,
      items:
        catalogue === undefined || known === undefined ? undefined : { catalogue, relation: known },
    });
    const stored = yield* store.put(mediaType, (file) =>
      Artifact.attempt("write", file, (signal) => fs.writeFile(file, pack(parts), { signal })),
    );
    return {
      spec,
      digest: system.digest,
      interactions: interactions.spec,
      sources: sources.map(({ kind, form }) => ({ kind, form: servedForm(form) })),
      perUser,
      trainedOn: { split: train.split, table, rows: train.rows },
      users: parts["users"]?.length ?? 0,
      items: parts["items"]?.length ?? 0,
      parts: stored,
    };
  });

const servedForm = (form: Form): typeof ServedForm.Type => {
  switch (form._tag) {
    case "factors":
      return { _tag: "factors", base: form.base, factors: form.factors };
    case "random":
      return { _tag: "random", seed: form.seed };
    default:
      return { _tag: form._tag };
  }
};

/** The parts are there, and are not what this version of ml-pipe serves from. */
export class PartsInvalid extends Schema.TaggedError<PartsInvalid>()("PartsInvalid", {
  digest: Digest.Digest,
  problem: Schema.String,
}) {
  override get message(): string {
    return `the parts ${this.digest.slice(0, 19)} of a system cannot be served: ${this.problem}. Run the pipeline again to release it anew.`;
  }
}

/** A place of a list. */
export interface Place {
  readonly item: string;
  readonly rank: number;
  readonly score: number;
  /** The source that it is owed to most. */
  readonly source: string;
}

/** A list for one user, and what is not known of who asked. */
export interface List {
  readonly places: ReadonlyArray<Place>;
  /** Whether the train table knows the user. Others get what sources that need no history propose. */
  readonly knowsUser: boolean;
  /** Of what the user has met, the items that no source and no user of the train table knows. */
  readonly unknownItems: ReadonlyArray<string>;
}

/** A system that answers. */
export interface Surface {
  /** The users of the train table, in order. */
  readonly users: ReadonlyArray<string>;
  /** The items that the train table or a source knows, in order. */
  readonly items: ReadonlyArray<string>;
  /**
   * The list of a user, null being nobody in particular. `met` is what they have met beside what the train table
   * says; it is never shown.
   */
  readonly list: (user: string | null, met?: ReadonlyArray<string>) => List;
}

/** What opening can fail with. */
export type OpenError = PartsInvalid | Artifact.ArtifactMissing | Artifact.ArtifactStoreError;

/**
 * Reads a served system into memory. It makes lists by itself from then on: equal questions have equal answers.
 *
 * @example
 * ```ts
 * import { ServedSystem } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const firstOf = (served: ServedSystem.ServedSystem, user: string) =>
 *   Effect.map(ServedSystem.open(served), (surface) => surface.list(user).places[0]?.item);
 * ```
 */
export const open: (
  served: ServedSystem,
) => Effect.Effect<Surface, OpenError, Artifact.ArtifactStore> = Effect.fnUntraced(
  function* (served) {
    const store = yield* Artifact.ArtifactStore;
    yield* store.verify(served.parts);
    const file = yield* store.path(served.parts);
    const bytes = yield* Artifact.attempt("read", file, () => fs.readFile(file));
    return yield* Effect.try({
      try: () => surfaceOf(served, bytes),
      catch: (cause) =>
        new PartsInvalid({
          digest: served.parts.digest,
          problem: cause instanceof Error ? cause.message : String(cause),
        }),
    });
  },
);

const surfaceOf = ({ spec, sources, perUser }: ServedSystem, bytes: Uint8Array): Surface => {
  const parts = reader(unpack(bytes));
  const [users, items] = [parts.texts("users"), parts.texts("items")];
  const [offsets, metItems] = [parts.places("met.offsets"), parts.places("met.items")];
  const metLiked = parts.flags("met.liked");
  const [userOf, itemOf] = [numbersOf(users), numbersOf(items)];
  const proposers = sources.map(({ form }, at): Proposer =>
    proposerOf(form, parts, at, items.length),
  );
  const merge = mergerOf(spec, parts);
  const met = new Uint8Array(items.length);
  return {
    users,
    items,
    list: (name, also = []) => {
      const user = name === null ? -1 : (userOf.get(name) ?? -1);
      const [from, to] = user < 0 ? [0, 0] : [offsets[user]!, offsets[user + 1]!];
      const unknownItems: Array<string> = [];
      met.fill(0);
      for (let at = from; at < to; at++) met[metItems[at]!] = 1;
      for (const item of also) {
        const number = itemOf.get(item);
        if (number === undefined) unknownItems.push(item);
        else met[number] = 1;
      }
      const liked = metItems.subarray(from, to).filter((_, at) => metLiked[from + at] === 1);
      const who = { user, name: name ?? "", met, liked };
      const places = merge(proposers.map((propose) => propose(who, perUser)));
      return {
        places: places.map(({ item, score, source }, at) => ({
          item: items[item]!,
          rank: at + 1,
          score,
          source: spec.sources[source]!.name,
        })),
        knowsUser: user >= 0,
        unknownItems,
      };
    },
  };
};

const numbersOf = (names: ReadonlyArray<string>): ReadonlyMap<string, number> =>
  new Map(names.map((name, number) => [name, number]));

/** What a served system says against lists that were merged for all. */
export interface Comparison {
  /** Users whose lists were compared. */
  readonly users: number;
  readonly different: number;
  /** The first user whose list differs; items in their order. */
  readonly example: {
    readonly user: string;
    readonly merged: ReadonlyArray<string>;
    readonly served: ReadonlyArray<string>;
  } | null;
}

/**
 * Compares the lists that a system serves with those that `System.merge` made: items, their order and the source
 * of each place. Of many users, so many are compared, spread evenly over those who have a list and those who are
 * known.
 *
 * @example
 * ```ts
 * import { type Recommendations, ServedSystem } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const same = (surface: ServedSystem.Surface, lists: Recommendations.Recommendations) =>
 *   Effect.map(ServedSystem.compare(surface, lists), ({ different }) => different === 0);
 * ```
 */
export const compare = Effect.fnUntraced(function* (
  surface: Surface,
  lists: Table.Table<Contract.Contract, "checked">,
  { users = 1000 }: { readonly users?: number } = {},
): Effect.fn.Return<Comparison, DuckdbError | Table.ReadError, Duckdb | Artifact.ArtifactStore> {
  const db = yield* Duckdb;
  const relation = yield* Table.relation(lists);
  const operation = "read the lists to compare with";
  const spread = `SELECT user FROM (SELECT user, row_number() OVER (ORDER BY user) - 1 AS n, count(*) OVER () AS of
    FROM (SELECT DISTINCT user FROM ${relation})) WHERE n % greatest(ceil(of / ${users}), 1) = 0`;
  // Users who have a list, and those who are known: one without a list may be served none.
  const step = Math.max(1, Math.ceil(surface.users.length / users));
  const asked = new Set(surface.users.filter((_, at) => at % step === 0));
  for (const { user } of yield* db.rows(operation, spread)) asked.add(String(user));
  if (asked.size === 0) return { users: 0, different: 0, example: null };
  const names = Array.from(asked, (user) => literal(user)).join(", ");
  const found = yield* db.rows(
    operation,
    `SELECT user, to_json(list({item: item, source: source} ORDER BY rank))::VARCHAR AS places
     FROM ${relation} WHERE user IN (${names}) GROUP BY user`,
  );
  const merged = new Map(
    found.map(({ user, places }) => [String(user), decodePlaces(places).map(placeText)]),
  );
  let different = 0;
  let example: Comparison["example"] = null;
  for (const user of asked) {
    const served = surface.list(user).places.map(placeText);
    const list = merged.get(user) ?? [];
    if (served.join("\n") === list.join("\n")) continue;
    different++;
    example ??= { user, merged: list, served };
  }
  return { users: asked.size, different, example };
});

const decodePlaces = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Array(Schema.Struct({ item: Schema.String, source: Schema.String })),
  ),
);

const placeText = ({ item, source }: Pick<Place, "item" | "source">): string =>
  `${item} (${source})`;
