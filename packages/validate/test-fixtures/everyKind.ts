/** A check of every kind that passes on a small table, and one that fails on it. */
import { Check, Column, Contract } from "@ml-pipe/core";
import { values } from "./tables.ts";

const nullable = { nullable: true } as const;

/** The contract of the table below, without limits of its own. */
export const Thing = Contract.make("thing", {
  version: "1",
  owner: "lab",
  columns: {
    id: Column.int(nullable),
    k: Column.int(nullable),
    n: Column.int(nullable),
    w: Column.int(nullable),
    x: Column.float(nullable),
    y: Column.float(nullable),
    s: Column.string(nullable),
    e: Column.string(nullable),
    d: Column.string(nullable),
    p: Column.string(nullable),
    c: Column.string(nullable),
    m: Column.string(nullable),
    t: Column.timestamp(nullable),
    u: Column.timestamp(nullable),
    b: Column.boolean(nullable),
  },
});

/** The other table: as {@link countries}. */
export const Country = Contract.make("country", {
  version: "1",
  owner: "lab",
  columns: { code: Column.string() },
});
/** Its rows as a relation in SQL. */
export const countries = "(SELECT 'DE' AS code UNION ALL SELECT 'US')";

/** The columns of {@link table}. */
export const columns =
  "id INTEGER, k INTEGER, n INTEGER, w INTEGER, x DOUBLE, y DOUBLE, s VARCHAR, e VARCHAR, d VARCHAR, p VARCHAR, c VARCHAR, m VARCHAR, t TIMESTAMP, u TIMESTAMP, b BOOLEAN";

/** Five rows. */
export const table = values(
  columns,
  "(1, 1, 3, 9, 1.5, 3, 'ab', 'a@b.org', '2001-01-31', '1', 'DE', 'EUR', '2001-01-01', '2001-01-02', true)",
  "(2, 2, 0, 8, 2.5, 5, 'cd ', 'nobody', '2001-02-30', '2.5', 'US', 'USD', '2001-01-02', '2001-01-01', false)",
  "(2, 2, -4, 7, 10, -1, '', NULL, '2001-03-01', 'x', 'DE', 'USD', '2001-01-05', '2001-01-06', NULL)",
  "(4, 4, NULL, NULL, NULL, 2, NULL, 'x@y.z', NULL, NULL, 'FR', NULL, NULL, '2001-01-06', true)",
  "(3, 9, 7, 8, 7, 14, 'NA', 'q@w.e', '2001-04-01', '-3', 'DE', 'EUR', '2001-01-03', NULL, true)",
);

/** Against which time is judged. */
export const asOf = Date.parse("2001-01-04");

type Row = Contract.Row<typeof Thing>;
type Of = Check.Check<Row>;

/** A check that passes, one that fails, and the rows that fail it, if it is of rows. */
export type Pair = readonly [passes: Of, fails: Of, rows?: ReadonlyArray<number>];

const passes = { name: "passes" };
const fails = { name: "fails" };

