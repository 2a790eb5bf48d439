/**
 * Which films should the home page show to each member?
 *
 * Four sources of candidates, merged into one list: what is gained by each alone, and what is left of it
 * in the list that members see.
 */
import { fileURLToPath } from "node:url";
import {
  Catalogue,
  Charter,
  Column,
  Contract,
  Deploy,
  Duckdb,
  Evaluate,
  Ingest,
  Interactions,
  Pipeline,
  Recommendations,
  Recommender,
  Source,
  Split,
  Stage,
  System,
  Table,
  Train,
  Validate,
  Verdict,
} from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";

/** What members hand over: stars for films, as they gave them. */
export const Rating = Contract.make("rating", {
  version: "1.0.0",
  owner: "community",
  consumers: ["home-page"],
  description: "one row per film that a member rated",
  key: ["userId", "movieId"],
  columns: {
    userId: Column.int({ min: 1, classification: "personal" }),
    movieId: Column.int({ min: 1 }),
    title: Column.string({ nullable: true }),
    year: Column.int({ min: 1870, max: 2030, nullable: true }),
    genres: Column.string({ description: "genres, with | between them" }),
    rating: Column.float({ unit: "stars", min: 0.5, max: 5, availableAt: "outcome" }),
    timestamp: Column.timestamp({ description: "when the stars were given" }),
  },
  eventTime: "timestamp",
  minRows: 50_000,
});

/** Four stars and more are liked. */
export const Ratings = Interactions.make(Rating, {
  user: "userId",
  item: "movieId",
  rating: { column: "rating", likedFrom: 4 },
});

/** What the catalogue knows of a film, also of one that nobody has rated yet. */
export const Film = Contract.make("film", {
  version: "1.0.0",
  owner: "catalogue",
  key: ["movieId"],
  columns: {
    movieId: Column.int({ min: 1 }),
    title: Column.string({ nullable: true }),
    year: Column.int({ nullable: true }),
    genres: Column.string(),
  },
});

/** Films by number. */
export const Films = Catalogue.make(Film, { item: "movieId" });

export const charter = Charter.make({
  title: "Films for each member",
  decision: {
    question: "which ten films to show on the home page?",
    madeAt: "when the page is opened",
    actor: "home page",
    outcomeKnownAfter: "30 days",
  },
  metric: { name: "list quality", unit: "NDCG@10", list: { quality: "ndcg", at: 10 } },
  baseline: Recommendations.baseline({
    name: "most liked",
    description: "what most members liked, the same for everybody, as the page does today",
    source: "popularity",
  }),
  smallestGain: 0.01,
  surface: "one row of ten films, merged from all sources, at most four of one decade",
  kill: { on: "2028-12-31", criterion: "members do not open more of what is shown" },
  owner: "home-page",
  approvers: ["head-of-product"],
});

/** What the page does with candidates: four of a decade at most, and not ten of one genre. */
const page = {
  blend: "weighted",
  length: 10,
  items: Films,
  diversify: { by: "genres", separator: "|", relevance: 0.9 },
} as const;

/** The home page with matrix factorisation as a source. */
export const Home = System.make("home page", Ratings, {
  sources: { factors: 2, content: 0.5, popularity: 0.5 },
  rules: ($) => [System.cap($.year.dividedBy(10).floor(), 4)],
  ...page,
});

/** The same with item neighbours as a fourth source. */
export const NextHome = System.make("next home page", Ratings, {
  sources: { factors: 2, neighbours: 1, content: 0.5, popularity: 0.5 },
  rules: ($) => [System.cap($.year.dividedBy(10).floor(), 4)],
  ...page,
});

const ingest = Ingest.table(
  Rating,
  Source.csv(fileURLToPath(new URL("data/movielens.csv.gz", import.meta.url)), {
    timestamps: { timestamp: "epoch" },
  }),
);
const validate = Validate.table(Rating, { asOf: "2016-10-17" });
const catalogue = Stage.make("catalogue", {
  description: "one row per film",
  input: { ratings: Table.of(Rating, "checked") },
  output: Table.of(Film, "checked"),
  run: Effect.fnUntraced(function* ({ ratings }) {
    const columns = Object.keys(Film.columns).map(Duckdb.identifier).join(", ");
    const relation = yield* Table.relation(ratings);
    return yield* Table.write(Film, "checked", {
      query: `SELECT DISTINCT ${columns} FROM ${relation} ORDER BY ALL`,
    });
  }),
});
const split = Split.byTimeWithin(Rating, { within: "userId", validation: 0.1, test: 0.2 });

const popularity = Train.popularity(Ratings);
const factors = Train.factors(Ratings, { factors: 32, regularization: 10 });
const neighbours = Train.itemNeighbours(Ratings);
const content = Train.contentNeighbours(Ratings, Films, {
  by: {
    genres: { as: "tags", separator: "|" },
    title: { as: "words", weight: 0.5 },
    year: { as: "bins", width: 10, weight: 0.5 },
  },
});
const perUser = 50;
/** Fifty films for each member, by one source. */
const listsOf = (source: string) =>
  Stage.named(`${source}Lists`, Recommender.candidates(Ratings, { source, perUser }));
const [popularityLists, factorsLists, neighboursLists, contentLists] = [
  listsOf("popularity"),
  listsOf("factors"),
  listsOf("neighbours"),
  listsOf("content"),
] as const;

const merge = System.merge(Home);
const holdout = {
  looks: 3,
  justification: "the page and two candidates for it, all settled before the first look",
};
const evaluate = Evaluate.recommendations(Ratings, {
  charter,
  holdout,
  diversity: { items: Films, by: "genres", separator: "|" },
});
const judgeFactors = Stage.named(
  "judgeFactors",
  Evaluate.system(Home, { charter, holdout, candidate: "factors" }),
);
const judgeNeighbours = Stage.named(
  "judgeNeighbours",
  Evaluate.system(NextHome, { charter, holdout, candidate: "neighbours" }),
);

/** Releases the page: it serves what was judged, or nothing. */
const deploy = Deploy.system(Home, { charter, name: "home-page", perUser });

export default Pipeline.make(
  "recommender",
  { charter, description: "from ratings to a home page, and what each source is worth to it" },
  () => {
    const { checked } = validate({ data: ingest().table });
    const items = catalogue({ ratings: checked });
    const { train, test } = split({ data: checked });

    const learnt = {
      popularity: popularity({ train }),
      factors: factors({ train }),
      content: content({ train, items }),
    };
    const sources = {
      popularity: popularityLists({ recommender: learnt.popularity, train }),
      factors: factorsLists({ recommender: learnt.factors, train }),
      content: contentLists({ recommender: learnt.content, train }),
    };
    const more = neighboursLists({ recommender: neighbours({ train }), train });
    const baseline = sources.popularity;

    const { lists } = merge({ ...sources, train, items });
    const page = evaluate({ lists, baseline, train, data: test, items });
    const first = judgeFactors({ ...sources, train, items, baseline, data: test });
    const second = judgeNeighbours({
      ...sources,
      neighbours: more,
      train,
      items,
      baseline,
      data: test,
    });
    const verdict = Verdict.gate({ verdict: page.verdict });
    return {
      release: deploy({ ...learnt, train, items, lists, verdict }),
      factors: first.verdict,
      neighbours: second.verdict,
    };
  },
);
