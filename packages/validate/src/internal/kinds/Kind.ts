/**
 * What a kind of check is: which columns and parameters it takes, and how it becomes aggregates and a
 * judgement. There are three shapes: of single rows, of a figure, and of anything else.
 */
import type { Check, Column, Contract } from "@ml-pipe/core";
import { Duckdb, type TableSchema } from "@ml-pipe/data";
import * as Schema from "effect/Schema";
import { type Ask, askOf, type Check as Compiled, couldNotRun, type Judged } from "../Check.ts";
import type { ColumnPlan } from "../rowsSql.ts";
import {
  figureText,
  isNear,
  Limits,
  limitsText,
  RelativeLimits,
  relativeText,
  rowsOf,
  rowsText,
  within,
} from "../words.ts";

/** What a check is about, when it is compiled. All its columns can be read. */
export interface Subject {
  readonly contract: Contract.Contract;
  readonly columns: ReadonlyArray<ColumnPlan>;
  /** A condition in SQL that was parsed and understood, if the check has one. */
  readonly where: string | undefined;
  /** Epoch milliseconds of the instant against which time is judged. */
  readonly asOf: number | undefined;
  /** The table that the check compares with, as a relation in SQL. */
  readonly other: string | undefined;
  /** The same columns of that table, and its canonical rows. */
  readonly reference: (Pick<Subject, "columns"> & { readonly rows: string }) | undefined;
  /** All columns of the file. */
  readonly file: ReadonlyArray<TableSchema.SqlColumn>;
}

/** What a kind makes of a check, beside what all checks have; or why it cannot. */
export type Shape = Pick<Compiled, "expected" | "asks" | "judge" | "rows"> | string;

/** A kind of check. */
export interface Kind {
  /** How many columns it takes. */
  readonly columns: { readonly atLeast: number; readonly atMost: number };
  /** Types of columns that it takes. Default: all. */
  readonly types?: ReadonlyArray<Column.ColumnType>;
  /** All columns must be of one type; whole numbers and others are one. */
  readonly alike?: boolean;
  /** It is judged against the time at which it runs. */
  readonly timed?: boolean;
  readonly compile: (spec: Check.CheckSpec, subject: Subject) => Shape;
}

/** How many columns. */
export const none = { atLeast: 0, atMost: 0 } as const;
export const one = { atLeast: 1, atMost: 1 } as const;
export const two = { atLeast: 2, atMost: 2 } as const;
export const several = { atLeast: 2, atMost: Infinity } as const;
export const any = { atLeast: 0, atMost: Infinity } as const;

/** Types of columns. */
export const numbers: ReadonlyArray<Column.ColumnType> = ["int", "float"];
export const ordered: ReadonlyArray<Column.ColumnType> = ["int", "float", "timestamp"];
export const text: ReadonlyArray<Column.ColumnType> = ["string"];
export const instants: ReadonlyArray<Column.ColumnType> = ["timestamp"];

/** Decodes the parameters of a check; what is wrong with them keeps it from running. */
const decoding =
  <A>(schema: Schema.Codec<A, unknown>, compile: (args: A, subject: Subject) => Shape) =>
  (spec: Check.CheckSpec, subject: Subject): Shape => {
    const decoded = Schema.decodeUnknownResult(schema)(spec.args);
    return decoded._tag === "Success"
      ? compile(decoded.success, subject)
      : `its parameters are not understood: ${decoded.failure.message}`;
  };

type Accepted = Pick<Kind, "columns" | "types" | "alike" | "timed">;

/** A check that is neither of single rows nor of one figure. */
export const tableKind = <A>(
  options: Accepted & {
    readonly args: Schema.Codec<A, unknown>;
    readonly compile: (args: A, subject: Subject) => Shape;
  },
): Kind => ({ ...accepted(options), compile: decoding(options.args, options.compile) });

const accepted = ({ columns, types, alike, timed }: Accepted): Accepted => ({
  columns,
  ...(types === undefined ? {} : { types }),
  ...(alike === undefined ? {} : { alike }),
  ...(timed === undefined ? {} : { timed }),
});

/** What a kind of check says of single rows. */
export interface RowWords {
  readonly expected: string;
  /** SQL: true for a row that passes. It is asked only where {@link counts} is true. */
  readonly holds?: string;
  /** {@link holds} is null where a column has no value, so that it need not be asked whether one has. */
  readonly strict?: true;
  /**
   * SQL: true for rows on which the check can be evaluated; empty: all. Default: all its columns have a
   * value.
   */
  readonly counts?: string;
  /** SQL: text of what was found in a row. Default: the values. */
  readonly found?: string;
  /** In place of {@link holds}: SQL with `row` and `reason` over {@link thoseOf}. */
  readonly search?: (those: string) => string;
}

