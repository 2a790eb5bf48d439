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
export class WrongFormat extends Schema.TaggedError<WrongFormat>()("WrongFormat", {
  path: Schema.String,
  /** What it should be, such as `a Parquet file`. */
  format: Schema.String,
  /** What its first bytes look like, such as `CSV text`. */
  looksLike: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `${this.path} is not ${this.format}: it looks like ${this.looksLike}. ${this.next}`;
  }
}

/** The file begins as it should, but a part of it is missing or damaged. */
export class SourceBroken extends Schema.TaggedError<SourceBroken>()("SourceBroken", {
  path: Schema.String,
  /** What it should be, such as `Parquet file`. */
  format: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `${this.path} is a damaged ${this.format}: ${this.problem}. Copy or download it again; if it stays so, ask for a new export.`;
  }
}

/** No file matches where a source should be. */
export class NoFiles extends Schema.TaggedError<NoFiles>()("NoFiles", {
  location: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `${this.location}: there is no file. ${this.next}`;
  }
}

/** What was read is no longer what the stage was planned for. */
export class SourceMoved extends Schema.TaggedError<SourceMoved>()("SourceMoved", {
  source: Schema.String,
}) {
  override get message(): string {
    return `${this.source} changed while it was being read, so nothing of it was taken. Run the pipeline again; if it is written to all the time, read a finished copy.`;
  }
}

/** A download failed for good: it was refused, cut off, too large, or is something else than data. */
export class DownloadFailed extends Schema.TaggedError<DownloadFailed>()("DownloadFailed", {
  url: Schema.String,
  problem: Schema.String,
  /** Whether another attempt may succeed. */
  transient: Schema.Boolean,
  next: Schema.String,
}) {
  override get message(): string {
    return `cannot download ${this.url}: ${this.problem}. ${this.next}`;
  }
}

/** A database refused, or could not be reached. */
export class DatabaseFailed extends Schema.TaggedError<DatabaseFailed>()("DatabaseFailed", {
  source: Schema.String,
  operation: Schema.String,
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `cannot ${this.operation} ${this.source}: ${this.problem}. ${this.next}`;
  }
}

/** The program's own rows ended with an error, or are no rows. */
export class RowsFailed extends Schema.TaggedError<RowsFailed>()("RowsFailed", {
  source: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `the rows of ${this.source} ended with an error: ${this.problem}. Nothing of them was taken; correct what yields them and run again.`;
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

const where = (contract: string, version: string, owner: string) =>
  `the contract "${contract}" ${version} of ${owner}`;

/** One file of a source has other columns than the first. */
export const Drift = Schema.Struct({
  file: Schema.String,
  column: Schema.String,
  kind: Schema.Literals(["missing", "new", "type"]),
  /** The column in the first file; empty if it is not there. */
  expected: Schema.String,
  found: Schema.String,
});
/** See {@link Drift}. */
export type Drift = typeof Drift.Type;

/** Files of one source have different columns; lists every difference. */
export class SchemaDrift extends Schema.TaggedError<SchemaDrift>()("SchemaDrift", {
  source: Schema.String,
  /** The file that the others are compared with. */
  first: Schema.String,
  contract: Schema.String,
  version: Schema.String,
  owner: Schema.String,
  drift: Schema.Array(Drift),
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { source, first, contract, version, owner, drift } = this;
    const lines = drift.slice(0, 50).map((one) => `  ${driftText(one)}`);
    if (drift.length > 50) lines.push(`  … and ${drift.length - 50} more`);
    return [
      `the files of ${source} differ from ${first}, under ${where(contract, version, owner)}:`,
      ...lines,
      `Ask ${owner} to deliver one shape; or take what fits with drift: "fit".`,
    ].join("\n");
  }
}

/** A difference between two files, in words. */
export const driftText = ({ file, column, kind, expected, found }: Drift): string => {
  const what = { missing: "is missing", new: "is new", type: "has another type" }[kind];
  return `${file}: column "${column}" ${what}: expected ${expected}, found ${found}`;
};

/** A record that cannot be a row under the contract. */
export const RejectedRecord = Schema.Struct({
  file: Schema.String,
  /** Line or row number, from 1. */
  line: Schema.Int,
  /** The record as it was delivered. */
  raw: Schema.String,
  reasons: Schema.Array(Schema.String),
});
/** See {@link RejectedRecord}. */
export type RejectedRecord = typeof RejectedRecord.Type;

/** More records cannot be read than the policy allows. */
export class RecordsRejected extends Schema.TaggedError<RecordsRejected>()("RecordsRejected", {
  source: Schema.String,
  contract: Schema.String,
  version: Schema.String,
  owner: Schema.String,
  records: Schema.Int,
  rejected: Schema.Int,
  /** Share of rejected records that the policy allows. */
  atMost: Schema.Finite,
  /** The first of them. */
  first: Schema.Array(RejectedRecord),
  /** Parquet file with all of them. */
  quarantine: Schema.String,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { source, contract, version, owner, records, rejected, atMost, first, quarantine } = this;
    const lines = first.flatMap(({ file, line, raw, reasons }) => [
      `  ${file}:${line}: ${reasons.join("; ")}`,
      `    ${raw.length > 160 ? `${raw.slice(0, 160)}…` : raw}`.replaceAll(/[\r\n]+/g, "⏎"),
    ]);
    if (rejected > first.length) lines.push(`  … and ${rejected - first.length} more`);
    const share = (part: number) => `${Number((part * 100).toPrecision(3))} %`;
    return [
      `${source} does not keep ${where(contract, version, owner)}: ${rejected} of ${records} records (${share(rejected / records)}) cannot be read; at most ${share(atMost)} may.`,
      ...lines,
      `All of them, as they were delivered, are in ${quarantine}. Ask ${owner} for a corrected export, or allow a share with quarantine: { atMost }.`,
    ].join("\n");
  }
}
