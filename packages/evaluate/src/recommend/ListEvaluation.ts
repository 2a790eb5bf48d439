/** Evaluations of lists: every number behind a verdict on recommendations, as data. */
import { Interval } from "@ml-pipe/data";
import * as Schema from "effect/Schema";

/** A mean with its interval, which is null where the data cannot say how much it varies. */
const Estimate = Schema.Struct({
  estimate: Schema.Finite,
  interval: Schema.NullOr(Interval.Interval),
});

/**
 * A property of lists, of those that are judged and of those they are held against.
 *
 * How good: `ndcg`, `map`, `mrr`, `recall`, `precision`: see `Ranking` in `@ml-pipe/data`. Beyond that:
 * - `coverage`: share of all items, those of the train table and of the catalogue, that are in some list (Ge, Delgado-Battenfeld & Jannach, RecSys 2010);
 * - `concentration`: Gini coefficient of how often each item is shown, 0 for all alike, 1 for one only (Fleder &
 *   Hosanagar, Management Science 55(5), 2009);
 * - `novelty`: mean of −log2 of an item's share of the train interactions, in bits (Castells, Vargas & Wang, ECIR
 *   2011 workshop; an item without any counts as with one);
 * - `popularity`: mean share of the users who met an item (Yin et al., VLDB 2012);
 * - `diversity`: mean of 1 − cosine of the tags of two items of a list (Ziegler et al., WWW 2005);
 * - `serendipity`: share of the places with an item that the user liked and the baseline did not show (Ge et al.).
 */
export const ListProperty = Schema.Struct({
  name: Schema.Literals([
    "ndcg",
    "map",
    "mrr",
    "recall",
    "precision",
    "coverage",
    "concentration",
    "novelty",
    "popularity",
    "diversity",
    "serendipity",
  ]),
  judged: Estimate,
  against: Estimate,
  /** `judged` less `against`; its interval is a bootstrap over users, paired. */
  difference: Estimate,
});
/** See {@link ListProperty}. */
export type ListProperty = typeof ListProperty.Type;

const common = {
  /** Users judged: those who liked something in the test part that they had not met before. */
  users: Schema.Int,
  excluded: Schema.Struct({
    /** Users of the test part who liked nothing new in it. */
    likedNothing: Schema.Int,
    /** Liked in the test part, and met before: no list may show it. */
    metBefore: Schema.Int,
  }),
  /** Judged users without a list; nothing of it counts as shown. */
  unlisted: Schema.Int,
  /** Places that are judged in each list. */
  at: Schema.Int,
  unit: Schema.String,
  level: Schema.Finite,
  holdout: Schema.Struct({
    number: Schema.Int,
    correctedFor: Schema.Int,
    nominalLevel: Schema.Finite,
    justification: Schema.String,
  }),
  smallestGain: Schema.Finite,
  /** Places that show what the user had met: none may. */
  metShown: Schema.Int,
};

/** Lists against those of the baseline. */
export const ListEvaluation = Schema.Struct({
  ...common,
  /** The charter's metric. */
  metric: ListProperty,
  properties: Schema.Array(ListProperty),
}).annotate({ title: "ListEvaluation" });
/** See {@link ListEvaluation}. */
export type ListEvaluation = typeof ListEvaluation.Type;

/** One source of a system, and what the system would be without it. */
export const SourceResult = Schema.Struct({
  source: Schema.String,
  weight: Schema.Finite,
  /** The charter's metric of its own lists, and against the baseline. */
  alone: ListProperty,
  /** The charter's metric of the whole system, and against the system without this source. */
  inside: ListProperty,
  /** Share of the judged places that are owed to it, and of those that the user liked. */
  credit: Schema.Finite,
  creditOfLiked: Schema.Finite,
  /** Share of the judged places that hold something else than without it. */
  changed: Schema.Finite,
  /** Mean over users of what its lists have in common with the candidate's, from 0 to 1. */
  overlap: Schema.Struct({
    /** Items in common by items in either (Jaccard). */
    jaccard: Schema.Finite,
    /** Rank-biased overlap, extrapolated, p = 0.9 (Webber, Moffat & Zobel, ACM TOIS 28(4), 2010). */
    rankBiased: Schema.Finite,
  }),
});
/** See {@link SourceResult}. */
export type SourceResult = typeof SourceResult.Type;

/** A candidate alone, and inside the system that it would serve in. */
export const SystemEvaluation = Schema.Struct({
  ...common,
  system: Schema.String,
  candidate: Schema.String,
  sources: Schema.Array(SourceResult),
  /** The system with the candidate, against the system without it: quality and what lies beyond. */
  properties: Schema.Array(ListProperty),
  /** Share of the gain alone that is left inside the system; null where there was none alone. */
  survives: Schema.NullOr(Schema.Finite),
}).annotate({ title: "SystemEvaluation" });
/** See {@link SystemEvaluation}. */
export type SystemEvaluation = typeof SystemEvaluation.Type;
