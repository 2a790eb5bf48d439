/**
 * SQL that a check brings as text: parsed by DuckDB, never by a pattern, and held to one expression over
 * the columns of the table, whose value depends on nothing else.
 */
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** What a text is to be: true or false for each row, or a number from aggregates. */
export type Role = "condition" | "aggregate";

/** What a text may name. */
export interface Scope {
  /** `SELECT` of the canonical rows. */
  readonly rows: string;
  readonly columns: ReadonlyArray<string>;
  /** The functions that it may not call: see {@link impureFunctions}. */
  readonly impure: ReadonlySet<string>;
}

/** Why a text is not what it is to be; `undefined` if it is. */
export const problemOf = Effect.fnUntraced(function* (
  text: string,
  role: Role,
  { rows, columns, impure }: Scope,
): Effect.fn.Return<string | undefined, never, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const parsed = yield* parse(text);
  if (typeof parsed === "string") return parsed;
  const known = new Set(columns.map((column) => column.toLowerCase()));
  const strange = [...parsed.columns].filter((name) => !known.has(name.toLowerCase()));
  if (strange.length > 0) return `it may read ${namesOf(columns)}, not ${namesOf(strange)}`;
  const called = [...parsed.functions].filter((name) => impure.has(name));
  if (called.length > 0) return `it may not call ${called.join(", ")}`;
  // Binding finds unknown functions and wrong types; nothing is read.
  const bound =
    role === "condition"
      ? `SELECT count(*) FROM rows WHERE (${text}\n) IS NOT DISTINCT FROM true`
      : `SELECT CAST((${text}\n) AS DOUBLE), count(*) FROM rows`;
  const described = yield* Effect.result(
    db.rows("read the SQL of a check", `DESCRIBE WITH rows AS (${rows}) ${bound}`),
  );
  return described._tag === "Failure" ? firstLine(described.failure.problem) : undefined;
});

const namesOf = (names: ReadonlyArray<string>): string =>
  names.length === 0 ? "no column" : names.map((name) => `"${name}"`).join(", ");

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? text;

/** The names in an expression. */
interface Parsed {
  readonly columns: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
}

const Statements = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ error: Schema.Literal(true), error_message: Schema.String }),
    Schema.Struct({ error: Schema.Literal(false), statements: Schema.Array(Schema.Json) }),
  ]),
);

const refused = "it is not one expression";

/** Parses a text as the one expression that a query selects; gives what is wrong with it as words. */
const parse = Effect.fnUntraced(function* (
  text: string,
): Effect.fn.Return<Parsed | string, never, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  // The line break ends a comment, which would hide what follows.
  const serialized = yield* Effect.result(
    db.rows(
      "parse the SQL of a check",
      `SELECT json_serialize_sql(${Duckdb.literal(`SELECT (${text}\n) FROM rows`)}) AS tree`,
    ),
  );
  if (serialized._tag === "Failure") return firstLine(serialized.failure.problem);
  const decoded = Schema.decodeUnknownResult(Statements)(serialized.success[0]?.["tree"]);
  if (decoded._tag === "Failure") return refused;
  if (decoded.success.error) return firstLine(decoded.success.error_message);
  const [statement, ...others] = decoded.success.statements;
  const select = Schema.decodeUnknownResult(OneExpression)(statement);
  if (others.length > 0 || select._tag === "Failure") return refused;
  const names = { columns: new Set<string>(), functions: new Set<string>() };
  const problem = walk(select.success.node.select_list[0], names, new Set());
  return problem ?? names;
});

/** `SELECT (expression) FROM rows`, and nothing that could be added to it. */
const OneExpression = Schema.Struct({
  node: Schema.Struct({
    type: Schema.Literal("SELECT_NODE"),
    modifiers: Schema.Tuple([]),
    cte_map: Schema.Struct({ map: Schema.Tuple([]) }),
    select_list: Schema.Tuple([Schema.Json]),
    from_table: Schema.Struct({
      type: Schema.Literal("BASE_TABLE"),
      table_name: Schema.Literal("rows"),
      alias: Schema.Literal(""),
    }),
    where_clause: Schema.Null,
    group_expressions: Schema.Tuple([]),
    having: Schema.Null,
    sample: Schema.Null,
    qualify: Schema.Null,
  }),
});

type Json = Schema.Json;
const isObject = (json: Json | undefined): json is { readonly [key: string]: Json } =>
  typeof json === "object" && json !== null && !Array.isArray(json);

const forbidden: { readonly [type: string]: string } = {
  SUBQUERY: "a subquery",
  WINDOW: "a window",
  STAR: "a star",
  PARAMETER: "a parameter",
};

/** Collects the names in a tree; gives what it may not have as words. `bound`: names of lambdas. */
const walk = (
  tree: Json | undefined,
  names: { readonly columns: Set<string>; readonly functions: Set<string> },
  bound: ReadonlySet<string>,
): string | undefined => {
  if (Array.isArray(tree)) return firstOf(tree.map((child: Json) => walk(child, names, bound)));
  if (!isObject(tree)) return undefined;
  const type = String(tree["class"]);
  if (Object.hasOwn(forbidden, type)) return `it has ${forbidden[type]}`;
  if (type === "COLUMN_REF") {
    const path = Array.isArray(tree["column_names"]) ? tree["column_names"].map(String) : [];
    const [name = ""] = path;
    // A field of a struct or the column of a table looks the same: only plain names are taken.
    if (!bound.has(name)) names.columns.add(path.join("."));
    return undefined;
  }
  if (type === "FUNCTION") {
    const name = String(tree["function_name"]).toLowerCase();
    names.functions.add(name);
  }
  if (type === "LAMBDA") {
    const parameters = new Set<string>();
    const inner = { columns: parameters, functions: names.functions };
    const problem = walk(tree["lhs"], inner, new Set());
    return problem ?? walk(tree["expr"], names, new Set([...bound, ...parameters]));
  }
  return firstOf(Object.values(tree).map((child) => walk(child, names, bound)));
};

const firstOf = (problems: ReadonlyArray<string | undefined>): string | undefined =>
  problems.find((problem) => problem !== undefined);

/** The functions that depend on more than their arguments: on the time, chance, the session. */
export const impureFunctions: Effect.Effect<
  ReadonlySet<string>,
  Duckdb.DuckdbError,
  Duckdb.Duckdb
> = Duckdb.Duckdb.use((db) =>
  db.rows(
    "look functions up",
    `SELECT DISTINCT lower(function_name) AS name FROM duckdb_functions()
       WHERE stability <> 'CONSISTENT'
         OR macro_definition LIKE '%current_%' OR macro_definition ILIKE '%select %'
         OR function_name IN ('getvariable', 'current_setting', 'getenv')`,
  ),
).pipe(Effect.map((rows) => new Set(rows.map((row) => String(row["name"])))));
