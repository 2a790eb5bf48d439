/** Generated expressions and rows, and both compilers' answers to them. */
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import { Duckdb } from "../src/Duckdb.ts";
import type * as Expr from "../src/Expr.ts";
import { toSql } from "../src/internal/compile.ts";
import { kindOf } from "../src/internal/kinds.ts";
import { operatorNames, operators } from "../src/internal/operators.ts";
import { type Cell, isMissing, type Kind, type Param } from "../src/internal/operators/Operator.ts";
import { toCells } from "../src/internal/rowProgram.ts";
import { relationOf } from "./tables.ts";

/** A column name that is awkward wherever it is not quoted. */
export const hostile = `it"s'; -- \u{1F6EB}`;

/** A contract with columns of every type. */
export const Everything = Contract.make("everything", {
  version: "1",
  owner: "lab",
  columns: {
    x: Column.float({ nullable: true }),
    [hostile]: Column.float({ nullable: true }),
    n: Column.int({ nullable: true }),
    yes: Column.boolean({ nullable: true }),
    text: Column.string({ nullable: true }),
    at: Column.timestamp({ nullable: true }),
    tags: Column.list(Column.string({ nullable: true }), { nullable: true }),
    counts: Column.list(Column.int({ nullable: true }), { nullable: true }),
    flags: Column.list(Column.boolean({ nullable: true }), { nullable: true }),
    times: Column.list(Column.timestamp({ nullable: true }), { nullable: true }),
    one: Column.embedding(3, { nullable: true }),
    other: Column.embedding(3, { nullable: true }),
    place: Column.struct(
      {
        city: Column.string({ nullable: true }),
        "it's": Column.float({ nullable: true }),
        open: Column.boolean({ nullable: true }),
        since: Column.timestamp({ nullable: true }),
      },
      { nullable: true },
    ),
  },
});

type Value = number | boolean | string | Date | null;
export type Row = {
  readonly [column: string]: Value | ReadonlyArray<Value> | { readonly [field: string]: Value };
};

const edges = [
  0,
  -0,
  1,
  -1,
  0.1,
  1 / 3,
  2.5,
  -2.5,
  0.5,
  0.49999999999999994,
  60,
  1440,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53),
  2 ** 63,
  -(2 ** 63),
  1e308,
  -1e308,
  5e-324,
  1e-310,
  1.7976931348623157e308,
  0.30000000000000004,
  1e21,
  525_600,
  4.5e9,
  1.44e11,
  1e18,
];
/** Finite numbers, many of them at an edge. */
export const number = fc.oneof(
  fc.constantFrom(...edges),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1000, max: 1000, noNaN: true }),
  fc.integer({ min: -2000, max: 2000 }),
);
/** As a float column of a file may hold them: also what is no number. */
const stored = fc.oneof(
  { arbitrary: number, weight: 9 },
  fc.constantFrom(NaN, Infinity, -Infinity),
);
const int = fc.oneof(fc.constantFrom(0, 1, -1, 2 ** 53 - 1, 1 - 2 ** 53), fc.integer());

const texts = [
  "",
  "JFK",
  "it's",
  '"',
  "--",
  "'; DROP TABLE one; --",
  "\\",
  "\u{1F6EB}",
  "a\u{1F6EB}b",
  "\u{10FFFF}",
  "\uFFFD",
  "\uE000",
  "a\u0000b",
  "ß",
  "İ",
  "e\u0301",
  " ",
  "  padded\t ",
  "line\nbreak",
  "12",
  "-1.50e3",
  "1e400",
  ".5",
  "5.",
  "0x10",
  "1_000",
  " 1",
  "AA-1234",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
];
export const text = fc.oneof(
  fc.constantFrom(...texts),
  fc.string({ unit: "grapheme", maxLength: 6 }),
);

