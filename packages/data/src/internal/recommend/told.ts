/** What lists tell: who has none, whom places are owed to, and whose lists are short. */
import type { Artifact, Exhibit, Finding } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError } from "../../Duckdb.ts";
import type { SystemSpec } from "../../recommend/SystemSpec.ts";
import * as Table from "../../Table.ts";
import { counted, percent, whole } from "../../Words.ts";

/** Users without a list, and rows of the train table that say nothing. */
export const candidateFindings = Effect.fnUntraced(function* (
  source: string,
  about: {
    readonly name: string;
    readonly owner: string;
    /** A relation `user`, `item` of what users have met. */
    readonly pairs: string;
    readonly train: Table.AnyTable;
    readonly unreadable: string;
    readonly lists: Table.AnyTable;
  },
): Effect.fn.Return<
  ReadonlyArray<Finding.Finding>,
  DuckdbError | Table.ReadError,
  Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb;
  const { name, owner, pairs, train, unreadable, lists } = about;
  const [found] = yield* db.rows(
    `look at the lists of ${source}`,
    `SELECT (SELECT count(DISTINCT user) FROM ${pairs})::DOUBLE AS users,
      (SELECT count(DISTINCT user) FROM ${yield* Table.relation(lists)})::DOUBLE AS listed,
      (SELECT count(*) FROM ${yield* Table.relation(train)} WHERE ${unreadable})::DOUBLE AS unread`,
  );
  const of = (column: string) => Number(found?.[column] ?? 0);
  const [users, listed, unread] = [of("users"), of("listed"), of("unread")];
  const findings: Array<Finding.Finding> = [];
  if (listed < users || users === 0) {
    findings.push({
      check: "candidates.unlisted",
      severity: listed === 0 ? "warn" : "info",
      owner,
      expected: `a list of "${source}" for each of ${counted(users, "user")}`,
      found: listed === 0 ? "none for anybody" : `none for ${counted(users - listed, "user")}`,
      rows: users - listed,
      next: "They have liked nothing that it knows, or have met all that it knows. Merge it with a source that knows everybody, such as popularity; if nobody has a list, check that items have the same names everywhere.",
    });
  }
  if (unread > 0) {
    findings.push({
      check: "candidates.unreadable",
      severity: "warn",
      owner,
      expected: `a user, an item and a finite rating in each row of ${name}`,
      found: `${counted(unread, "row")} of ${whole(train.rows)} without, left out`,
      rows: unread,
      next: "Validate the table by its contract before it is split: these rows teach nothing, and their users may be missing.",
    });
  }
  return findings;
});

/** The exhibit and the findings of a merge. */
export const toldOf = Effect.fnUntraced(function* (
  spec: SystemSpec,
  credit: Table.AnyTable,
  lists: Table.AnyTable,
): Effect.fn.Return<
  { readonly exhibit: Exhibit.Exhibit; readonly findings: ReadonlyArray<Finding.Finding> },
  DuckdbError | Table.ReadError,
  Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb;
  const sources = spec.sources.map(({ name }) => name);
  const operation = `look at the lists of ${spec.name}`;
  const shares = yield* db.rows(
    operation,
    `SELECT source, sum(share) AS places FROM ${yield* Table.relation(credit)} GROUP BY source`,
  );
  const [users] = yield* db.rows(
    operation,
    `SELECT count(*)::DOUBLE AS users, count_if(n < ${spec.length})::DOUBLE AS short
     FROM (SELECT count(*) AS n FROM ${yield* Table.relation(lists)} GROUP BY user)`,
  );
  const of = (name: string) => Number(users?.[name] ?? 0);
  const placesOf = (source: string) =>
    Number(shares.find((row) => row["source"] === source)?.["places"] ?? 0);
  const total = Math.max(1, lists.rows);
  const exhibit: Exhibit.Exhibit = {
    _tag: "bar",
    title: "Whom the places are owed to",
    caption: `${whole(lists.rows)} places in the lists of ${counted(of("users"), "user")}; a place that several sources propose is shared by what each contributes`,
    value: { label: "share of the places" },
    bars: sources.map((source) => ({ name: source, value: placesOf(source) / total })),
  };
  const findings: Array<Finding.Finding> = sources
    .filter((source) => placesOf(source) === 0)
    .map((source) => ({
      check: "system.idle-source",
      severity: "warn",
      expected: `places that are owed to "${source}"`,
      found: "none",
      next: "Give it more weight, or remove it: as it is, it costs and changes nothing.",
    }));
  if (of("short") > 0 || of("users") === 0) {
    findings.push({
      check: "system.short-lists",
      severity: "warn",
      expected: `${counted(spec.length, "place")} filled for each user`,
      found: `${counted(of("short"), "user")} of ${whole(of("users"))} with fewer (${percent(of("short") / Math.max(1, of("users")))})`,
      rows: of("short"),
      next: "Let sources propose more candidates, add one that knows everybody, such as popularity, or relax the rules.",
    });
  }
  return { exhibit, findings };
});
