/** Rows that are in both parts, or come in the wrong order (L1.4, L3.1). */
import { Duckdb, type TestRows, Words } from "@ml-pipe/data";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type { AuditResult } from "../../LeakageAudit.ts";
import { type Facts, rowsIn } from "./facts.ts";

const { identifier } = Duckdb;
const { counted, number, percent } = Words;

/** Limits from which something is said. */
const rowLimits = {
  /** Share of test rows with a twin in train from which it is looked at (mlw: 0.01). */
  twins: 0.01,
  /** Share of twins of the rarer outcome that agree in it, from which they are the same thing. */
  agreement: 0.9,
  /** Twins of the rarer outcome below which their agreement says nothing. */
  minTwins: 20,
  /** Part of a feature's standard deviation within which values are nearly the same. */
  near: 1 / 50,
  /** Correlation of the outcomes of neighbouring rows from which the order says something. */
  neighbours: 0.1,
  /** Test rows (deepchecks: 100), and their share of the train rows (0.01), below which a test says little. */
  minTest: 100,
  minTestShare: 0.01,
} as const;

/** Whether there is a test set to speak of. */
export const testSize = (train: Facts, test: Facts): AuditResult => {
  const few = test.labelled < rowLimits.minTest || test.rows < rowLimits.minTestShare * train.rows;
  return {
    kind: "L1.1",
    check: "leakage.test-size",
    outcome: few ? "noted" : "clear",
    columns: [],
    expected: `at least ${rowLimits.minTest} test rows with an outcome, and ${percent(rowLimits.minTestShare)} of the train rows`,
    found: `${counted(test.labelled, "test row")} beside ${counted(train.rows, "train row")}`,
    next: few ? "Move the cuts of the split, so that the test says something." : "Nothing to do.",
  };
};

/** Columns of a feature table that say what a row is about: no features, no time, no number of the row. */
export const keptOf = ({ spec }: TestRows.Rows): ReadonlyArray<string> =>
  spec.keep.filter((name) => name !== spec.decidedAt && spec.source.key?.includes(name) !== true);

/** Most test rows that are looked for in train: a share of them is known to within a third of a per cent. */
const mostAsked = 100_000;

/** Test rows whose features are exactly, or nearly, those of a train row. */
export const twins = Effect.fnUntraced(function* (
  set: TestRows.Rows,
  train: Facts,
  test: Facts,
  how: "exact" | "near",
) {
  const db = yield* Duckdb.Duckdb;
  const check = how === "exact" ? "leakage.duplicates" : "leakage.near-duplicates";
  const expected = `at most ${percent(rowLimits.twins)} of the test rows to be ${how === "exact" ? "" : "nearly "}those of train`;
  const base = { kind: "L1.4", check, columns: [], expected } as const;
  const rough = set.spec.features.filter(({ name }) => train.features.get(name)?.whole === false);
  if (how === "near" && rough.length < 2) {
    const result: AuditResult = {
      ...base,
      outcome: "not-applicable",
      found: "fewer than two features that are not whole numbers",
      next: "Nothing to do.",
    };
    return result;
  }
  const cells = set.spec.features.map(({ name }) => {
    const { sd = 0, whole: isWhole = true } = train.features.get(name) ?? {};
    const value = `CAST(${identifier(name)} AS DOUBLE)`;
    return how === "exact" || isWhole || !(sd > 0)
      ? value
      : `floor(${value} / ${sd * rowLimits.near})`;
  });
  const vector = `hash(${[...cells, ...keptOf(set).map(identifier)].join(", ")})`;
  const { kind, views, usual = 0 } = train.outcome;
  const [yes] = views;
  const rarer = train.positives * 2 <= train.labelled ? `(${yes})` : `NOT (${yes})`;
  // Like features give like numbers: only the very same one, that is not frequent, tells a duplicate.
  const [told, same] = kind === "number" ? [`label <> ${usual}`, "label"] : [rarer, rarer];
  const asked = Math.min(1, mostAsked / Math.max(1, test.labelled));
  const sampled = asked === 1 ? "TRUE" : rowsIn(asked);
  const [found] = yield* db.rows(
    "look for test rows that are in train",
    `WITH asked AS MATERIALIZED (
       SELECT ${vector} AS v, ${told} AS rare, ${same} AS y FROM ${test.relation} WHERE label IS NOT NULL AND ${sampled}),
     outcomes AS MATERIALIZED (
       SELECT h, y, count(*) AS n
       FROM (SELECT ${vector} AS h, ${same} AS y FROM ${train.relation} WHERE label IS NOT NULL)
       WHERE h IN (SELECT v FROM asked) GROUP BY 1, 2),
     cells AS (SELECT h, sum(n) AS n FROM outcomes GROUP BY 1)
     SELECT count(*)::DOUBLE AS asked, count(cells.h)::DOUBLE AS twins,
       count_if(cells.h IS NOT NULL AND rare)::DOUBLE AS rare,
       coalesce(avg(coalesce(outcomes.n, 0) / cells.n) FILTER (rare), 0)::DOUBLE AS agreement
     FROM asked LEFT JOIN cells ON v = cells.h LEFT JOIN outcomes ON v = outcomes.h AND asked.y = outcomes.y`,
  );
  const share = Number(found?.["twins"] ?? 0) / Math.max(1, Number(found?.["asked"] ?? 0));
  const count = Math.round(share * test.labelled);
  const rare = Number(found?.["rare"] ?? 0);
  const agreement = Number(found?.["agreement"] ?? 0);
  const many = share > rowLimits.twins;
  const outcome = !many
    ? "clear"
    : rare < rowLimits.minTwins
      ? "noted"
      : agreement < rowLimits.agreement
        ? "clear"
        : kind === "text" && how === "near"
          ? "noted"
          : "suspected";
  const among =
    kind === "number" ? " whose number is not the most frequent" : " with the rarer outcome";
  const alike = how === "exact" ? "the features" : "nearly the features";
  const result: AuditResult = {
    ...base,
    outcome,
    found: `${asked === 1 ? "" : "about "}${counted(count, "test row")} (${percent(share)}) with ${alike} of a train row${
      !many
        ? ""
        : rare < rowLimits.minTwins
          ? `, too few${among} to tell coincidence from duplicates`
          : outcome === "suspected"
            ? `, and of those${among} ${percent(agreement)} have a twin with the same one: these are the same things`
            : outcome === "noted"
              ? `, and of those${among} ${percent(agreement)} have a twin with the same one: the same things, or features that tell the class`
              : `; of those${among} only ${percent(agreement)} have a twin with the same one, so that this is coincidence`
    }`,
    next:
      outcome === "clear"
        ? "Nothing to do."
        : "Remove duplicates before the split, or declare what they have in common as the group and split by it.",
    ...(outcome === "clear" ? {} : { rows: count }),
  };
  return result;
});