const instants = [
  "1969-12-31T23:59:59.999Z",
  "1970-01-01T00:00:00Z",
  "1904-02-29T12:00:00Z",
  "2000-02-29T23:59:59.999Z",
  "2001-12-31T23:59:59Z",
  "2002-01-01T00:00:00Z",
  "1900-03-01T00:00:00Z",
  "2024-02-29T00:00:00.001Z",
  "2020-12-31T12:00:00Z",
  "2001-01-31T08:00:00Z",
  "0001-01-01T00:00:00Z",
  "0000-02-29T00:00:00Z",
  "-000001-12-31T00:00:00Z",
  "9999-12-31T23:59:59.999Z",
  // New York, Lord Howe (half an hour) and Berlin change their clocks.
  "2001-04-01T06:59:59.999Z",
  "2001-04-01T07:00:00Z",
  "2001-10-28T05:30:00Z",
  "2001-10-28T06:00:00Z",
  "2023-04-01T15:00:00Z",
  "2023-09-30T15:29:59Z",
  "2021-03-28T01:00:00Z",
];
export const instant = fc.oneof(
  fc.constantFrom(...instants).map((iso) => new Date(iso)),
  fc.integer({ min: -4e12, max: 8e12 }).map((ms) => new Date(ms)),
  fc.integer({ min: 0, max: 2e12 }).map((ms) => new Date(ms)),
  fc.constantFrom(8.64e15, -8.64e15, 8.64e15 - 1).map((ms) => new Date(ms)),
);
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 6 });

/** Numbers whose products do not cancel one another out, nearly always as many as promised. */
const component = fc.oneof(
  { arbitrary: fc.double({ min: 0.1, max: 10, noNaN: true }), weight: 20 },
  { arbitrary: fc.constantFrom(0, 1, 1e200, 5e-324), weight: 4 },
  { arbitrary: fc.constantFrom(null, NaN, Infinity), weight: 1 },
);
const vector = fc.oneof(
  { arbitrary: fc.array(component, { minLength: 3, maxLength: 3 }), weight: 9 },
  { arbitrary: fc.array(component, { maxLength: 4 }), weight: 1 },
);

/** Rows under {@link Everything}, as a file may hold them. */
export const row: fc.Arbitrary<Row> = fc.record({
  x: orNull(stored),
  [hostile]: orNull(number),
  n: orNull(int),
  yes: orNull(fc.boolean()),
  text: orNull(text),
  at: orNull(instant),
  tags: orNull(fc.array(orNull(text), { maxLength: 4 })),
  counts: orNull(fc.array(orNull(int), { maxLength: 4 })),
  flags: orNull(fc.array(orNull(fc.boolean()), { maxLength: 3 })),
  times: orNull(fc.array(orNull(instant), { maxLength: 3 })),
  // Not always of the size that the contract promises.
  one: orNull(vector),
  other: orNull(vector),
  place: orNull(
    fc.record({
      city: orNull(text),
      "it's": orNull(stored),
      open: orNull(fc.boolean()),
      since: orNull(instant),
    }),
  ),
});

export const call = (
  operator: Expr.OperatorName,
  args: ReadonlyArray<Expr.Ast>,
  params: ReadonlyArray<Param> = [],
): Expr.Ast => ({ _tag: "call", operator, args, ...(params.length === 0 ? {} : { params }) });
export const column = (
  name: string,
  type: "int" | "float" | "boolean" | "string" | "timestamp",
): Expr.Ast => ({ _tag: "column", name, type });
export const literal = (value: string | number | boolean | null): Expr.Ast => ({
  _tag: "literal",
  value,
});

const zones = [
  "UTC",
  "America/New_York",
  "Europe/Berlin",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
  "Pacific/Auckland",
  "Asia/Tokyo",
];
const patterns = [
  "[A-Z]{3}",
  ".*",
  "a+",
  "(a|b)*c?",
  "\\d+",
  "[^a-z]*",
  "(?i)jfk",
  "\\pL+",
  "(x)?a",
  "^$",
];

const zone = fc
  .option(fc.constantFrom(...zones), { nil: undefined })
  .map((one) => (one === undefined ? [] : [one]));
const list = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 4 });

