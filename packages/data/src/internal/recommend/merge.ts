/** The SQL of a system: from the lists of its sources to the list of each user. */
import { literal } from "../../Duckdb.ts";
import { tagCosineSql, tagsSql } from "../../recommend/Catalogue.ts";
import type { Rule, SystemSpec } from "../../recommend/SystemSpec.ts";
import { toSql } from "../compile.ts";

/** What a merge reads. */
export interface MergeInputs {
  /** Lists as relations `user`, `item`, `rank`, `score`, with their weights. */
  readonly sources: ReadonlyArray<{ readonly relation: string; readonly weight: number }>;
  readonly names: ReadonlyArray<string>;
  /** What users have met: `user`, `item`. */
  readonly met: string;
  /** What rules and variety read, with the item's name in SQL. */
  readonly items: { readonly relation: string; readonly id: string } | undefined;
}

/** How fast a rank loses weight in rank fusion. */
export const fusion = 60;
/** What the last item of a source still counts for, so that every item is owed to somebody. */
export const least = 1e-9;
/** Candidates for each place among which variety chooses. */
export const pool = 10;

/** The best come first; what several sources put equally is decided by the best rank, then by name. */
const best = `score DESC, best, item`;

/**
 * The merged lists: `user`, `item`, `rank`, `score`, `source`, `c0`, `c1` …. Contributions are taken apart by
 * source before they are added, in the order of the sources, so that threads do not matter.
 */
export const mergeSql = (spec: SystemSpec, inputs: MergeInputs): string => {
  const { sources, names, met, items } = inputs;
  const contributions = names.map((_, at) => `c${at}`);
  const proposals = sources.map(
    ({ relation, weight }, at) =>
      `SELECT user, item, rank, ${at} AS source, ${contributionSql(spec.blend, weight)} AS c FROM ${relation}`,
  );
  const bySource = contributions.map(
    (c, at) => `coalesce(max(c) FILTER (source = ${at}), 0) AS ${c}`,
  );
  const score =
    spec.blend === "interleave"
      ? `greatest(${contributions.join(", ")})`
      : contributions.join(" + ");
  const boosts = boostsSql(spec);
  const visible = visibleSql(spec);
  const keys = capsSql(spec).map((key, at) => `, ${key} AS "cap${at}"`);
  const { diversify, length } = spec;
  const tags = diversify === null ? "" : `, ${tagsSql(diversify, "i")} AS tags`;
  const joined =
    items === undefined
      ? ""
      : `LEFT JOIN (SELECT *, ${items.id} AS "~item" FROM ${items.relation}) AS i ON c.item = i."~item"`;
  const kept = capsOf(spec).reduce(
    (from, { atMost }, at) =>
      `(SELECT * FROM ${from} QUALIFY "cap${at}" IS NULL
        OR row_number() OVER (PARTITION BY user, "cap${at}" ORDER BY ${best}) <= ${atMost})`,
    "eligible",
  );
  const all = contributions.join(", ");
  const enough = diversify === null ? length : length * pool;
  return `WITH proposals AS (${proposals.join(" UNION ALL ")}),
    candidates AS (SELECT user, item, min(rank) AS best, ${bySource.join(", ")} FROM proposals GROUP BY user, item),
    eligible AS (SELECT c.*, (${score})${boosts.map((one) => ` * ${one}`).join("")} AS score${keys.join("")}${tags}
      FROM (FROM candidates AS a ANTI JOIN ${met} AS m ON a.user = m.user AND a.item = m.item) AS c ${joined}
      WHERE ${visible}),
    ranked AS (SELECT *, row_number() OVER (PARTITION BY user ORDER BY ${best}) AS rank FROM ${kept} QUALIFY rank <= ${enough})
    ${diversify === null ? "" : `, ${variedSql(diversify.relevance, length)}`}
    SELECT user, item, CAST(rank AS BIGINT) AS rank, score,
      CASE greatest(${all}) ${names.map((name, at) => `WHEN c${at} THEN ${literal(name)}`).join(" ")} END AS source, ${all}
    FROM ${diversify === null ? "ranked" : "varied"}`;
};

