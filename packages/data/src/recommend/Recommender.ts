/**
 * Recommenders: what was learnt from interactions, and the lists that follow from it. A recommender is
 * data: loading it verifies its digests and never executes code.
 */
import { Artifact, type Contract, Digest, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Duckdb, type DuckdbError, literal } from "../Duckdb.ts";
import * as Table from "../Table.ts";
import { counted } from "../Words.ts";
import { bestFirst, drawn, listed, placed } from "../internal/recommend/candidates.ts";
import { candidateFindings } from "../internal/recommend/told.ts";
import { type Interactions, pairsSql, unreadableSql } from "./Interactions.ts";
import * as Recommendations from "./Recommendations.ts";

/** What was learnt, in the form in which it recommends. Its parts are Parquet files. */
export const Form = Schema.Union([
  /** Score = `base` + bias of the user + bias of the item + product of their factors. */
  Schema.TaggedStruct("factors", {
    base: Schema.Finite,
    /** Factors of a user and of an item, without the bias. */
    factors: Schema.Int,
    /** Columns `id`, `bias`, `f0`, `f1` … */
    users: Artifact.Artifact,
    items: Artifact.Artifact,
  }),
  /** Score = sum over the items that the user liked of how similar they are. */
  Schema.TaggedStruct("neighbours", {
    /** Columns `item`, `neighbour`, `similarity`. */
    neighbours: Artifact.Artifact,
  }),
  /** The same order for everybody. Columns `item`, `score`. */
  Schema.TaggedStruct("scores", { scores: Artifact.Artifact }),
  /** An order that says nothing: what anything must beat. Column `item`. */
  Schema.TaggedStruct("random", { seed: Schema.Int, items: Artifact.Artifact }),
]);
/** See {@link Form}. */
export type Form = typeof Form.Type;

/** Any recommender, as it is stored. */
export const AnyRecommender = Schema.Struct({
  interactions: Schema.Struct({ name: Schema.String, digest: Digest.Digest }),
  /** In words, such as `implicit matrix factorisation`. */
  kind: Schema.String,
  form: Form,
  trainedOn: Schema.Struct({
    split: Schema.NullOr(Schema.String),
    table: Digest.Digest,
    rows: Schema.Int,
  }),
});
/** See {@link AnyRecommender}. */
export type AnyRecommender = typeof AnyRecommender.Type;

/** A recommender trained on interactions under contract `C`. */
export interface Recommender<
  out C extends Contract.Contract = Contract.Contract,
> extends AnyRecommender {
  readonly interactions: AnyRecommender["interactions"] & { readonly name: C["name"] };
}

/**
 * The schema of recommenders trained on interactions.
 *
 * @example
 * ```ts
 * import { type Interactions, Recommender } from "@ml-pipe/data";
 *
 * const schemaOf = (interactions: Interactions.Interactions) => Recommender.of(interactions);
 * ```
 */
export const of = <C extends Contract.Contract>({
  spec,
  digest,
}: Interactions<C>): Schema.Codec<Recommender<C>, unknown> => {
  const isThis = (one: AnyRecommender): one is Recommender<C> => one.interactions.digest === digest;
  return AnyRecommender.pipe(
    Schema.refine(isThis, {
      title: `Recommender<${spec.name}>`,
      expected: `a recommender of ${spec.name} (${digest.slice(0, 15)})`,
    }),
  );
};

/** The handle on what was learnt from the train table: for those who train it. */
export const make = <C extends Contract.Contract>(
  { contract, digest }: Interactions<C>,
  train: Table.Table<C, "train">,
  learnt: { readonly kind: string; readonly form: Form },
): Recommender<C> => {
  const name: C["name"] = contract.name;
  const trainedOn = { split: train.split, table: Table.digestOf(train), rows: train.rows };
  return { ...learnt, interactions: { name, digest }, trainedOn };
};

