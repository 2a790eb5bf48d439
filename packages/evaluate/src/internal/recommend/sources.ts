/** What each source of a system is worth to it. */
import { Duckdb, type StatisticsError, type System } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { SourceResult } from "../../recommend/ListEvaluation.ts";
import type { Setting } from "./judging.ts";
import { itemsByUser, overlapOf } from "./measure.ts";
import type { Ground, Places } from "./read.ts";

/** Share of the judged places that are owed to each source, and of those that users liked. */
export type Credits = ReadonlyMap<string, { readonly all: number; readonly liked: number }>;

/** Adds up whom the first places of the judged users are owed to; `merged` as `System.run` gives it. */
export const creditsOf = Effect.fnUntraced(function* (
  sources: ReadonlyArray<string>,
  merged: string,
  { sql }: Ground,
  at: number,
): Effect.fn.Return<Credits, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const columns = sources.map((_, index) => `c${index}`);
  const shares = columns.flatMap((c, index) => {
    const share = `m.${c} / (${columns.map((one) => `m.${one}`).join(" + ")})`;
    return [
      `avg(${share} ORDER BY m.user, m.rank) AS "all${index}"`,
      `coalesce(avg(${share} ORDER BY m.user, m.rank) FILTER (l.item IS NOT NULL), 0) AS "liked${index}"`,
    ];
  });
  const [found] = yield* db.rows(
    "see whom places are owed to",
    `SELECT ${shares.join(", ")} FROM ${merged} AS m JOIN ${sql.users} AS u ON m.user = u.user
     LEFT JOIN ${sql.liked} AS l ON m.user = l.user AND m.item = l.item WHERE m.rank <= ${at}`,
  );
  return new Map(
    sources.map((source, index) => [
      source,
      {
        all: Number(found?.[`all${index}`] ?? 0),
        liked: Number(found?.[`liked${index}`] ?? 0),
      },
    ]),
  );
});

/** One source: alone, inside the system, and what it has in common with the candidate. */
export const sourceResult = Effect.fnUntraced(function* (
  setting: Setting,
  about: {
    readonly spec: System.SystemSpec;
    readonly whole: Places;
    readonly judged: Places;
    readonly credits: Credits;
  },
  {
    source,
    alone,
    without,
  }: { readonly source: string; readonly alone: Places; readonly without: Places },
): Effect.fn.Return<SourceResult, StatisticsError> {
  const { spec, whole, judged, credits } = about;
  const credit = credits.get(source);
  return {
    source,
    weight: spec.sources.find(({ name }) => name === source)?.weight ?? 0,
    alone: yield* setting.metric(alone, setting.baseline),
    inside: yield* setting.metric(whole, without),
    credit: credit?.all ?? 0,
    creditOfLiked: credit?.liked ?? 0,
    changed: changedShare(whole, without),
    overlap: overlapOf(alone, judged),
  };
});

/** Share of the places with an item that the other list does not show. */
const changedShare = (whole: Places, without: Places): number => {
  const before = itemsByUser(without);
  let changed = 0;
  for (let user = 0; user < before.length; user++) {
    for (let at = whole.shown.offsets[user]!; at < whole.shown.offsets[user + 1]!; at++) {
      if (before[user]?.has(whole.item[at]!) !== true) changed++;
    }
  }
  return whole.item.length === 0 ? 0 : changed / whole.item.length;
};
