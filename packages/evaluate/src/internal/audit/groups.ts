/** Rows that belong together: groups that were declared, and columns that look like one (L3.2). */
import { Duckdb, type TestRows, Words } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { AuditResult } from "../../LeakageAudit.ts";
import type { Facts } from "./facts.ts";
import { keptOf } from "./rows.ts";

const { identifier } = Duckdb;
const { counted, number, percent, whole } = Words;

/** Limits from which a column looks like a group. */
export const groupLimits = {
  /** Likeness of outcomes within a column's values. */
  likeness: 0.1,
  /** Standard errors by which it differs from none. */
  certainty: 5,
  /** Part of the likeness that neighbouring values of a number do not share, from which it is no quantity. */
  unshared: 0.5,
  /** Rows of the rarer outcome below which it is noted, not suspected. */
  minPerClass: 30,
  /** Share of test rows whose value is in train too, from which that matters. */
  sharedGroups: 0.2,
} as const;

/** Test rows whose declared group is in train. */
export const declaredGroup = Effect.fnUntraced(function* (
  set: TestRows.Rows,
  train: Facts,
  test: Facts,
) {
  const { group } = set.contract.spec;
  const base = {
    kind: "L3.2",
    check: "leakage.group",
    columns: group === undefined ? [] : [group],
    expected: "no group in train and in test",
  } as const;
  if (group === undefined) {
    const result: AuditResult = {
      ...base,
      outcome: "not-applicable",
      found: "a contract without a group",
      next: "If rows belong to persons, households or machines, declare the group in the contract.",
    };
    return result;
  }
  const shared = yield* sharedRows(group, train, test);
  const result: AuditResult = {
    ...base,
    outcome: shared === 0 ? "clear" : "suspected",
    found: `${counted(shared, "test row")} of ${whole(test.rows)} with a "${group}" that is in train too`,
    next:
      shared === 0
        ? "Nothing to do."
        : `Split by "${group}", so that all rows of one are in one part.`,
    ...(shared === 0 ? {} : { rows: shared }),
  };
  return result;
});

const sharedRows = Effect.fnUntraced(function* (column: string, train: Facts, test: Facts) {
  const db = yield* Duckdb.Duckdb;
  const name = identifier(column);
  const [found] = yield* db.rows(
    `look for values of "${column}" in both parts`,
    `SELECT count(*)::DOUBLE AS n FROM ${test.relation}
     WHERE ${name} IN (SELECT DISTINCT ${name} FROM ${train.relation} WHERE ${name} IS NOT NULL)`,
  );
  return Number(found?.["n"] ?? 0);
});

/** Most columns that are looked at as groups. */
const mostCandidates = 12;

/**
 * Columns that look like a group that nobody declared: outcomes of rows with one value are alike
 * (intraclass correlation by analysis of variance: Donner & Koval, Biometrics 36(1), 1980), and the test
 * rows' values are in train too. Values of a number that is a quantity, such as months, have alike outcomes
 * as well, but share them with the next value; those of a group's number do not.
 */
export const undeclaredGroups = Effect.fnUntraced(function* (
  set: TestRows.Rows,
  train: Facts,
  test: Facts,
) {
  const { group, columns } = set.contract.spec;
  const kept = keptOf(set).filter(
    (name) => name !== group && ["string", "int"].includes(columns[name]?.type ?? ""),
  );
  const codes = [...train.features].flatMap(([name, { whole: isWhole, all }]) =>
    isWhole && all !== undefined && all.distinct <= all.values / 2 ? [name] : [],
  );
  const candidates = [...kept, ...codes].slice(0, mostCandidates);
  const expected = `no column whose values are in both parts and go with alike outcomes (intraclass correlation ${groupLimits.likeness})`;
  const base = { kind: "L3.2", check: "leakage.undeclared-group", expected } as const;
  const rarer = Math.min(train.positives, train.labelled - train.positives);
  const found: Array<AuditResult> = [];
  const quantities: Array<string> = [];
  for (const column of rarer === 0 ? [] : candidates) {
    const ordered = codes.includes(column) || columns[column]?.type === "int";
    const seen = yield* likenessOf(train, column, ordered);
    if (seen.values < 10 || seen.rows < 2 * seen.values || !isAlike(seen)) continue;
    if (ordered && !isUnshared(seen)) {
      quantities.push(column);
      continue;
    }
    const shared = yield* sharedRows(column, train, test);
    if (shared < groupLimits.sharedGroups * test.rows) continue;
    // A person who comes again later may be known to the model; one whose rows were shuffled may not.
    const byTime = set.spec.decidedAt !== undefined;
    const partly = ordered && seen.unshared < groupLimits.unshared * seen.likeness;
    const unsure = byTime || partly || rarer < groupLimits.minPerClass;
    const own = ordered ? `, ${number(seen.unshared)} of it not shared by the next value` : "";
    found.push({
      ...base,
      outcome: unsure ? "noted" : "suspected",
      columns: [column],
      found: `"${column}": outcomes of rows with one value are alike (intraclass correlation ${number(seen.likeness)}${own}, ${whole(seen.values)} values), and ${percent(shared / Math.max(1, test.rows))} of the test rows have a value that is in train`,
      next: byTime
        ? `If the model will also decide about a "${column}" that it has not met, declare it as the contract's group and split by time and group.`
        : `If rows belong to a "${column}", declare it as the contract's group and split by it; if each will be met again, split by time; if it is a mere property, say so in leakage.accepted.`,
      rows: shared,
    });
  }
  if (found.length > 0) return found;
  const looked = candidates.map((column) => `"${column}"`).join(", ");
  const smooth = quantities.map((column) => `"${column}"`).join(", ");
  const none: AuditResult = {
    ...base,
    outcome: candidates.length === 0 ? "not-applicable" : rarer === 0 ? "not-run" : "clear",
    columns: [],
    found:
      candidates.length === 0
        ? "no kept column and no code that rows could belong to"
        : rarer === 0
          ? "train rows of one outcome only"
          : `none of ${looked}${smooth === "" ? "" : `; outcomes follow the order of ${smooth}, as of a quantity`}`,
    next:
      rarer === 0 && candidates.length > 0
        ? "Train on rows in which both outcomes occur."
        : "Keep the columns that rows could belong to, so that they are looked at.",
  };
  return [none];
});

