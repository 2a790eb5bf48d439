/** Checks as data, compiled: what each asks of the scan, or why it cannot run. */
import type { Check as CoreCheck, Contract } from "@ml-pipe/core";
import type { Duckdb, TableSchema } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { blocked, type Check } from "./Check.ts";
import { kinds } from "./kinds/kinds.ts";
import type { Kind } from "./kinds/Kind.ts";
import { planChecked, type RowsPlan } from "./rowsSql.ts";
import { impureFunctions, problemOf, type Role } from "./sqlText.ts";

/** What checks are compiled against. */
export interface Source {
  readonly contract: Contract.Contract;
  readonly plan: RowsPlan;
  /** All columns of the file. */
  readonly file: ReadonlyArray<TableSchema.SqlColumn>;
  readonly asOf: number | undefined;
  /** Other tables, by the name of their contract. */
  readonly others: ReadonlyMap<string, OtherTable>;
}

/** Another table that was checked. */
export interface OtherTable {
  readonly contract: Contract.Contract;
  /** As a relation in SQL. */
  readonly relation: string;
}

/** Whether a check is judged against the time at which it runs. */
export const isTimed = ({ kind }: CoreCheck.CheckSpec): boolean => kinds.get(kind)?.timed === true;

/** Compiles checks. What keeps one from running is its outcome, and never an error. */
export const compileChecks = Effect.fnUntraced(function* (
  specs: ReadonlyArray<CoreCheck.CheckSpec>,
  source: Source,
): Effect.fn.Return<ReadonlyArray<Check>, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const withText = specs.some((spec) => textsOf(spec, source.plan).length > 0);
  const impure = withText ? yield* impureFunctions : new Set<string>();
  return yield* Effect.forEach(specs, (spec) => compileCheck(spec, source, impure));
});

const compileCheck = Effect.fnUntraced(function* (
  spec: CoreCheck.CheckSpec,
  source: Source,
  impure: ReadonlySet<string>,
): Effect.fn.Return<Check, never, Duckdb.Duckdb> {
  const { name, where, severity, owner, description, mostly } = spec;
  const condition = where === undefined ? "" : `, where ${where}`;
  const about = {
    name,
    ...(spec.columns.length === 1 && spec.columns[0] !== undefined
      ? { column: spec.columns[0] }
      : {}),
    ...(owner === undefined ? {} : { owner }),
    ...(description === undefined ? {} : { description }),
  };
  const because = (why: string, how: "fail" | "warn" = "fail"): Check =>
    blocked({ ...about, expected: `${spec.kind}${condition}` }, how, why);

  const kind = kinds.get(spec.kind);
  if (kind === undefined) return because(`"${spec.kind}" is no kind of check`);
  const columns = columnsOf(spec, kind, source);
  if (typeof columns === "string") return because(columns);
  const unread = columns.filter(({ sqlType }) => sqlType === undefined);
  // The column has failed the check of the schema already.
  if (unread.length > 0) return because(`${quoted(unread)} cannot be read`, "warn");
  if (kind.timed === true && source.asOf === undefined) return because("no instant is given");
  const other = otherOf(spec, source);
  if (other._tag === "missing") return because(other.why);
  const reference = referenceOf(spec, kind, source);
  if (typeof reference === "string") return because(reference);
  for (const { text, role, reads } of textsOf(spec, source.plan)) {
    const rows = source.plan.sql;
    const problem = yield* problemOf(text, role, { rows, columns: reads, impure });
    if (problem !== undefined) return because(`${text} is not understood: ${problem}`);
  }
  const shape = kind.compile(spec, {
    contract: source.contract,
    columns,
    // On a line of its own: it may end in a comment.
    where: where === undefined ? undefined : `(${where}\n)`,
    asOf: source.asOf,
    other: other.relation,
    reference,
    file: source.file,
  });
  if (typeof shape === "string") return because(shape);
  return {
    ...about,
    severity,
    ...(mostly === undefined ? {} : { mostly }),
    ...shape,
    expected: `${shape.expected}${condition}`,
  };
});

