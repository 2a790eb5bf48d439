/** Kinds of checks of rows against other rows: see `Check.unique` and its neighbours in core. */
import { Duckdb } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import { couldNotRun } from "../Check.ts";
import { repeats } from "../search.ts";
import {
  and,
  haveValues,
  type Kind,
  noArgs,
  one,
  ordered,
  rowKind,
  several,
  tableKind,
} from "./Kind.ts";

const Other = Schema.Struct({ contract: Schema.String, column: Schema.String });

/** Values in the order of the source, each against the nearest before it. */
const monotonic = (operator: string, words: string): Kind =>
  rowKind({
    columns: one,
    types: ordered,
    args: Schema.Struct({ orEqual: Schema.Boolean }),
    compile: ({ orEqual }, { columns }) => {
      const x = columns[0]?.column ?? "";
      return {
        expected: `values that ${words} from row to row${orEqual ? ", or stay" : ""}`,
        counts: haveValues(columns),
        search: (those: string) =>
          `SELECT "~row" AS row, ${x} || ' after ' || "~before" AS reason FROM (
             SELECT "~row", ${x}, lag(${x}) OVER (ORDER BY "~row") AS "~before" FROM ${those}
           ) WHERE NOT (${x} ${operator}${orEqual ? "=" : ""} "~before")`,
      };
    },
  });

/** The kinds by name. */
export const comparisonKinds: { readonly [kind: string]: Kind } = {
  unique: rowKind({
    columns: { atLeast: 1, atMost: Infinity },
    args: noArgs,
    compile: (_, { columns }) => {
      const names = columns.map(({ name }) => name);
      return {
        expected: `no two rows with the same ${names.join(", ")}`,
        search: (those: string) =>
          repeats(those, names, { reason: `the same ${names.join(", ")} as row`, last: "false" }),
      };
    },
  }),
  increasing: monotonic(">", "increase"),
  decreasing: monotonic("<", "decrease"),
  determines: rowKind({
    columns: several,
    args: noArgs,
    compile: (_, { columns }) => {
      const by = columns.slice(0, -1);
      const last = columns.at(-1);
      const names = by.map(({ name }) => name).join(", ");
      const keys = by.map(({ column }) => column).join(", ");
      return {
        expected: `one ${last?.name} for each ${names}`,
        search: (those: string) =>
          `SELECT "~row" AS row, ${Duckdb.literal(`${last?.name} = `)} || ${last?.column} || ${Duckdb.literal(` and others for the same ${names}`)} AS reason
           FROM ${those} SEMI JOIN (
             SELECT ${keys} FROM ${those} GROUP BY ${keys} HAVING min(${last?.column}) <> max(${last?.column})
           ) USING (${keys})`,
      };
    },
  }),
  references: rowKind({
    columns: one,
    args: Other,
    compile: ({ contract, column }, { columns: [plan], other }) => {
      const x = plan?.column ?? "";
      const key = Duckdb.identifier(column);
      return {
        expected: `values of ${contract}.${column}`,
        search: (those: string) =>
          `SELECT "~row" AS row, left(CAST(${x} AS VARCHAR), 80) || ${Duckdb.literal(` is not in ${contract}.${column}`)} AS reason
           FROM ${those} r ANTI JOIN ${other} o ON r.${x} = o.${key}`,
      };
    },
  }),
  "same-values-as": tableKind({
    columns: one,
    args: Other,
    compile: ({ contract, column }, { columns, where, other }) => {
      const [plan] = columns;
      const x = plan?.column ?? "";
      const key = Duckdb.identifier(column);
      const from = `(
        SELECT a.v AS own, b.v AS other
        FROM (SELECT DISTINCT ${x} AS v FROM rows WHERE ${and([where, `${x} IS NOT NULL`])}) a
        FULL JOIN (SELECT DISTINCT ${key} AS v FROM ${other} WHERE ${key} IS NOT NULL) b ON a.v = b.v)`;
      const those = `${contract}.${column}`;
      return {
        expected: `the values of ${those}`,
        asks: [
          { from, sql: "count(own)" },
          { from, sql: "count(other)" },
          { from, sql: "count_if(other IS NULL)" },
          { from, sql: "min(CAST(own AS VARCHAR)) FILTER (WHERE other IS NULL)" },
          { from, sql: "count_if(own IS NULL)" },
          { from, sql: "min(CAST(other AS VARCHAR)) FILTER (WHERE own IS NULL)" },
        ],
        judge: ([own, others, extra, such, missing, lacking]) => {
          if (Number(own) === 0) return couldNotRun("no row has a value");
          if (Number(others) === 0) return couldNotRun(`${those} has no values`);
          if (Number(extra) === 0 && Number(missing) === 0) {
            return { outcome: "passed", found: `the same ${Number(own)} values` };
          }
          const parts = [
            ...(Number(extra) === 0 ? [] : [`${extra} others, such as ${JSON.stringify(such)}`]),
            ...(Number(missing) === 0
              ? []
              : [`not ${missing} of them, such as ${JSON.stringify(lacking)}`]),
          ];
          return { outcome: "failed", found: parts.join("; ") };
        },
      };
    },
  }),
};