/** A check of single rows. */
export const rowKind = <A>(
  options: Accepted & {
    readonly args: Schema.Codec<A, unknown>;
    readonly compile: (args: A, subject: Subject) => RowWords | string;
  },
): Kind => ({
  ...accepted(options),
  compile: (spec, subject) =>
    decoding(options.args, (args: A) => {
      const words = options.compile(args, subject);
      return typeof words === "string" ? words : rowShape(spec, subject, words);
    })(spec, subject),
});

const rowShape = (
  { severity, mostly }: Check.CheckSpec,
  { columns, where }: Subject,
  { expected, holds, strict, counts, found, search }: RowWords,
): Shape => {
  const present = counts ?? and(columns.map(({ column }) => `${column} IS NOT NULL`));
  const counted = and([where, present]);
  const [first] = columns;
  const evaluated =
    counts === undefined && where === undefined && columns.length === 1 && first !== undefined
      ? `count(${first.column})`
      : counted === ""
        ? "count(*)"
        : `count_if(${counted})`;
  const fails =
    holds === undefined ? "false" : and([strict === undefined ? counted : where, `NOT (${holds})`]);
  return {
    expected: mostly === undefined ? expected : `${expected}, for at least ${mostly} of the rows`,
    asks: [
      "count(*)",
      where === undefined ? "count(*)" : `count_if(${where})`,
      evaluated,
      ...(holds === undefined ? [] : [`count_if(${fails})`]),
    ],
    judge: ([all, matched, judged, failing], searched) =>
      judgeRows(
        {
          all: Number(all),
          matched: Number(matched),
          judged: Number(judged),
          failing: searched ?? Number(failing ?? 0),
        },
        mostly,
      ),
    rows: {
      fails,
      found: found ?? valuesOf(columns),
      aside: severity === "fail",
      example: holds !== undefined,
      ...(search === undefined ? {} : { search: () => search(thoseOf(counted)) }),
    },
  };
};

/** The canonical rows for which a condition is true. */
const thoseOf = (condition: string): string =>
  condition === "" ? "rows" : `(SELECT * FROM rows WHERE ${condition})`;

/** SQL: the values of a row as text. */
const valuesOf = (columns: ReadonlyArray<ColumnPlan>): string => {
  const text = ({ column }: ColumnPlan) => `coalesce(left(CAST(${column} AS VARCHAR), 80), 'null')`;
  const [first] = columns;
  if (first === undefined) return "'false'";
  if (columns.length === 1) return text(first);
  return columns
    .map((column) => `${Duckdb.literal(`${column.name} = `)} || ${text(column)}`)
    .join(" || ', ' || ");
};

interface Counts {
  readonly all: number;
  /** For which the condition is true. */
  readonly matched: number;
  /** On which the check was evaluated. */
  readonly judged: number;
  readonly failing: number;
}

/** The outcome of a check of single rows. */
const judgeRows = (
  { all, matched, judged, failing }: Counts,
  mostly: number | undefined,
): Judged => {
  if (judged === 0) return couldNotRun(whyIdle(all, matched));
  const unknown = matched === judged ? "" : `; null for ${rowsOf(matched - judged, matched)}`;
  if (failing === 0) {
    return { outcome: "passed", found: unknown === "" ? "every row" : `every other row${unknown}` };
  }
  // Of rows, not of shares: 0.9 is kept by exactly 9 of 10.
  const tolerated = mostly !== undefined && judged - failing >= mostly * judged;
  return {
    outcome: tolerated ? "passed" : "failed",
    found: `${rowsOf(failing, mostly === undefined ? matched : judged)}${tolerated ? " fail, which is tolerated" : ""}${unknown}`,
    rows: failing,
  };
};

/** Why there is nothing to judge. */
const whyIdle = (all: number, matched: number): string =>
  all === 0
    ? "the table has no rows"
    : matched === 0
      ? "no row meets its condition"
      : "every value is null";

/** What a figure is made of. */
export interface FigureWords {
  /** What it is, such as `mean`. */
  readonly words: string;
  /** Aggregates; a pass more if they are over another relation. */
  readonly asks: ReadonlyArray<Ask>;
  /** The figure. Default: the first value. Null: it is not defined. */
  readonly value?: (values: ReadonlyArray<number | null>) => number | null;
  /** The number of rows that it is about; default: those with a finite value in every column. */
  readonly counted?: string;
  /** It is not in the column's unit. */
  readonly plain?: true;
  /** As text. Default: a number with the column's unit. */
  readonly show?: (value: number) => string;
}

/** No parameters beside the limits. */
export const noArgs: Schema.Codec<{}, unknown> = Schema.Struct({});

/** A check that a figure is within limits. */
export const figureKind = <A>(
  options: Accepted & {
    readonly args: Schema.Codec<A, unknown>;
    readonly compile: (subject: Subject, args: A) => FigureWords | string;
  },
): Kind => ({
  ...accepted(options),
  compile: (spec, subject) =>
    decoding(options.args, (args: A) => {
      const words = options.compile(subject, args);
      if (typeof words === "string") return words;
      const { reference } = subject;
      const theirs =
        reference === undefined
          ? undefined
          : options.compile({ ...subject, columns: reference.columns }, args);
      if (typeof theirs === "string") return theirs;
      return decoding(Schema.Union([RelativeLimits, Limits]), (limits) =>
        figureShape(limits, subject, words, theirs),
      )(spec, subject);
    })(spec, subject),
});

