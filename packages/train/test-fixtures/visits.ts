/** A small table of visits with a label of each kind: yes or no, a number, a class. For tests only. */
import { Artifact, Column, Contract, type Exhibit, type Finding, Stage } from "@ml-pipe/core";
import { Duckdb, Expr, FeatureSet, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

/** DuckDB and a store for artifacts. */
export const services = Layer.mergeAll(
  Duckdb.Duckdb.layer({ threads: 2 }),
  Artifact.ArtifactStore.layerTemporary,
);

const Visit = Contract.make("visit", {
  version: "1",
  owner: "shop",
  columns: {
    age: Column.float({ nullable: true }),
    days: Column.float({ min: 0 }),
    copies: Column.int(),
    shop: Column.string(),
    bought: Column.int({ availableAt: "outcome", nullable: true }),
  },
});

const common = { version: "1", of: Visit, keep: ["copies", "shop"] } as const;

/** Whether something was bought. */
export const Buys = FeatureSet.make("buys", {
  ...common,
  features: ($) => ({ age: $.age, days: $.days }),
  label: ($) => $.bought.gt(1),
});
/** How many things were bought. */
export const Amount = FeatureSet.make("amount", {
  ...common,
  features: ($) => ({ age: $.age, days: $.days }),
  label: ($) => $.bought,
});
/** None, one or more. */
export const Kind = FeatureSet.make("kind", {
  ...common,
  features: ($) => ({ age: $.age, days: $.days }),
  label: ($) => Expr.when($.bought.lt(1), "none", Expr.when($.bought.lt(2), "one", "more")),
});

/** The columns of a visit over i; age is null for every ninth, bought unknown for every eleventh. */
const visits = (rows: number): string =>
  `SELECT CASE WHEN i % 9 = 0 THEN NULL ELSE 20 + 40 * x END AS age, 1 + i % 5 AS days,
     1 + i % 3 AS copies, 's' || (i % 4) AS shop,
     CASE WHEN i % 11 <> 0 THEN floor((1 + i % 5) * (0.2 + 0.7 * x) * y)::BIGINT END AS bought
   FROM (SELECT i, hash(i * 7919) / 18446744073709551615.0 AS x,
     hash(i * 104729 + 1) / 9223372036854775807.0 AS y FROM range(${rows}) t(i)) ORDER BY i`;

/** The label of each feature set in SQL over visits. */
const labels = {
  buys: "bought > 1",
  amount: "bought::DOUBLE",
  kind: "CASE WHEN bought < 1 THEN 'none' WHEN bought < 2 THEN 'one' WHEN bought >= 2 THEN 'more' END",
} as const;

/** A set's features and labels of so many visits: three fifths to train, a fifth to validate, a fifth to test. */
export const partsOf = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract<keyof typeof labels>,
>(set: FeatureSet.FeatureSet<C, Out>, rows = 600) {
  const label = labels[set.contract.name];
  const query = `SELECT age, days, copies, shop, ${label} AS label FROM (${visits(rows)})`;
  const part = (share: string) => ({
    query: `SELECT * EXCLUDE n FROM (SELECT *, row_number() OVER () AS n FROM (${query})) WHERE n % 5 ${share} ORDER BY n`,
    split: "split-one",
  });
  return {
    train: yield* Table.write(set.contract, "train", part("< 3")),
    validation: yield* Table.write(set.contract, "validation", part("= 3")),
    test: yield* Table.write(set.contract, "test", part("= 4")),
  };
});

/** Runs with the services, and what stages told: titles of exhibits, and findings. */
export const recorded = <A, E>(run: Effect.Effect<A, E, Layer.Success<typeof services>>) =>
  Effect.gen(function* () {
    const exhibits: Array<Exhibit.Exhibit> = [];
    const findings: Array<Finding.Finding> = [];
    const value = yield* run.pipe(
      Effect.provideService(Stage.Reporter, (event) =>
        Effect.sync(() => {
          if (event._tag === "Finding") findings.push(event.finding);
          if (event._tag === "Exhibit") exhibits.push(event.exhibit);
        }),
      ),
    );
    return { value, exhibits, findings };
  });
