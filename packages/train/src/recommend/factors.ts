/** The stage that trains a matrix factorisation on interactions. */
import { type Contract, type Finding, Stage } from "@ml-pipe/core";
import { Duckdb, type Interactions, Recommender, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  factorise,
  type FactorisationOptions,
  type FactorisationResult,
  type SideFactors,
} from "./Factorisation.ts";
import { type Pairs, readPairs, type RecommenderStage, storePart } from "./pairs.ts";

/** How {@link factors} trains. */
export interface FactorsOptions extends FactorisationOptions {
  /**
   * `implicit`, the default: learns from what users liked, and from all that they did not meet. `explicit`:
   * predicts the rating of what they did rate, good and bad; needs a rating, and is the wrong choice for
   * lists, because it never learns what users pass by.
   */
  readonly feedback?: "explicit" | "implicit";
}

/**
 * A stage that describes each user and each item by a few numbers whose product says how well they fit
 * (matrix factorisation by alternating least squares). Needs no Python; the same inputs and options give
 * the same factors, bit for bit, on any number of threads.
 *
 * Throws a `TypeError` for explicit feedback on interactions without a rating.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import type { Interactions } from "@ml-pipe/data";
 * import { Train } from "@ml-pipe/train";
 *
 * const stageFor = <C extends Contract.Contract>(interactions: Interactions.Interactions<C>) =>
 *   Train.factors(interactions, { factors: 32, regularization: 10 });
 * ```
 */
export const factors = <C extends Contract.Contract>(
  interactions: Interactions.Interactions<C>,
  { feedback = "implicit", ...options }: FactorsOptions = {},
): RecommenderStage<C> => {
  const { spec, digest } = interactions;
  const explicit = feedback === "explicit";
  if (explicit && spec.rating === undefined) {
    throw new TypeError(
      `factors: ${spec.name} has no rating to predict; name it in Interactions.make, or use implicit feedback`,
    );
  }
  return Stage.make("factors", {
    description: `factorises who ${explicit ? "rated" : "liked"} what`,
    input: { train: Table.of(interactions.contract, "train") },
    output: Recommender.of(interactions),
    params: { interactions: digest, feedback, ...options },
    resources: { cores: "all" },
    run: Effect.fnUntraced(function* ({ train }, { exhibit, finding, progress }) {
      const pairs = yield* readPairs(interactions, train, explicit ? "all" : "liked");
      const tell = Effect.runForkWith(yield* Effect.context<never>());
      const { iterations = 15 } = options;
      const fit = yield* factorise(
        {
          user: pairs.user,
          item: pairs.item,
          // A liked item weighs the same whether it got four stars or five.
          value: explicit || spec.rating === undefined ? pairs.rating : pairs.rating.map(() => 1),
          users: pairs.userCount,
          items: pairs.itemCount,
        },
        {
          ...options,
          feedback,
          onProgress: (round) =>
            tell(
              progress({
                label: `round ${round} of ${iterations}`,
                share: round / iterations,
                rows: pairs.user.length,
              }),
            ),
        },
      );
      yield* exhibit({
        _tag: "line",
        title: "Objective",
        caption: "what is minimised, divided by the number of interactions; it never rises",
        x: { label: "rounds" },
        y: { label: "objective" },
        series: [{ name: "train", points: fit.losses.map((loss, round) => [round + 1, loss]) }],
      });
      const largest = fit.items.factors.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
      if (largest < vanished) yield* finding(vanishedFinding(largest, spec.name));
      return yield* store(interactions, train, { pairs, fit, explicit });
    }, Effect.scoped),
  });
};

/** Below it, factors say nothing: their order is that of rounding. */
const vanished = 1e-6;

const vanishedFinding = (largest: number, name: string): Finding.Finding => ({
  check: "factors.vanished",
  severity: "warn",
  expected: "factors that tell items apart",
  found: `none above ${largest.toExponential(1)}, so that lists are in no order that means anything`,
  next: `The regularisation is too strong for so few interactions: lower it, or give ${name} more of them.`,
});

const store = Effect.fnUntraced(function* <C extends Contract.Contract>(
  interactions: Interactions.Interactions<C>,
  train: Table.Table<C, "train">,
  trained: {
    readonly pairs: Pairs;
    readonly fit: FactorisationResult;
    readonly explicit: boolean;
  },
) {
  const { fit, pairs, explicit } = trained;
  return Recommender.make(interactions, train, {
    kind: `${explicit ? "explicit" : "implicit"} matrix factorisation`,
    form: {
      _tag: "factors",
      base: fit.base,
      factors: fit.users.factors.length / pairs.userCount,
      users: yield* storeSide(pairs.users, fit.users),
      items: yield* storeSide(pairs.items, fit.items),
    },
  });
});

const storeSide = Effect.fnUntraced(function* (names: string, { factors, bias }: SideFactors) {
  const db = yield* Duckdb.Duckdb;
  const width = factors.length / bias.length;
  const columns: { [name: string]: Float64Array } = { number: bias.map((_, row) => row), bias };
  for (let f = 0; f < width; f++) {
    columns[`f${f}`] = bias.map((_, row) => factors[row * width + f]!);
  }
  const values = yield* db.fromColumns("store factors", columns);
  return yield* storePart(
    `SELECT n.id, v.* EXCLUDE (number) FROM ${values} AS v JOIN ${names} AS n ON v.number = n.number ORDER BY n.id`,
  );
});