const figureShape = (
  limits: Limits | RelativeLimits,
  subject: Subject,
  words: FigureWords,
  ofReference: FigureWords | undefined,
): Shape => {
  const { columns, reference } = subject;
  const [only] = columns;
  const inUnit = words.plain === undefined && columns.length === 1 && only?.spec.unit !== undefined;
  const unit = inUnit ? ` ${only.spec.unit}` : "";
  const shown = words.show ?? ((figure: number) => `${figureText(figure)}${unit}`);
  const own = measured(subject, words);
  if (!("contract" in limits)) {
    return {
      expected: `${words.words} ${words.show === undefined ? `${limitsText(limits)}${unit}` : limitsText(limits, words.show)}`,
      asks: own.asks,
      judge: (values) => {
        const figure = own.figure(values);
        if (typeof figure === "string") return couldNotRun(figure);
        return {
          outcome: within(limits, figure.value) ? "passed" : "failed",
          found: `${shown(figure.value)}${figure.aside}`,
        };
      },
    };
  }
  if (reference === undefined || ofReference === undefined) {
    return `no table under the contract "${limits.contract}" is given`;
  }
  const theirs = measured({ ...subject, columns: reference.columns }, ofReference);
  return {
    expected: `${words.words} ${relativeText(limits, shown)}`,
    asks: [...own.asks, ...theirs.asks.map((ask) => askOf(ask, reference.rows))],
    judge: (values) => {
      const figure = own.figure(values.slice(0, own.asks.length));
      if (typeof figure === "string") return couldNotRun(figure);
      const other = theirs.figure(values.slice(own.asks.length));
      if (typeof other === "string") return couldNotRun(`of ${limits.contract}: ${other}`);
      return {
        outcome: isNear(limits, figure.value, other.value) ? "passed" : "failed",
        found: `${shown(figure.value)}${figure.aside}, and ${shown(other.value)} of ${limits.contract}`,
      };
    },
  };
};

/** What is asked for a figure, and the figure of the answers, or why there is none. */
const measured = (
  { columns, where }: Pick<Subject, "columns" | "where">,
  { words, asks, value = ([first]) => first ?? null, counted }: FigureWords,
): {
  readonly asks: ReadonlyArray<Ask>;
  readonly figure: (
    values: ReadonlyArray<unknown>,
  ) => string | { readonly value: number; readonly aside: string };
} => {
  const floats = columns.filter(({ spec }) => spec.type === "float");
  const own = [
    "count(*)",
    where === undefined ? "count(*)" : `count_if(${where})`,
    counted ?? countOf(columns, where),
    ...floats.map(({ column, finite }) => {
      const filter = filterOf(where);
      return `count(${column})${filter} - count(${finite})${filter}`;
    }),
  ];
  return {
    asks: [...own, ...asks],
    figure: (values) => {
      const [all = 0, matched = 0, judged = 0, ...infinite] = values
        .slice(0, own.length)
        .map(Number);
      const strange = Math.max(0, ...infinite);
      if (judged === 0) return strange > 0 ? "no value is a finite number" : whyIdle(all, matched);
      const figure = value(values.slice(own.length).map(numberOrNull));
      if (figure === null || !Number.isFinite(figure)) {
        return `the ${words} of ${rowsText(judged)} is not defined`;
      }
      const aside =
        strange === 0 ? "" : ` without numbers that are not finite (${rowsOf(strange, matched)})`;
      return { value: figure, aside };
    },
  };
};

const numberOrNull = (value: unknown): number | null =>
  value === null || value === undefined ? null : Number(value);

/** SQL: conditions of which all are true; `undefined` is none. */
export const and = (conditions: ReadonlyArray<string | undefined>): string =>
  conditions
    .filter((one) => one !== undefined && one !== "")
    .map((one) => `(${one})`)
    .join(" AND ");

/** SQL: true for rows with a value, that is finite if it is a number, in each of the columns. */
export const haveValues = (columns: ReadonlyArray<ColumnPlan>): string =>
  and(columns.map(({ finite }) => `${finite} IS NOT NULL`));

/** SQL: `FILTER` of an aggregate to rows that meet a condition. Nulls are left out by themselves. */
export const filterOf = (where: string | undefined): string =>
  where === undefined ? "" : ` FILTER (WHERE ${where})`;

/** SQL: the number of rows with finite values in all columns that meet the condition. */
const countOf = (columns: ReadonlyArray<ColumnPlan>, where: string | undefined): string => {
  const [first, ...others] = columns;
  return first === undefined
    ? `count(*)${filterOf(where)}`
    : others.length === 0
      ? `count(${first.finite})${filterOf(where)}`
      : `count_if(${and([where, haveValues(columns)])})`;
};
