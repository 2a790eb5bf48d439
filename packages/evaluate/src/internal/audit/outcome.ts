/**
 * The outcome as the audit asks for it: yes or no. Of a number, whether it is above the median of the train
 * rows; of classes, whether it is one of them, for the most frequent ones in turn.
 */
import { Duckdb, FeatureSet, Table, type TestRows } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** Classes that are looked at on their own: a leak of the outcome shows in all of them. */
const mostClasses = 10;

/** See the module. */
export interface Outcome {
  readonly kind: FeatureSet.LabelKind;
  /** Each in SQL; the first one is that of checks that count rows. */
  readonly views: readonly [string, ...ReadonlyArray<string>];
  /** Of a number, the most frequent one on the train rows: two rows may well share it by chance. */
  readonly usual?: number;
}

/** How the outcomes of a train table are asked for. */
export const outcomeOf = Effect.fnUntraced(function* (set: TestRows.Rows, train: Table.AnyTable) {
  const kind = FeatureSet.labelKind(set.spec);
  const whole: Outcome = { kind, views: ["label"] };
  if (kind === "boolean") return whole;
  const db = yield* Duckdb.Duckdb;
  const relation = yield* Table.relation(train);
  if (kind === "number") {
    const [row] = yield* db.rows(
      "find the median of the label",
      `SELECT quantile_disc(label, 0.5)::DOUBLE AS median, max(label)::DOUBLE AS most,
         (SELECT label FROM ${relation} WHERE label IS NOT NULL
          GROUP BY 1 ORDER BY count(*) DESC, label LIMIT 1)::DOUBLE AS usual FROM ${relation}`,
    );
    const of = (name: string) => Number(row?.[name] ?? 0);
    const above = of("median") < of("most") ? ">" : ">=";
    const outcome: Outcome = {
      kind,
      views: [`label ${above} ${of("median")}`],
      usual: of("usual"),
    };
    return outcome;
  }
  const rows = yield* db.rows(
    "find the most frequent classes",
    `SELECT label, count(*) AS n FROM ${relation} WHERE label IS NOT NULL
     GROUP BY 1 ORDER BY n DESC, label LIMIT ${mostClasses}`,
  );
  const [first = "label IS NULL", ...others] = rows.map(
    ({ label }) => `label = ${Duckdb.literal(String(label))}`,
  );
  const outcome: Outcome = { kind, views: [first, ...others] };
  return outcome;
});
