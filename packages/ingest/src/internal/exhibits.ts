/** What an ingest shows of a source: its columns, its files, and how they were read. */
import type { Contract, Exhibit } from "@ml-pipe/core";
import type { TableSchema } from "@ml-pipe/data";
import type { Fact, Part } from "./delivery.ts";

/** Each column of the contract, and what it is in the source: the first of a name counts. */
export const columnsExhibit = (
  { spec }: Contract.Contract,
  caption: string,
  columns: ReadonlyArray<TableSchema.SqlColumn>,
): Exhibit.Exhibit => {
  const types = new Map(columns.toReversed().map(({ name, type }) => [name, type]));
  return {
    _tag: "table",
    title: "Source",
    caption,
    columns: ["column", "type", "in the source", "known at", "unit", "meaning"],
    rows: Object.entries(spec.columns).map(([column, one]) => [
      column,
      one.nullable ? `${one.type} or null` : one.type,
      types.get(column) ?? null,
      one.availableAt,
      one.unit ?? null,
      one.description ?? null,
    ]),
  };
};

const shown = 50;

/** The parts of the source: the first of them, if they are many. */
export const filesExhibit = (parts: ReadonlyArray<Part>): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Files",
  ...(parts.length > shown ? { caption: `the first ${shown} of ${parts.length}` } : {}),
  columns: ["file", "records", "not cut into fields", "bytes", "digest"],
  rows: parts
    .slice(0, shown)
    .map(({ name, records, rejects, file }) => [
      name,
      records,
      rejects?.records ?? 0,
      file?.bytes ?? null,
      file?.digest.slice(0, 19) ?? null,
    ]),
});

/** How each part was read: what was declared, and what was found out. */
export const factsExhibit = (parts: ReadonlyArray<Part>): Exhibit.Exhibit | undefined => {
  const read = new Map<string, { readonly fact: Fact; readonly files: Array<string> }>();
  for (const { name, facts = [] } of parts) {
    for (const fact of facts) {
      const one = read.get(fact.join("\0")) ?? { fact, files: [] };
      one.files.push(name);
      read.set(fact.join("\0"), one);
    }
  }
  if (read.size === 0) return undefined;
  const some = (names: ReadonlyArray<string>) =>
    names.length === parts.length ? "all" : names.slice(0, 3).join(", ");
  return {
    _tag: "table",
    title: "How it was read",
    caption: "what was found is a function of the first bytes of a file; declare it to pin it",
    columns: ["what", "value", "because", "files"],
    rows: [...read.values()].map(({ fact, files }) => [...fact, some(files)]),
  };
};
