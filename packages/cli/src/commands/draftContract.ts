/** `ml-pipe contracts infer` and `import`: contracts as TypeScript, from data and from other tools. */
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Artifact, Contract, Duckdb, Odcs, Profile, TableSchema } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { draftOf } from "../contracts/draft.ts";
import { formsOf, keysOf } from "../contracts/evidence.ts";
import { problemOf, relationOf } from "../contracts/relationOf.ts";
import { moduleSource } from "../contracts/source.ts";
import * as ExitCode from "../ExitCode.ts";
import { pretty } from "../view/json.ts";
import { plural, shortPath } from "../view/text.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

interface Options {
  readonly owner: string | undefined;
  /** Standard output if absent. */
  readonly out: string | undefined;
  readonly json: boolean;
}

/** There is a file in the way: nothing is overwritten. */
export class FileExists extends Schema.TaggedError<FileExists>()("FileExists", {
  path: Schema.String,
}) {
  override get message(): string {
    return `${this.path} is there already. Nothing was written: choose another name`;
  }
}

/** A contract cannot be drafted from a file. */
export class NotDrafted extends Schema.TaggedError<NotDrafted>()("NotDrafted", {
  path: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `no contract can be drafted from ${this.path}: ${this.problem}`;
  }
}

/** Writes a module, to a file that is not there yet or to standard output. */
const deliver = Effect.fnUntraced(function* (
  source: string,
  out: string | undefined,
  { terminal }: CommandContext,
): Effect.fn.Return<void, FileExists | Artifact.ArtifactStoreError> {
  if (out === undefined) {
    terminal.out(source.trimEnd());
    return;
  }
  if (existsSync(out)) return yield* new FileExists({ path: out });
  yield* Artifact.attempt("write", out, () => fs.writeFile(out, source, { flag: "wx" }));
  terminal.err(`${terminal.errStyle.green("✓")} ${shortPath(path.resolve(out))}`);
});

/** What `infer` was asked for. */
export interface DraftOptions extends Options {
  readonly data: string;
  readonly name: string | undefined;
}

/** `infer`: a draft with its evidence. */
export const draft = (options: DraftOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { data, owner } = options;
      const name = options.name ?? path.basename(data).replace(/(\.[a-z0-9]+)+$/i, "");
      const failed = (problem: string) => new NotDrafted({ path: data, problem });
      const seen = yield* look(path.resolve(data), path.basename(data)).pipe(
        Effect.provide(Duckdb.Duckdb.layer()),
        Effect.mapError((problem) =>
          failed(typeof problem === "string" ? problem : problemOf(problem)),
        ),
      );
      if (seen.profile.rows === 0) return yield* failed("it has no row to draft from");
      if (Object.keys(seen.profile.columns).length === 0) {
        return yield* failed("it has no column of a type that contracts have");
      }
      const drafted = draftOf(seen, { name, owner });
      const problems = Contract.problemsOf(drafted.spec);
      if (problems.length > 0) return yield* failed(problems.join("; "));
      if (options.json) context.terminal.out(pretty(drafted));
      else yield* deliver(moduleSource([drafted]), options.out, context);
      return ExitCode.succeeded;
    }),
  );

const look = Effect.fnUntraced(function* (fullPath: string, file: string) {
  const relation = yield* relationOf(fullPath);
  const types = yield* TableSchema.describe(relation);
  const profile = ofSingleValues(yield* Profile.of(relation), types);
  const converted = types.flatMap(({ name, type }) => {
    const column = profile.columns[name];
    return column === undefined || TableSchema.accepts(column, type) ? [] : [[name, type] as const];
  });
  return {
    file,
    profile,
    forms: yield* formsOf(relation, profile),
    keys: yield* keysOf(relation, profile),
    converted: new Map(converted),
  };
});

/** A profile of the columns of one value; the others are left out of a draft. */
const ofSingleValues = (
  { rows, columns, partOf = {} }: Profile.Profile,
  types: ReadonlyArray<TableSchema.SqlColumn>,
): Profile.Profile => ({
  rows,
  columns: Object.fromEntries(
    Object.entries(columns).filter(([name]) => partOf[name] === undefined),
  ),
  unsupported: types
    .filter(({ name }) => columns[name] === undefined)
    .map(({ name, type }) => ({ column: name, sqlType: type })),
});

/** The document is neither YAML nor JSON, or no contract of ODCS. */
export class DocumentUnreadable extends Schema.TaggedError<DocumentUnreadable>()(
  "DocumentUnreadable",
  { path: Schema.String, problem: Schema.String },
) {
  override get message(): string {
    return `${this.path} cannot be read: ${this.problem}`;
  }
}

/** What `import` was asked for. */
export interface ReadOptions extends Options {
  readonly document: string;
}

/** `import`: contracts from a document of ODCS. */
export const read = (options: ReadOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { document: file, owner } = options;
      const unreadable = (problem: string) => new DocumentUnreadable({ path: file, problem });
      const text = yield* Artifact.attempt("read", file, () => fs.readFile(file, "utf8")).pipe(
        Effect.mapError(({ code }) =>
          unreadable(
            code === "ENOENT"
              ? "there is no such file"
              : code === "EISDIR"
                ? "it is a folder, not a file"
                : code,
          ),
        ),
      );
      const { parse } = yield* Effect.promise(() => import("yaml"));
      const json = yield* Effect.try({
        // It refuses more than a hundred aliases: a few lines of them can be a document of gigabytes.
        try: (): unknown => parse(text),
        catch: (cause) => unreadable(cause instanceof Error ? cause.message : String(cause)),
      });
      const imported = yield* Effect.fromResult(
        Odcs.fromDocument(json, owner === undefined ? {} : { owner }),
      ).pipe(Effect.mapError(({ message }) => unreadable(message)));
      const { err, errStyle } = context.terminal;
      if (options.json) {
        context.terminal.out(
          pretty(imported.map(({ contract, unmapped }) => ({ spec: contract.spec, unmapped }))),
        );
        return ExitCode.succeeded;
      }
      const contracts = imported.map(({ contract: { spec } }) => ({
        spec,
        comments: {
          head: [`From ${path.basename(file)}, a data contract of ODCS.`],
          columns: {},
          parts: {},
        },
      }));
      yield* deliver(moduleSource(contracts), options.out, context);
      const left = new Map(
        imported.flatMap(({ unmapped }) => unmapped.map((one) => [one.at, one] as const)),
      );
      for (const { at, why } of left.values()) err(errStyle.yellow(`! ${at}: ${why}`));
      err(
        left.size === 0
          ? "all of the document is in the contract"
          : `${plural(left.size, "part")} of the document not taken as it is, or not at all`,
      );
      return ExitCode.succeeded;
    }),
  );