/** Every kind. */
export const everyKind: ReadonlyArray<Pair> = [
  [Check.notNull("id"), Check.notNull("n"), [3]],
  [Check.isNull("n", { where: "id = 4" }), Check.isNull("s"), [0, 1, 2, 4]],
  [Check.between("n", { between: [-4, 7] }), Check.between("n", { atLeast: 0 }), [2]],
  [
    Check.between("t", { atMost: new Date("2001-01-05") }),
    Check.between("t", { equals: new Date("2001-01-01") }),
    [1, 2, 4],
  ],
  [Check.positive("id"), Check.positive("n"), [1, 2]],
  [Check.nonNegative("id"), Check.nonNegative("n"), [2]],
  [Check.wholeNumber("n"), Check.wholeNumber("x"), [0, 1]],
  // 1.5, 2.5, 10, 7: mean 5.25, standard deviation 3.97.
  [Check.zScore("x", { atMost: 2 }), Check.zScore("x", { atMost: 1 }), [2]],
  [Check.inSet("c", ["DE", "US", "FR"]), Check.inSet("c", ["DE", "US"]), [3]],
  [Check.inSet("n", [3, 0, -4, 7]), Check.inSet("n", [3, 0.5, 7]), [1, 2]],
  [Check.inSet("b", [true, false]), Check.inSet("b", [true]), [1]],
  [Check.notInSet("c", ["XX"]), Check.notInSet("c", ["DE"]), [0, 2, 4]],
  [Check.matches("c", "[A-Z]{2}"), Check.matches("s", ["[a-z]+", "x"]), [1, 2, 4]],
  [Check.notMatches("s", "x"), Check.notMatches("s", ["[A-Z]", "y"]), [4]],
  [Check.length("c", { equals: 2 }), Check.length("s", { between: [2, 3] }), [2]],
  [Check.format("e", "email", { where: "n <> 0" }), Check.format("e", "email"), [1]],
  [Check.dateFormat("d", "%Y-%m-%d", { where: "n <> 0" }), Check.dateFormat("d", "%Y-%m-%d"), [1]],
  [Check.parsesAs("p", "float", { where: "p <> 'x'" }), Check.parsesAs("p", "int"), [1, 2]],
  [Check.notBlank("c"), Check.notBlank("s"), [2]],
  [Check.trimmed("c"), Check.trimmed("s"), [1]],
  [Check.noNullWords("c"), Check.noNullWords("s"), [2, 4]],
  [Check.notInFuture("t", { where: "n <> -4" }), Check.notInFuture("t"), [2]],
  [Check.greaterThan("u", "t", { where: "n <> 0" }), Check.greaterThan("u", "t"), [1]],
  [Check.greaterOrEqual("y", "x", { where: "n >= 0" }), Check.greaterOrEqual("y", "x"), [2]],
  [Check.equal("id", "k", { where: "id <> 3" }), Check.equal("id", "k"), [4]],
  [
    Check.combinationInSet(
      ["c", "m"],
      [
        ["DE", "EUR"],
        ["US", "USD"],
        ["DE", "USD"],
      ],
    ),
    Check.combinationInSet(
      ["c", "m"],
      [
        ["DE", "EUR"],
        ["US", "USD"],
      ],
    ),
    [2],
  ],
  [Check.sumEquals(["x", "x"], "y", { where: "n >= 0" }), Check.sumEquals(["x", "x"], "y"), [2]],
  [Check.anyPresent(["n", "b"]), Check.anyPresent(["n", "s"]), [3]],
  [Check.onePresent(["n", "e"], { where: "id = 4" }), Check.onePresent(["n", "e"]), [0, 1, 4]],
  [Check.allOrNonePresent(["n", "x"]), Check.allOrNonePresent(["c", "m"]), [3]],
  [Check.distinctWithinRow(["x", "y"]), Check.distinctWithinRow(["id", "k"]), [0, 1, 2, 3]],
  [Check.sql("sql", ["id"], "id > 0 -- every"), Check.sql("sql 2", ["id"], "id < 4"), [3]],
  [Check.unique("t"), Check.unique("id"), [2]],
  [Check.unique(["c", "m"], { where: "n < 7" }), Check.unique(["c", "m"]), [4]],
  [Check.increasing("t", { where: "n <> 7" }), Check.increasing("t"), [4]],
  [Check.decreasing("w", { where: "id <> 3" }), Check.decreasing("w"), [4]],
  [Check.determines(["id"], "k"), Check.determines(["c"], "m"), [0, 2, 4]],
  [
    Check.references("c", Country, "code", { where: "c <> 'FR'" }),
    Check.references("c", Country, "code"),
    [3],
  ],
  [
    Check.sameValuesAs("c", Country, "code", { where: "c <> 'FR'" }),
    Check.sameValuesAs("c", Country, "code"),
  ],
  [Check.nullShare("n", { equals: 0.2 }), Check.nullShare("n", { atMost: 0.1 })],
  [Check.nullCount("n", { atMost: 1 }), Check.nullCount("n", { atMost: 0 })],
  [Check.min("n", { equals: -4 }), Check.min("n", { atLeast: 0 })],
  [
    Check.min("t", { equals: new Date("2001-01-01") }),
    Check.min("t", { atLeast: new Date("2001-01-02") }),
  ],
  [Check.max("x", { atMost: 10 }), Check.max("x", { atMost: 9 })],
  [Check.mean("x", { equals: 5.25 }), Check.mean("x", { atMost: 5 })],
  [Check.sum("x", { equals: 21 }), Check.sum("x", { atMost: 20 })],
  [
    Check.standardDeviation("x", { between: [3.96, 3.97] }),
    Check.standardDeviation("x", { atMost: 3 }),
  ],
  [Check.variance("x", { between: [15.749, 15.751] }), Check.variance("x", { atMost: 15 })],
  [
    Check.coefficientOfVariation("x", { between: [0.755, 0.757] }),
    Check.coefficientOfVariation("x", { atMost: 0.5 }),
  ],
  [Check.skewness("x", { between: [-1, 1] }), Check.skewness("x", { atLeast: 1 })],
  [Check.kurtosis("x", { atMost: 0 }), Check.kurtosis("x", { atLeast: 0 })],
  [Check.zeroShare("n", { equals: 0.25 }), Check.zeroShare("n", { atMost: 0.2 })],
  [Check.median("x", { equals: 4.75 }), Check.median("x", { atMost: 4 })],
  [Check.quantile("x", 0.25, { equals: 2.25 }), Check.quantile("x", 0.25, { atMost: 2 })],
  [
    Check.approxQuantile("x", 0.5, { between: [2.5, 7] }),
    Check.approxQuantile("x", 0.5, { atMost: 2 }),
  ],
  [Check.interquartileRange("x", { equals: 5.5 }), Check.interquartileRange("x", { atMost: 5 })],
  [
    Check.medianAbsoluteDeviation("x", { equals: 2.75 }),
    Check.medianAbsoluteDeviation("x", { atMost: 2 }),
  ],
  [
    Check.correlation("x", "y", { between: [-1, 1] }),
    Check.correlation("x", "y", { atLeast: 0.9 }),
  ],
  [Check.minLength("s", { equals: 0 }), Check.minLength("s", { atLeast: 1 })],
  [Check.maxLength("s", { equals: 3 }), Check.maxLength("s", { atMost: 2 })],
  [Check.meanLength("s", { equals: 1.75 }), Check.meanLength("s", { atMost: 1 })],
  [Check.distinctCount("c", { equals: 3 }), Check.distinctCount("c", { atMost: 2 })],
  [
    Check.approxDistinctCount("c", { between: [2, 4] }),
    Check.approxDistinctCount("c", { atLeast: 100 }),
  ],
  [Check.distinctShare("c", { equals: 0.6 }), Check.distinctShare("c", { atMost: 0.5 })],
  [Check.uniqueShare("c", { equals: 0.4 }), Check.uniqueShare("c", { atLeast: 0.5 })],
  [
    Check.uniqueValueRatio("c", { between: [0.66, 0.67] }),
    Check.uniqueValueRatio("c", { atLeast: 0.9 }),
  ],
  [Check.mostCommonShare("c", { equals: 0.6 }), Check.mostCommonShare("c", { atMost: 0.5 })],
  [Check.classBalance("c", { between: [0.33, 0.34] }), Check.classBalance("c", { atLeast: 0.5 })],
  [Check.entropy("c", { between: [0.95, 0.951] }), Check.entropy("c", { atLeast: 1 })],
  [Check.mostCommon("c", ["FR", "DE"]), Check.mostCommon("c", ["US"])],
  [Check.contains("c", ["FR", "DE"]), Check.contains("c", ["FR", "GB"])],
  [
    Check.mutualInformation("c", "m", { between: [0.215, 0.216] }),
    Check.mutualInformation("c", "m", { atLeast: 0.5 }),
  ],
  [
    Check.cramersV("c", "m", { between: [0.577, 0.578] }),
    Check.cramersV("c", "m", { atLeast: 0.9 }),
  ],
  [Check.rowCount({ equals: 5 }), Check.rowCount({ atMost: 2, where: "c = 'DE'" })],
  [Check.rowCountRatio(Country, { equals: 2.5 }), Check.rowCountRatio(Country, { atMost: 2 })],
  [Check.columnCount({ equals: 15 }), Check.columnCount({ atLeast: 17 })],
  [Check.noOtherColumns(passes), Check.noOtherColumns(fails)],
  [Check.columnOrder(passes), Check.columnOrder(fails)],
  [Check.duplicateShare(["c", "m"], { equals: 0.2 }), Check.duplicateShare(["id"], { atMost: 0 })],
  [Check.freshness("t", { atMost: "1 day" }), Check.freshness("t", { atMost: "1 hour" })],
  [Check.longestGap("t", { atMost: "2 days" }), Check.longestGap("t", { atMost: "1 day" })],
  [
    Check.aggregate("share", ["n"], "count_if(n > 0) / count(n)", { equals: 0.5 }),
    Check.aggregate("share", ["n"], "count_if(n > 0) / count(n)", { atMost: 0.4 }),
  ],
];
