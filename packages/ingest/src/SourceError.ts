/** What can be wrong with a source, in words for the person who must act on it. */
import { Stage } from "@ml-pipe/core";
import { TableSchema } from "@ml-pipe/data";
import * as Schema from "effect/Schema";

/** The npm package that holds the file is not installed. */
export class PackageMissing extends Schema.TaggedError<PackageMissing>()("PackageMissing", {
  package: Schema.String,
  file: Schema.String,
  from: Schema.String,
}) {
  override get message(): string {
    return `the package "${this.package}" with ${this.file} is not installed where ${this.from} could import it. Run: npm install ${this.package}`;
  }
}

/** There is no file at the path. */
export class SourceMissing extends Schema.TaggedError<SourceMissing>()("SourceMissing", {
  path: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `${this.path} does not exist. ${this.next}`;
  }
}

/** There is something at the path that cannot be read as a file. */
export class SourceUnreadable extends Schema.TaggedError<SourceUnreadable>()("SourceUnreadable", {
  path: Schema.String,
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `cannot read ${this.path}: ${this.problem}. ${this.next}`;
  }
}

/** The file is of another format. */
export class NotParquet extends Schema.TaggedError<NotParquet>()("NotParquet", {
  path: Schema.String,
  /** What its first bytes look like, such as `CSV text`. */
  looksLike: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `${this.path} is not a Parquet file: it looks like ${this.looksLike}. ${this.next}`;
  }
}

/** The file begins as Parquet, but a part of it is missing or damaged. */
export class ParquetBroken extends Schema.TaggedError<ParquetBroken>()("ParquetBroken", {
  path: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `${this.path} is a damaged Parquet file: ${this.problem}. Copy or download it again; if it stays so, ask for a new export.`;
  }
}

/** The file has the right columns and no row. */
export class EmptyTable extends Schema.TaggedError<EmptyTable>()("EmptyTable", {
  path: Schema.String,
  contract: Schema.String,
  version: Schema.String,
  owner: Schema.String,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    return `${this.path} has no rows, so nothing under the contract "${this.contract}" ${this.version} can be checked. Ask ${this.owner} why the export is empty.`;
  }
}

/** The columns of the file do not fit the contract; lists every problem. */
export class SchemaMismatch extends Schema.TaggedError<SchemaMismatch>()("SchemaMismatch", {
  path: Schema.String,
  contract: Schema.String,
  version: Schema.String,
  owner: Schema.String,
  problems: Schema.Array(TableSchema.SchemaProblem),
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const lines = this.problems.map(
      ({ column, expected, found, next }) =>
        `  column "${column}": expected ${expected}, found ${found}. ${next}`,
    );
    const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
    return `${this.path} does not keep the contract "${this.contract}" ${this.version} of ${this.owner} (${count}):\n${lines.join("\n")}`;
  }
}
