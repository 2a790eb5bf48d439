/** A small world for tests: who played which song, two sources that learnt from it, and a start page. */
import { Artifact, Charter, Column, Contract, Digest, Verdict } from "@ml-pipe/core";
import {
  Catalogue,
  Duckdb,
  Interactions,
  Recommendations,
  Recommender,
  System,
  Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";

export const Play = Contract.make("play", {
  version: "1.0.0",
  owner: "player",
  columns: { member: Column.int({ min: 1 }), song: Column.int(), at: Column.timestamp() },
  eventTime: "at",
});
export const Plays = Interactions.make(Play, { user: "member", item: "song" });
export const Song = Contract.make("song", {
  version: "1.0.0",
  owner: "catalogue",
  key: ["song"],
  columns: { song: Column.int(), artist: Column.string(), advert: Column.boolean() },
});
export const Songs = Catalogue.make(Song, { item: "song" });

/** Adverts are hidden; one song of an artist. */
export const Home = System.make("start-page", Plays, {
  sources: { alike: 2, charts: 1 },
  length: 3,
  items: Songs,
  rules: ($) => [System.hide($.advert), System.cap($.artist, 1)],
});

export const charter = Charter.make({
  title: "Songs for each member",
  decision: {
    question: "which three songs to show?",
    madeAt: "when the player starts",
    actor: "start page",
    outcomeKnownAfter: "1 day",
  },
  metric: { name: "list quality", unit: "recall@3", list: { quality: "recall", at: 3 } },
  baseline: Recommendations.baseline({
    name: "charts",
    description: "what everybody plays",
    source: "charts",
  }),
  smallestGain: 0.05,
  surface: "start page",
  kill: { on: "2999-01-01", criterion: "members play no more" },
  owner: "start-page",
  approvers: ["ann"],
});

const partOf = Effect.fnUntraced(function* (query: string) {
  const [store, db] = [yield* Artifact.ArtifactStore, yield* Duckdb.Duckdb];
  return yield* store.put("application/vnd.apache.parquet", (file) =>
    db.execute("write a part", `COPY (${query}) TO ${Duckdb.literal(file)} (FORMAT parquet)`),
  );
});

/** Members 1 to 6 have played songs m, m + 1 and m + 2, whose numbers begin further on where that is asked for. */
export const worldOf = Effect.fnUntraced(function* (further: string) {
  const train = yield* Table.write(Play, "train", {
    query: `SELECT m::BIGINT AS member, (${further} m + s)::BIGINT AS song, TIMESTAMP '2026-01-01' + INTERVAL (m) DAY AS at
      FROM range(1, 7) a(m), range(3) b(s) ORDER BY ALL`,
    split: "by day",
  });
  const items = yield* Table.write(Song, "checked", {
    query: `SELECT i AS song, 'artist ' || (i % 6) AS artist, i = 10 AS advert FROM range(1, 11) t(i) ORDER BY ALL`,
  });
  const recommenders = {
    alike: Recommender.make(Plays, train, {
      kind: "item neighbours",
      form: {
        _tag: "neighbours",
        neighbours: yield* partOf(
          `SELECT a::VARCHAR AS item, b::VARCHAR AS neighbour, 1 / (abs(a - b) + 1.5) AS similarity
           FROM range(1, 11) x(a), range(1, 11) y(b) WHERE a <> b ORDER BY ALL`,
        ),
      },
    }),
    charts: Recommender.make(Plays, train, {
      kind: "popularity",
      form: {
        _tag: "scores",
        scores: yield* partOf(
          `SELECT song::VARCHAR AS item, count(*)::DOUBLE AS score FROM ${yield* Table.relation(train)} GROUP BY ALL ORDER BY ALL`,
        ),
      },
    }),
  };
  const listsOf = (source: "alike" | "charts") =>
    Recommender.candidates(Plays, { source }).run({ recommender: recommenders[source], train });
  const { lists } = yield* System.merge(Home).run({
    alike: yield* listsOf("alike"),
    charts: yield* listsOf("charts"),
    train,
    items,
  });
  return { ...recommenders, train, items, lists };
});

/** Songs 9 and 10 are known to nobody but the sources. */
export const world = worldOf("");

/** A verdict on what has a digest: passed. */
export const judged = (model: Digest.Digest): Verdict.Verdict =>
  Verdict.judge(
    [
      {
        name: "gain",
        check: () => ({ outcome: "passed", expected: "a gain", found: "some", next: "" }),
      },
    ],
    undefined,
    {
      model,
      charter: charter.digest,
      testSet: Digest.ofBytes("test"),
    },
  );