const quoted = (columns: ReadonlyArray<{ readonly name: string }>): string =>
  columns.map(({ name }) => `"${name}"`).join(", ");

/** The columns of a check, or why they are not what its kind takes. */
const columnsOf = (
  { columns: names, kind: kindName }: CoreCheck.CheckSpec,
  { columns: { atLeast, atMost }, types, alike }: Kind,
  { plan, contract }: Source,
): RowsPlan["columns"] | string => {
  if (names.length < atLeast || names.length > atMost) {
    return `${kindName} does not take ${names.length} columns`;
  }
  const byName = new Map(plan.columns.map((column) => [column.name, column]));
  const missing = names.filter((name) => !byName.has(name));
  if (missing.length > 0) {
    return `the contract ${contract.name} has no column ${missing.map((name) => `"${name}"`).join(", ")}`;
  }
  const columns = names.flatMap((name) => byName.get(name) ?? []);
  const strange = columns.filter(({ spec }) => types?.includes(spec.type) === false);
  if (strange.length > 0) {
    return `${kindName} is of ${types?.join(", ")} columns, and ${strange.map(({ name, spec }) => `"${name}" is ${spec.type}`).join(", ")}`;
  }
  const kindsOfColumns = new Set(
    columns.map(({ spec }) => (spec.type === "int" ? "float" : spec.type)),
  );
  return alike === true && kindsOfColumns.size > 1
    ? `${kindName} is of columns of one type, and ${columns.map(({ name, spec }) => `"${name}" is ${spec.type}`).join(", ")}`
    : columns;
};

type Other =
  | { readonly _tag: "none" | "found"; readonly relation: string | undefined }
  | { readonly _tag: "missing"; readonly why: string };

/** The table that a check compares with, if its parameters name one; a key may point into its own. */
const otherOf = ({ kind, args }: CoreCheck.CheckSpec, { others, contract: own }: Source): Other => {
  const contract = args["contract"];
  if (typeof contract !== "string") return { _tag: "none", relation: undefined };
  const itself = kind === "references" && contract === own.name ? "rows" : undefined;
  const relation = others.get(contract)?.relation ?? itself;
  return relation === undefined
    ? {
        _tag: "missing",
        why: `no table under the contract "${contract}" is given: name it in "references" of Validate.table`,
      }
    : { _tag: "found", relation };
};

/** The columns of a check in the table that it is relative to, if it is; or why they are not there. */
const referenceOf = (spec: CoreCheck.CheckSpec, kind: Kind, source: Source) => {
  const { contract: name, within, by } = spec.args;
  if (within === undefined && by === undefined) return undefined;
  const other = typeof name === "string" ? source.others.get(name) : undefined;
  if (other === undefined) return undefined;
  const plan = planChecked(other.contract, other.relation);
  const columns = columnsOf(spec, kind, { ...source, contract: other.contract, plan });
  return typeof columns === "string" ? columns : { columns, rows: plan.sql };
};

/** The texts in SQL of a check, and the columns that each may read. */
const textsOf = (
  { kind, where, columns, args }: CoreCheck.CheckSpec,
  plan: RowsPlan,
): ReadonlyArray<{
  readonly text: string;
  readonly role: Role;
  readonly reads: ReadonlyArray<string>;
}> => {
  const readable = plan.columns.flatMap(({ name, sqlType }) =>
    sqlType === undefined ? [] : [name],
  );
  const { condition, expression } = args;
  return [
    ...(where === undefined ? [] : [{ text: where, role: "condition", reads: readable } as const]),
    ...(kind === "sql" && typeof condition === "string"
      ? [{ text: condition, role: "condition", reads: columns } as const]
      : []),
    ...(kind === "aggregate" && typeof expression === "string"
      ? [{ text: expression, role: "aggregate", reads: columns } as const]
      : []),
  ];
};