/** Constants for the operators that take some. An operator without an entry here fails the test. */
const params: { readonly [name: string]: fc.Arbitrary<ReadonlyArray<Param>> } = {
  roundTo: fc.constantFrom(0.5, 0.1, 5, 1e-3, 1e300).map((step) => [step]),
  bucket: list(number).map((some) =>
    [...new Set(some.map((one) => one + 0))].toSorted((a, b) => a - b),
  ),
  replaceAll: fc.tuple(
    fc.constantFrom("a", " ", "\u{1F6EB}", "'"),
    fc.constantFrom("", "$&", "b'", "\\1"),
  ),
  substring: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
  matches: fc.constantFrom(...patterns).map((one) => [one]),
  extract: fc.oneof(
    fc.constantFrom(...patterns).map((one) => [one, 0]),
    fc.constantFrom("(a|b)*c?", "(x)?a", "([A-Z]+)-").map((one) => [one, 1]),
  ),
  hashBucket: fc.constantFrom(1, 2, 1000, 2 ** 31 - 1).map((one) => [one]),
  instant: instant.map((at) => [at.getTime()]),
  startOf: fc
    .constantFrom("minute", "hour", "day", "week", "month", "quarter", "year")
    .map((one) => [one]),
  plusMonths: fc
    .oneof(fc.integer({ min: -30, max: 30 }), fc.constantFrom(12_000, -12_000))
    .map((one) => [one]),
  ...Object.fromEntries(
    [
      "year",
      "quarter",
      "month",
      "isoWeek",
      "dayOfYear",
      "dayOfMonth",
      "dayOfWeek",
      "hourOfDay",
      "minuteOfDay",
    ].map((name) => [name, zone]),
  ),
};

/** A part of a column. */
const part = (
  name: string,
  type: "int" | "float" | "boolean" | "string" | "timestamp",
  ...path: ReadonlyArray<string | number>
): Expr.Ast => ({ _tag: "column", name, type, path });
const listOf = (name: string, items: "int" | "boolean" | "string" | "timestamp"): Expr.Ast => ({
  _tag: "column",
  name,
  type: "list",
  items,
});
const embedding = (name: string): Expr.Ast => ({
  _tag: "column",
  name,
  type: "embedding",
  size: 3,
});

const kinds = ["number", "boolean", "text", "time"] as const;
type Known = (typeof kinds)[number];
const valuesOf = { number, boolean: fc.boolean(), text } as const;

/** Every operator that can give a kind, with arguments to fit. */
const callsOf = (gives: Known, tie: (kind: Known) => fc.Arbitrary<Expr.Ast>) =>
  operatorNames.flatMap((name) => {
    const operator = operators[name];
    // What differs in its last digit decides nothing here: a comparison could turn on it.
    if (operator.relativeError !== undefined || operator.takes.includes("list")) return [];
    if (operator.gives !== "same" && operator.gives !== gives) return [];
    const takesAny = operator.takes.includes("same");
    const sames = operator.gives === "same" ? [gives] : takesAny ? kinds : [gives];
    return sames.flatMap((same) => {
      if (name === "isIn" && same === "time") return [];
      const args = operator.takes.map((kind) => tie(knownKind(kind, same)));
      const constants =
        name === "isIn" && same !== "time"
          ? list<Param>(valuesOf[same])
          : operator.problem === undefined
            ? fc.constant([])
            : (params[name] ?? fc.constant([]));
      return [
        fc.tuple(fc.tuple(...args), constants).map(([some, given]) => call(name, some, given)),
      ];
    });
  });

const knownKind = (kind: Kind | "same", same: Known): Known =>
  kind === "same" || kind === "null" || kind === "list" ? same : kind;

const leaves = {
  number: [
    column("x", "float"),
    column(hostile, "float"),
    column("n", "int"),
    part("counts", "int", 1),
    part("one", "float", 0),
    part("place", "float", "it's"),
  ],
  boolean: [
    column("yes", "boolean"),
    part("flags", "boolean", 0),
    part("place", "boolean", "open"),
  ],
  text: [column("text", "string"), part("tags", "string", 0), part("place", "string", "city")],
  time: [
    column("at", "timestamp"),
    part("times", "timestamp", 0),
    part("place", "timestamp", "since"),
  ],
} as const;

/** Expressions of each kind. */
export const asts = fc.letrec<{ readonly [K in Known]: Expr.Ast }>((tie) => {
  const options = { depthSize: "small", withCrossShrink: true } as const;
  const inList = fc.oneof(
    fc.tuple(fc.constant(listOf("tags", "string")), tie("text")),
    fc.tuple(fc.constant(listOf("counts", "int")), tie("number")),
    fc.tuple(fc.constant(listOf("flags", "boolean")), tie("boolean")),
    fc.tuple(fc.constant(listOf("times", "timestamp")), tie("time")),
    fc.tuple(fc.constant(embedding("one")), tie("number")),
  );
  const anyList = inList.map(([one]) => one);
  const ofLists = {
    number: [anyList.map((one) => call("listLength", [one]))],
    boolean: [
      inList.map((args) => call("listContains", args)),
      anyList.map((one) => call("isNull", [one])),
    ],
    text: [],
    time: [],
  };
  const of = (kind: Known) => {
    const calls = callsOf(kind, tie);
    const values = kind === "time" ? [] : [{ arbitrary: valuesOf[kind].map(literal), weight: 8 }];
    return fc.oneof(
      options,
      { arbitrary: fc.constantFrom<Expr.Ast>(...leaves[kind]), weight: 20 },
      ...values,
      { arbitrary: fc.constant(literal(null)), weight: 3 },
      ...[...calls, ...ofLists[kind]].map((arbitrary) => ({ arbitrary, weight: 2 })),
    );
  };
  return { number: of("number"), boolean: of("boolean"), text: of("text"), time: of("time") };
});