/** How alike outcomes within the values of a column are. */
interface Likeness {
  readonly values: number;
  readonly rows: number;
  /** Intraclass correlation. */
  readonly likeness: number;
  /** Its distance from none, in standard errors. */
  readonly certainty: number;
  /** The part of it that the next value does not share, on the same scale; of ordered values only. */
  readonly unshared: number;
  readonly unsharedCertainty: number;
}

const isAlike = ({ likeness, certainty }: Likeness): boolean =>
  likeness >= groupLimits.likeness && certainty >= groupLimits.certainty;

const isUnshared = ({ unshared, unsharedCertainty }: Likeness): boolean =>
  unshared >= groupLimits.likeness && unsharedCertainty >= groupLimits.certainty;

/**
 * What neighbours do not share follows from the squared differences of the shares of positive outcomes of
 * each value and the next, less what chance gives (Rice, Annals of Statistics 12(4), 1984: variance from
 * first differences). Each pair weighs as much as the smaller of both lets it be known.
 */
const likenessOf = Effect.fnUntraced(function* (train: Facts, column: string, ordered: boolean) {
  const db = yield* Duckdb.Duckdb;
  const name = identifier(column);
  const present = ordered ? `isfinite(CAST(${name} AS DOUBLE))` : `${name} IS NOT NULL`;
  const next = ordered ? "lead(p) OVER (ORDER BY v)" : "NULL";
  const nextRows = ordered ? "lead(n) OVER (ORDER BY v)" : "NULL";
  const nextChance = ordered ? "lead(chance) OVER (ORDER BY v)" : "NULL";
  const [row] = yield* db.rows(
    `look at "${column}" as a group`,
    `WITH cells AS MATERIALIZED (
       SELECT ${name} AS v, count(*)::DOUBLE AS n, count_if(${train.outcome.views[0]})::DOUBLE AS y FROM ${train.relation}
       WHERE label IS NOT NULL AND ${present} GROUP BY 1),
     known AS (SELECT v, n, y / n AS p, y / n * (1 - y / n) / (n - 1) AS chance FROM cells WHERE n > 1),
     pairs AS (
       SELECT n * n1 / (n + n1) AS weight, (p - p1) ** 2 AS jump, chance + chance1 AS chance FROM (
         SELECT *, ${next} AS p1, ${nextRows} AS n1, ${nextChance} AS chance1 FROM known)
       WHERE p1 IS NOT NULL)
     SELECT count(*)::DOUBLE AS k, coalesce(sum(n), 0)::DOUBLE AS n, coalesce(sum(n * n), 0)::DOUBLE AS squares,
       coalesce(sum(y), 0)::DOUBLE AS y, coalesce(sum(y * y / n), 0)::DOUBLE AS between,
       (SELECT sum(weight * (jump - chance)) FROM pairs)::DOUBLE AS jumps,
       (SELECT sum(weight) FROM pairs)::DOUBLE AS weights,
       (SELECT sqrt(3 * sum((weight * chance) ** 2)) FROM pairs)::DOUBLE AS error
     FROM cells`,
  );
  const of = (key: string) => Number(row?.[key] ?? 0);
  const [values, rows, share] = [of("k"), of("n"), of("y") / of("n")];
  const likeness = intraclass({
    groups: values,
    rows,
    squares: of("squares"),
    positives: of("y"),
    between: of("between"),
  });
  return {
    values,
    rows,
    ...likeness,
    unshared: of("jumps") / (2 * of("weights") * share * (1 - share)),
    unsharedCertainty: of("jumps") / of("error"),
  } satisfies Likeness;
});

/**
 * One-way analysis of variance of a yes/no outcome, from sums per group: the intraclass correlation, and
 * how many standard errors the F ratio is above 1.
 */
export const intraclass = (sums: {
  readonly groups: number;
  readonly rows: number;
  readonly squares: number;
  readonly positives: number;
  readonly between: number;
}): { readonly likeness: number; readonly certainty: number } => {
  const { groups: k, rows: n, squares, positives: y, between } = sums;
  if (k < 2 || n <= k) return { likeness: Number.NaN, certainty: Number.NaN };
  const amongMean = (between - (y * y) / n) / (k - 1);
  const withinMean = (y - between) / (n - k);
  const size = (n - squares / n) / (k - 1);
  return {
    likeness: (amongMean - withinMean) / (amongMean + (size - 1) * withinMean),
    certainty: (amongMean / withinMean - 1) / Math.sqrt(2 / (k - 1) + 2 / (n - k)),
  };
};
