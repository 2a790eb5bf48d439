/** Stages that find, for each item, the items nearest to it: by who liked both, or by what they are. */
import { type Column, type Contract, Stage } from "@ml-pipe/core";
import {
  type Catalogue,
  Duckdb,
  type Interactions,
  Recommender,
  System,
  Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { nearest, type SparseMatrix } from "../internal/similarity.ts";
import { trainingError, type TrainingError } from "../internal/trainingData.ts";
import { type Descriptor, readContent } from "./content.ts";
import { readPairs, type RecommenderStage, storePart } from "./pairs.ts";

/** How many neighbours, and how they are found. */
export interface NeighboursOptions {
  /** Neighbours kept of each item; default 100. */
  readonly neighbours?: number;
  /** Added to the product of norms, so that what few users liked is not near by chance; default 0. */
  readonly shrink?: number;
}

/**
 * A stage that finds for each item those liked by the same users (cosine, item-based collaborative
 * filtering). A user is then recommended what is nearest to all that they liked.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { Interactions } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract>(interactions: Interactions.Interactions<C>) =>
 *   Train.itemNeighbours(interactions, { neighbours: 50, shrink: 10 });
 * ```
 */
export const itemNeighbours = <C extends Contract.Contract>(
  interactions: Interactions.Interactions<C>,
  options: NeighboursOptions = {},
): RecommenderStage<C> => {
  const { neighbours, shrink } = checked("itemNeighbours", options);
  return Stage.make("itemNeighbours", {
    description: "finds items that the same users liked",
    input: { train: Table.of(interactions.contract, "train") },
    output: Recommender.of(interactions),
    params: { interactions: interactions.digest, neighbours, shrink },
    run: Effect.fnUntraced(function* ({ train }, { progress }) {
      const pairs = yield* readPairs(interactions, train, "liked");
      const matrix = {
        row: pairs.item,
        column: pairs.user,
        value: interactions.spec.rating === undefined ? pairs.rating : pairs.rating.map(() => 1),
        rows: pairs.itemCount,
        columns: pairs.userCount,
      };
      const part = yield* storeNearest(matrix, pairs.items, { neighbours, shrink }, (share) =>
        progress({ label: "items", share, rows: pairs.itemCount }),
      );
      return Recommender.make(interactions, train, {
        kind: "item neighbours",
        form: { _tag: "neighbours", neighbours: part },
      });
    }, Effect.scoped),
  });
};

/** The descriptors that fit each column: text in words or tags, numbers in bins. */
export type Descriptors<C extends Contract.Contract> = {
  readonly [K in keyof C["columns"] & string]?: C["columns"][K] extends Column.Column<number | null>
    ? Extract<Descriptor, { readonly as: "bins" }>
    : C["columns"][K] extends Column.Column<string | null>
      ? Extract<Descriptor, { readonly as: "tags" | "words" }>
      : never;
};

/**
 * A stage that finds for each item those that are described alike: by tags, words and numbers of the
 * catalogue. It knows items that nobody has met yet, which no source that learns from users does.
 *
 * Words and tags weigh by how rare they are (term frequency times inverse document frequency, as
 * scikit-learn's TfidfVectorizer has it); each column counts by its `weight`, however many words it has.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Catalogue, type Interactions } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const Film = Contract.make("film", {
 *   version: "1", owner: "films", key: ["film"],
 *   columns: { film: Column.int(), title: Column.string(), genres: Column.string(), year: Column.int() },
 * });
 * const Films = Catalogue.make(Film, { item: "film" });
 * const stageFor = <C extends Contract.Contract>(interactions: Interactions.Interactions<C>) =>
 *   Train.contentNeighbours(interactions, Films, {
 *     by: {
 *       genres: { as: "tags", separator: "|" },
 *       title: { as: "words", weight: 0.5 },
 *       year: { as: "bins", width: 10, weight: 0.5 },
 *     },
 *   });
 * ```
 */
export const contentNeighbours = <C extends Contract.Contract, I extends Contract.Contract>(
  interactions: Interactions.Interactions<C>,
  catalogue: Catalogue.Catalogue<I>,
  { by, ...options }: NeighboursOptions & { readonly by: Descriptors<I> },
): RecommenderStage<C, { readonly items: Table.Table<I, "checked"> }> => {
  const { neighbours, shrink } = checked("contentNeighbours", options);
  const descriptors = Object.fromEntries(
    Object.entries<Descriptor | undefined>(by).flatMap(([column, one]) =>
      one === undefined ? [] : [[column, one] as const],
    ),
  );
  const unknown = Object.keys(descriptors).find(
    (column) => catalogue.contract.spec.columns[column] === undefined,
  );
  if (unknown !== undefined || Object.keys(descriptors).length === 0) {
    throw new TypeError(
      unknown === undefined
        ? "contentNeighbours: name at least one column in by"
        : `contentNeighbours: the contract "${catalogue.contract.name}" has no column "${unknown}"`,
    );
  }
  return Stage.make("contentNeighbours", {
    description: `finds items with similar ${Object.keys(descriptors).join(", ")}`,
    input: {
      train: Table.of(interactions.contract, "train"),
      items: Table.of(catalogue.contract, "checked"),
    },
    output: Recommender.of(interactions),
    params: {
      interactions: interactions.digest,
      catalogue: catalogue.digest,
      by: Object.entries(descriptors).map(([column, descriptor]) => ({ column, ...descriptor })),
      neighbours,
      shrink,
    },
    run: Effect.fnUntraced(function* ({ train, items }, { progress }) {
      yield* System.requireItemsOnce(catalogue, yield* Table.relation(items));
      const content = yield* readContent(catalogue, items, descriptors);
      const part = yield* storeNearest(
        content.matrix,
        content.items,
        { neighbours, shrink },
        (share) => progress({ label: "items", share, rows: content.matrix.rows }),
      );
      return Recommender.make(interactions, train, {
        kind: "content neighbours",
        form: { _tag: "neighbours", neighbours: part },
      });
    }, Effect.scoped),
  });
};

const checked = (
  stage: string,
  { neighbours = 100, shrink = 0 }: NeighboursOptions,
): Required<NeighboursOptions> => {
  if (!(Number.isSafeInteger(neighbours) && neighbours >= 1)) {
    throw new TypeError(`${stage}: neighbours is ${neighbours}; give a whole number of at least 1`);
  }
  if (!(Number.isFinite(shrink) && shrink >= 0)) {
    throw new TypeError(`${stage}: shrink is ${shrink}; give a number of at least 0`);
  }
  return { neighbours, shrink };
};

/** Finds the neighbours of each row, and stores them under the names of the rows. */
const storeNearest = Effect.fnUntraced(function* (
  matrix: SparseMatrix,
  names: string,
  { neighbours, shrink }: Required<NeighboursOptions>,
  tell: (share: number) => Effect.Effect<void>,
) {
  if (matrix.row.length === 0) return yield* nothingToCompare;
  const db = yield* Duckdb.Duckdb;
  const batches: Array<string> = [];
  yield* nearest(matrix, { count: neighbours, shrink }, (batch, share) =>
    Effect.gen(function* () {
      batches.push(yield* db.fromColumns("store neighbours", { ...batch }));
      yield* tell(share);
    }),
  );
  const all = batches.map((relation) => `FROM ${relation}`).join(" UNION ALL ");
  return yield* storePart(
    `SELECT a.id AS item, b.id AS neighbour, n.similarity FROM (${all}) AS n
     JOIN ${names} AS a ON n.row = a.number JOIN ${names} AS b ON n.neighbour = b.number
     ORDER BY item, n.similarity DESC, neighbour`,
  );
});

const nothingToCompare: Effect.Effect<never, TrainingError> = Effect.fail(
  trainingError("data", [
    {
      what: "there is nothing to compare items by",
      where: "training data",
      next: "Check the split, from which rating on an item counts as liked, and that the catalogue has values.",
    },
  ]),
);
