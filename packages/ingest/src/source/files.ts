/** What all sources in files share: finding them, opening each, and the columns in folder names. */
import * as Effect from "effect/Effect";
import type { Artifact, Column } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import type * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { type Part, textColumns } from "../internal/delivery.ts";
import { fromText, type Notation } from "../internal/values.ts";
import * as Location from "../Location.ts";
import type { Request, Source } from "../Source.ts";
import type {
  NoFiles,
  PackageMissing,
  SourceBroken,
  SourceMissing,
  SourceUnreadable,
  WrongFormat,
} from "../SourceError.ts";

/** What sources in files can be told, whatever their format. */
export interface FileOptions {
  /**
   * `true`: folders named `column=value` are columns, as Hive and Spark write them. They are read as
   * text in the contract's types. Default `false`.
   */
  readonly partitions?: boolean;
}

/** What can be wrong with a file. */
export type FormatError =
  | NoFiles
  | PackageMissing
  | SourceMissing
  | SourceUnreadable
  | WrongFormat
  | SourceBroken;

interface Format<E> {
  /** Such as `CSV`. */
  readonly name: string;
  readonly params: Schema.Json;
  readonly options: FileOptions & Notation;
  /** Reads one file; `scratch` names files that go away with the stage. */
  readonly read: (
    file: Location.Located,
    request: Request,
    scratch: (what: string) => string,
  ) => Effect.Effect<
    Part,
    E | Duckdb.DuckdbError | Artifact.ArtifactStoreError,
    Duckdb.Duckdb | Artifact.ArtifactStore | Scope.Scope
  >;
}

/** A source made of files at a location, in a format. */
export const filesSource = <LE, E>(
  where: Location.Where<LE>,
  format: Format<E>,
): Source<LE | E | Location.LocalError> => {
  const location = Location.from(where);
  return {
    label: location.label,
    params: { location: location.params, format: format.name, options: format.params },
    increments: "files",
    versions: location.versions,
    open: Effect.fnUntraced(function* (request) {
      const { files, folder } = yield* location.open(request.only);
      const parts = yield* Effect.forEach(
        files,
        (file, index) => {
          const scratch = (what: string) => `${folder}/${index}-${what}`;
          return Effect.map(format.read(file, request, scratch), (part) =>
            format.options.partitions === true ? withPartitions(part, format.options) : part,
          );
        },
        { concurrency: 2 },
      );
      return { parts, versions: Location.versionsOf(files, parts) };
    }),
  };
};

/** The columns that the folders of a path stand for: `year=2001/month=5/x.csv`. */
const partitionsOf = (name: string): ReadonlyMap<string, string | null> => {
  const found = new Map<string, string | null>();
  for (const folder of name.split(/[\\/]/).slice(0, -1)) {
    const at = folder.indexOf("=");
    if (at < 1) continue;
    const [key, value] = [decode(folder.slice(0, at)), decode(folder.slice(at + 1))];
    found.set(key, value === "__HIVE_DEFAULT_PARTITION__" ? null : value);
  }
  return found;
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** A part whose columns in folder names come before those of the same name in the file. */
const withPartitions = (part: Part, notation: Notation): Part => {
  const partitions = partitionsOf(part.name);
  if (partitions.size === 0) return part;
  const columns = textColumns([...partitions.keys()]);
  return {
    ...part,
    columns: [...part.columns.filter(({ name }) => !partitions.has(name)), ...columns],
    read: (column: string, spec: Column.ColumnSpec) => {
      const value = partitions.get(column);
      if (value === undefined) return part.read(column, spec);
      const text = value === null ? "CAST(NULL AS VARCHAR)" : Duckdb.literal(value);
      return { found: text, value: (found) => fromText(found, column, spec, notation) };
    },
  };
};