/** The table of interactions is not the one that the recommender was trained on. */
export class OtherInteractions extends Schema.TaggedError<OtherInteractions>()(
  "OtherInteractions",
  { kind: Schema.String, trained: Digest.Digest, table: Digest.Digest },
) {
  override get message(): string {
    return `the ${this.kind} was trained on table ${this.trained.slice(0, 19)}, and the interactions wired to it are ${this.table.slice(0, 19)}: what users have seen would not be what it knows of them. Wire the train table to both.`;
  }
}

/** What recommending can fail with. */
export type RecommendError =
  | OtherInteractions
  | DuckdbError
  | Table.ReadError
  | Artifact.ArtifactStoreError;

/** The stage that {@link candidates} makes. */
export type CandidatesStage<C extends Contract.Contract> = Stage.Stage<
  { readonly recommender: Recommender<C>; readonly train: Table.Table<C, "train"> },
  Recommendations.Recommendations,
  {},
  RecommendError,
  Duckdb | Artifact.ArtifactStore
>;

/** How {@link candidates} recommends. */
export interface CandidatesOptions {
  /** Items for each user; default 100. */
  readonly perUser?: number;
  /** Name of the source in the table; default the kind of recommender. */
  readonly source?: string;
}

/**
 * A stage that recommends items to each user of the train table: the best by score, without those that
 * the user has met. A user that a recommender knows nothing of gets no list.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { type Interactions, Recommender } from "@ml-pipe/data";
 *
 * const stageFor = <C extends Contract.Contract>(interactions: Interactions.Interactions<C>) =>
 *   Recommender.candidates(interactions, { perUser: 100 });
 * ```
 */
export const candidates = <C extends Contract.Contract>(
  interactions: Interactions<C>,
  { perUser = 100, source }: CandidatesOptions = {},
): CandidatesStage<C> => {
  if (!(Number.isInteger(perUser) && perUser >= 1)) {
    throw new TypeError(`candidates: perUser is ${perUser}; give a whole number of items`);
  }
  return Stage.make("candidates", {
    description: `recommends ${counted(perUser, "item")} to each user`,
    input: { recommender: of(interactions), train: Table.of(interactions.contract, "train") },
    output: Table.of(Recommendations.contract, "checked"),
    params: { interactions: interactions.digest, perUser, source: source ?? null },
    run: Effect.fnUntraced(function* ({ recommender, train }, { finding, progress }) {
      const table = Table.digestOf(train);
      const { kind, trainedOn } = recommender;
      if (trainedOn.table !== table) {
        return yield* new OtherInteractions({ kind, trained: trainedOn.table, table });
      }
      const pairs = pairsSql(interactions.spec, yield* Table.relation(train));
      const best = yield* bestOf(recommender.form, { pairs, perUser });
      const lists = yield* Table.write(Recommendations.contract, "checked", {
        query: `SELECT user, item, CAST(rank AS BIGINT) AS rank, CAST(score AS DOUBLE) AS score,
            ${literal(source ?? kind)} AS source FROM ${best} ORDER BY user, rank`,
        split: train.split,
      });
      yield* progress({ label: "recommended", rows: lists.rows });
      const { name, owner } = interactions.contract.spec;
      const unreadable = unreadableSql(interactions.spec);
      const about = { name, owner, pairs, train, unreadable, lists };
      yield* Effect.forEach(yield* candidateFindings(source ?? kind, about), finding);
      return lists;
    }, Effect.scoped),
  });
};

/** The best items of each user as a relation `user`, `item`, `rank`, `score`. */
const bestOf = Effect.fnUntraced(function* (
  form: Form,
  about: { readonly pairs: string; readonly perUser: number },
) {
  const store = yield* Artifact.ArtifactStore;
  const file = (artifact: Artifact.Artifact) => Effect.map(store.path(artifact), Table.parquet);
  switch (form._tag) {
    case "factors":
      return yield* bestFirst(
        {
          ...form,
          users: yield* file(form.users),
          items: yield* file(form.items),
        },
        about,
      );
    case "neighbours":
      return listed(yield* file(form.neighbours), about);
    case "scores":
      return placed(yield* file(form.scores), about);
    case "random":
      return drawn(yield* file(form.items), { ...about, seed: form.seed });
  }
});
