/** The columns of a source's parts, held against the contract and against one another. */
import type { Contract, Finding } from "@ml-pipe/core";
import { TableSchema } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { type Drift, driftText, SchemaDrift, SchemaMismatch } from "../SourceError.ts";
import { type Part, textType } from "./delivery.ts";

/** What is done about files of one source that have different columns. */
export type DriftPolicy = "fail" | "fit";

/**
 * Checks the columns of all parts; what is tolerated becomes findings. A sparse source (JSON) may leave
 * out a nullable column altogether, and so may a later file under the policy `fit`.
 */
export const checkSchema = Effect.fnUntraced(function* (
  contract: Contract.Contract,
  source: string,
  parts: ReadonlyArray<Part>,
  policy: DriftPolicy,
  reference?: Pick<Part, "name" | "columns">,
): Effect.fn.Return<ReadonlyArray<Finding.Finding>, SchemaMismatch | SchemaDrift> {
  const { name, spec } = contract;
  const { owner, version } = spec;
  const about = { contract: name, version, owner };
  const first = reference ?? parts[0];
  if (first === undefined) return [];
  const drift = parts.flatMap((part) => (part === first ? [] : driftOf(contract, first, part)));
  if (drift.length > 0 && policy === "fail") {
    return yield* new SchemaDrift({ ...about, source, first: first.name, drift });
  }
  const findings: Array<Finding.Finding> = drift.map((one) => ({
    check: `${one.column}.drift`,
    severity: "warn",
    column: one.column,
    owner,
    expected: `the columns of ${first.name} in every file`,
    found: driftText(one),
    next: `Tell ${owner}; what fits is taken.`,
  }));
  const extras = new Map<string, string>();
  const absent = new Set<string>();
  for (const part of parts) {
    // Where there is no object, there are no keys either.
    if (part.sparse && part.records === 0) continue;
    const { problems, extra } = TableSchema.compare(
      contract,
      part.columns.map(asPromised(contract)),
    );
    const tolerated = (column: string, kind: string) =>
      kind === "missing" &&
      spec.columns[column]?.nullable === true &&
      (part.sparse || (policy === "fit" && part !== first));
    const twice = part.columns
      .filter(({ name }, index) => part.columns.findIndex((one) => one.name === name) < index)
      .filter((column) => Object.hasOwn(spec.columns, column.name));
    const left: Array<TableSchema.SchemaProblem> = problems.filter(
      ({ column, kind }) => !tolerated(column, kind),
    );
    for (const column of twice) {
      left.push({
        kind: "type",
        column: column.name,
        expected: "one column of that name",
        found: "it twice",
        next: `Ask ${owner} which of them is meant.`,
      });
    }
    if (left.length > 0) {
      const path = parts.length === 1 ? source : part.name;
      return yield* new SchemaMismatch({ ...about, path, problems: left });
    }
    for (const { column } of problems) absent.add(column);
    for (const one of extra) extras.set(one.name, one.type);
  }
  for (const column of absent) {
    findings.push({
      check: `${column}.absent`,
      severity: "warn",
      column,
      owner,
      expected: `a column of the contract "${name}" ${version}`,
      found: "no value anywhere, so that all are null",
      next: `Ask ${owner} whether it is still delivered.`,
    });
  }
  for (const [column, type] of extras) {
    findings.push({
      check: `${column}.extra`,
      severity: "warn",
      column,
      owner,
      expected: `no column beside those of the contract "${name}" ${version}`,
      found: `"${column}" (${type}), which is left out`,
      next: `Add it to the contract together with ${owner}, or ask them to drop it.`,
    });
  }
  return findings;
});

/** How a later file differs from the first; of sparse ones, only what the contract does not know counts. */
const driftOf = (
  contract: Contract.Contract,
  first: Pick<Part, "columns">,
  part: Part,
): ReadonlyArray<Drift> => {
  const before = new Map(first.columns.map(({ name, type }) => [name, type]));
  const now = new Map(part.columns.map(({ name, type }) => [name, type]));
  const { sparse } = part;
  const file = part.name;
  const lost = [...before].flatMap(([column, expected]): ReadonlyArray<Drift> => {
    const found = now.get(column);
    if (found === undefined) {
      const drift: Drift = { file, column, kind: "missing", expected, found: "no such column" };
      return sparse ? [] : [drift];
    }
    return found === expected ? [] : [{ file, column, kind: "type", expected, found }];
  });
  const extra = [...now].flatMap(([column, found]): ReadonlyArray<Drift> =>
    before.has(column) || (sparse && Object.hasOwn(contract.spec.columns, column))
      ? []
      : [{ file, column, kind: "new", expected: "no such column", found }],
  );
  return [...lost, ...extra];
};

/** Text becomes what the contract says, value by value: as a column it has the right type. */
const asPromised =
  ({ spec }: Contract.Contract) =>
  (column: TableSchema.SqlColumn): TableSchema.SqlColumn => {
    const promised = spec.columns[column.name];
    return column.type !== textType || promised === undefined
      ? column
      : { name: column.name, type: TableSchema.canonicalType(promised) };
  };