/** Whether an item of the catalogue `i` may be shown at all. */
export const visibleSql = ({ rules }: SystemSpec): string => {
  const hides = rules.flatMap((rule) =>
    rule._tag === "hide" ? [`NOT coalesce(${ruleSql(rule.when)}, FALSE)`] : [],
  );
  return hides.length === 0 ? "TRUE" : hides.join(" AND ");
};

/** What the score of an item of the catalogue `i` is multiplied by, one number after the other. */
export const boostsSql = ({ rules }: SystemSpec): ReadonlyArray<string> =>
  rules.flatMap((rule) =>
    rule._tag === "boost"
      ? [`CASE WHEN coalesce(${ruleSql(rule.when)}, FALSE) THEN ${rule.by}::DOUBLE ELSE 1 END`]
      : [],
  );

/** The caps among the rules. */
export const capsOf = ({ rules }: SystemSpec): ReadonlyArray<Extract<Rule, { _tag: "cap" }>> =>
  rules.filter((rule) => rule._tag === "cap");

/** What each cap counts an item of the catalogue `i` under. */
export const capsSql = (spec: SystemSpec): ReadonlyArray<string> =>
  capsOf(spec).map(({ by }) => ruleSql(by));

const ruleSql = (ast: Extract<Rule, { readonly _tag: "hide" }>["when"]): string =>
  toSql(ast, { table: "i" });

const contributionSql = (blend: SystemSpec["blend"], weight: number): string => {
  switch (blend) {
    case "rank-fusion":
      return `${weight}::DOUBLE / (${fusion} + rank)`;
    case "weighted": {
      const [low, high] = ["min", "max"].map((f) => `${f}(score) OVER (PARTITION BY user)`);
      return `${weight}::DOUBLE * greatest(coalesce((score - ${low}) / nullif(${high} - ${low}, 0), 1), ${least})`;
    }
    case "interleave":
      return `1 / (1 + (rank - 0.5::DOUBLE) / ${weight}::DOUBLE)`;
  }
};

/**
 * Maximal marginal relevance, one place after the other for all users at once: `p1` is the first place, `t1`
 * what is left after it, with the largest similarity to what was chosen so far.
 */
const variedSql = (relevance: number, length: number): string => {
  const steps: Array<string> = [
    `t0 AS MATERIALIZED (SELECT *, score / max(score) OVER (PARTITION BY user) AS fit, 0::DOUBLE AS near FROM ranked)`,
  ];
  const places: Array<string> = [];
  for (let place = 1; place <= length; place++) {
    steps.push(
      `p${place} AS MATERIALIZED (SELECT * FROM t${place - 1} QUALIFY row_number() OVER (PARTITION BY user
        ORDER BY ${relevance}::DOUBLE * fit - ${1 - relevance}::DOUBLE * near DESC, rank) = 1)`,
    );
    places.push(`SELECT * REPLACE (${place} AS rank) FROM p${place}`);
    if (place === length) break;
    steps.push(
      `t${place} AS MATERIALIZED (SELECT t.* REPLACE (greatest(t.near,
          ${tagCosineSql("t.tags", "p.tags")}) AS near)
        FROM t${place - 1} AS t JOIN p${place} AS p ON t.user = p.user WHERE t.item <> p.item)`,
    );
  }
  return `${steps.join(", ")}, varied AS (${places.join(" UNION ALL ")})`;
};

/** The share of each source in each place of merged lists: `user`, `item`, `rank`, `source`, `share`. */
export const creditSql = (
  names: ReadonlyArray<{ readonly name: string }>,
  merged: string,
): string => {
  const all = names.map((_, at) => `c${at}`);
  return names
    .map(
      ({ name }, at) =>
        `SELECT user, item, rank, ${literal(name)} AS source, c${at} / (${all.join(" + ")}) AS share FROM ${merged}`,
    )
    .join(" UNION ALL ");
};