/** Whether training ended before the test began, and long enough before. */
export const time = (
  train: Facts,
  test: Facts,
  earlier: number,
  outcomeKnownAfterMs: number | undefined,
): ReadonlyArray<AuditResult> => {
  const base = { kind: "L3.1", columns: [] } as const;
  const check = "leakage.time";
  if (train.to === null || test.from === null) {
    return [
      {
        ...base,
        check,
        outcome: "not-applicable",
        expected: "test rows that were decided after all train rows",
        found: "rows without a moment of the decision",
        next: "If rows have a time, declare it: only a split by time shows what a model does in the future.",
      },
    ];
  }
  const gap = test.from - train.to;
  const wait = outcomeKnownAfterMs ?? 0;
  const tooShort = earlier === 0 && gap < wait;
  return [
    {
      ...base,
      check,
      outcome: earlier === 0 ? "clear" : "suspected",
      expected: "test rows that were decided after all train rows",
      found:
        earlier === 0
          ? `that training ends at ${instant(train.to)} and the test begins at ${instant(test.from)}`
          : `${counted(earlier, "test row")} decided no later than the last train row (${instant(train.to)})`,
      next: earlier === 0 ? "Nothing to do." : "Split by time: Split.byTime.",
      ...(earlier === 0 ? {} : { rows: earlier }),
    },
    {
      ...base,
      check: "leakage.embargo",
      outcome: earlier > 0 ? "not-run" : tooShort ? "noted" : "clear",
      expected: `${duration(wait)} between training and test, which outcomes take to be known`,
      found: earlier > 0 ? "parts that overlap in time" : duration(Math.max(0, gap)),
      next: tooShort
        ? `Give the split an embargo of ${duration(wait)}: some train outcomes were not known when the test began.`
        : "Nothing to do.",
    },
  ];
};

/** How many test rows are no later than the last train row. */
export const earlierRows = Effect.fnUntraced(function* (
  set: TestRows.Rows,
  train: Facts,
  test: Facts,
) {
  const { decidedAt } = set.spec;
  if (decidedAt === undefined || train.to === null) return 0;
  if (test.from !== null && test.from > train.to) return 0;
  const db = yield* Duckdb.Duckdb;
  const [row] = yield* db.rows(
    "look for test rows before the end of training",
    `SELECT count(*)::DOUBLE AS n FROM ${test.relation}
     WHERE epoch_ms(CAST(${identifier(decidedAt)} AS TIMESTAMP)) <= ${train.to}`,
  );
  return Number(row?.["n"] ?? 0);
});

/** Whether neighbouring rows have alike outcomes, where nothing says in which order rows come. */
export const order = Effect.fnUntraced(function* (set: TestRows.Rows, train: Facts) {
  const base = {
    kind: "L3.1",
    check: "leakage.order",
    columns: [],
    expected: `outcomes that do not depend on the order of rows (correlation of neighbours below ${rowLimits.neighbours})`,
  } as const;
  if (set.spec.decidedAt !== undefined) {
    const result: AuditResult = {
      ...base,
      outcome: "not-applicable",
      found: "rows in order of their time",
      next: "Nothing to do.",
    };
    return result;
  }
  const db = yield* Duckdb.Duckdb;
  const [row] = yield* db.rows(
    "look at the order of rows",
    `SELECT count(before)::DOUBLE AS n, corr(now, before)::DOUBLE AS r FROM (
       SELECT (${train.outcome.views[0]})::INTEGER AS now, lag((${train.outcome.views[0]})::INTEGER) OVER (ORDER BY file_row_number) AS before
       FROM (FROM ${train.relation} WHERE label IS NOT NULL AND file_row_number < 200000))`,
  );
  const [n, r] = [Number(row?.["n"] ?? 0), Number(row?.["r"] ?? Number.NaN)];
  const known = n > 100 && Number.isFinite(r);
  const ordered = known && r >= rowLimits.neighbours && r * Math.sqrt(n) > 5;
  const result: AuditResult = {
    ...base,
    outcome: !known ? "not-run" : ordered ? "noted" : "clear",
    found: known
      ? `neighbours that correlate by ${number(r)}`
      : `${counted(n, "pair")} of neighbours, or one outcome only`,
    next: ordered
      ? "Rows were recorded in an order that tells the outcome, such as by day or by place: declare the event time or the group, and split by it."
      : "Nothing to do.",
  };
  return result;
});

const instant = (at: number): string => new Date(at).toISOString().slice(0, 16).replace("T", " ");
const duration = (millis: number): string => Duration.format(Duration.millis(millis));