/** Operators whose last digits differ, over exact expressions. */
const approximate = fc.oneof(
  ...operatorNames
    .filter((name) => operators[name].relativeError !== undefined)
    .map((name) =>
      fc
        .tuple(
          ...operators[name].takes.map((kind) =>
            kind === "list" ? fc.constantFrom(embedding("one"), embedding("other")) : asts.number,
          ),
        )
        .map((args) => call(name, args)),
    ),
);

/** Any expression. */
export const anyAst = fc.oneof(
  { arbitrary: asts.number, weight: 5 },
  { arbitrary: asts.boolean, weight: 4 },
  { arbitrary: asts.text, weight: 3 },
  { arbitrary: asts.time, weight: 3 },
  { arbitrary: approximate, weight: 1 },
);

/** The operators inside an expression. */
export const operatorsIn = (ast: Expr.Ast): ReadonlyArray<Expr.OperatorName> =>
  ast._tag === "call" ? [ast.operator, ...ast.args.flatMap(operatorsIn)] : [];

type Scalar = number | boolean | string | null;

/** An expression's value on a row, in each compiler. */
export interface Answers {
  readonly sql: Scalar;
  readonly js: Scalar;
}

const Indexed = Contract.make("indexed", {
  version: "1",
  owner: "lab",
  columns: { ...Everything.columns, i: Column.int() },
});

/** Evaluates expressions on rows, with both compilers: for each expression one answer a row. */
export const both = Effect.fnUntraced(function* (
  expressions: ReadonlyArray<Expr.Ast>,
  rows: ReadonlyArray<Row>,
) {
  const db = yield* Duckdb;
  const relation = relationOf(
    Indexed,
    rows.map((row, i) => ({ ...row, i })),
  );
  const selected = expressions.map((ast, index) => `${outputSql(ast)} AS c${index}`);
  const found = yield* db.rows(
    "evaluate",
    `WITH rows AS MATERIALIZED (FROM ${relation}) SELECT ${selected.join(",\n")} FROM rows ORDER BY i`,
  );
  const closure = toCells(expressions);
  const cells = rows.map((row) => closure(row));
  return expressions.map((ast, index) =>
    rows.map((_, at): Answers => ({
      sql: fromSql(ast, found[at]?.[`c${index}`]),
      js: fromCell(ast, cells[at]?.[index] ?? null),
    })),
  );
});

const fromCell = (ast: Expr.Ast, cell: Cell): Scalar =>
  isMissing(cell) || typeof cell === "object"
    ? null
    : kindOf(ast) === "boolean"
      ? cell === 1
      : cell;

/** Numbers as text of 17 digits, instants as epoch milliseconds: both exact. */
const outputSql = (ast: Expr.Ast): string => {
  const sql = toSql(ast);
  return kindOf(ast) === "time" ? `CAST(epoch_ms(${sql}) AS VARCHAR)` : `CAST(${sql} AS VARCHAR)`;
};

const fromSql = (ast: Expr.Ast, value: unknown): Scalar => {
  if (value === null || value === undefined) return null;
  const kind = kindOf(ast);
  if (kind === "number" || kind === "time") return Number(value);
  return kind === "boolean" ? value === "true" : String(value);
};

/** Whether the compilers agree, but for what the outermost operator declares. */
export const agree = (ast: Expr.Ast, { sql, js }: Answers): boolean => {
  if (sql === js) return true;
  const error = ast._tag === "call" ? operators[ast.operator].relativeError : undefined;
  if (error === undefined || typeof sql !== "number" || typeof js !== "number") return false;
  return Math.abs(sql - js) <= error * Math.max(Math.abs(sql), Math.abs(js), Number.MIN_VALUE);
};
