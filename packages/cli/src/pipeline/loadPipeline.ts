/** Imports a pipeline file and checks that it is one. */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Local, Pipeline } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { similar } from "../view/text.ts";
import {
  type LoadError,
  PipelineFileMissing,
  PipelineImportMissing,
  PipelineNotExported,
  PipelineOfAnotherCopy,
  PipelineSyntax,
  PipelineThrew,
} from "./LoadError.ts";
import { packageOf } from "./packages.ts";

/** A pipeline that the local engine can run, as far as its types told the truth. */
export type Runnable = Pipeline.Pipeline<unknown, unknown, Local.Services>;

/** What a file exports, by name. Fails with a {@link LoadError}; never dies. */
export const importFile = (
  file: string,
): Effect.Effect<{ readonly [name: string]: unknown }, LoadError> => {
  const absolute = path.resolve(file);
  return Effect.andThen(
    requireFile(absolute),
    Effect.tryPromise({
      try: (): Promise<{ readonly [name: string]: unknown }> =>
        import(pathToFileURL(absolute).href),
      catch: (cause) => importError(absolute, cause),
    }),
  );
};

/** Imports `file` and returns its default export. Fails with a {@link LoadError}; never dies. */
export const loadPipeline = (file: string): Effect.Effect<Runnable, LoadError> => {
  const absolute = path.resolve(file);
  return Effect.gen(function* () {
    yield* requireFile(absolute);
    yield* requireOneCopy(absolute);
    const exported = yield* importFile(absolute);
    const { default: value } = exported;
    if (isRunnable(value)) return value;
    const pipelines = Object.keys(exported).filter(
      (name) => name !== "default" && Pipeline.isPipeline(exported[name]),
    );
    return yield* new PipelineNotExported({
      file: absolute,
      ...defaultExportPlace(absolute),
      pipelines,
      ...("default" in exported ? { found: describe(value) } : {}),
    });
  });
};

/** Fails where the pipeline has packages of ml-pipe of its own, as with a command that was installed globally. */
const requireOneCopy = (file: string): Effect.Effect<void, PipelineOfAnotherCopy> =>
  Effect.suspend(() => {
    const [theirs, ours] = [file, fileURLToPath(import.meta.url)].map(copySeenBy);
    return theirs === undefined || ours === undefined || theirs === ours
      ? Effect.void
      : Effect.fail(new PipelineOfAnotherCopy({ file, imported: theirs, own: ours }));
  });

/** The folder of the package that a file imports, without links. */
const copySeenBy = (file: string): string | undefined => {
  try {
    const umbrella = realpathSync(createRequire(file).resolve("@ml-pipe/ml-pipe"));
    return packageOf(umbrella)?.folder;
  } catch {
    return undefined;
  }
};

/** Fails if there is no such file, with the names it may have been confused with. */
export const requireFile = (file: string): Effect.Effect<void, PipelineFileMissing> =>
  Effect.suspend(() => {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isFile() === true) return Effect.void;
    const isFolder = stat?.isDirectory() === true;
    const folder = isFolder ? file : path.dirname(file);
    const scripts = filesOf(folder).filter((name) => /\.(ts|mts|js|mjs)$/.test(name));
    const named = isFolder
      ? scripts.filter(looksLikePipeline)
      : similar(path.basename(file), scripts);
    const candidates = named.map((name) => path.relative(process.cwd(), path.join(folder, name)));
    return Effect.fail(new PipelineFileMissing({ file, isFolder, candidates }));
  });

const looksLikePipeline = (name: string): boolean => /pipeline/i.test(name);

const filesOf = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** What the services are, only the type checker can say: `check` and `run` ask it. */
const isRunnable = (value: unknown): value is Runnable => Pipeline.isPipeline(value);

const describe = (value: unknown): string => {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function") {
    return "info" in value ? "a stage" : `a function (${value.name || "without a name"})`;
  }
  if (typeof value !== "object") return `the ${typeof value} ${JSON.stringify(value) ?? ""}`.trim();
  if (Array.isArray(value)) return "an array";
  if ("~ml-pipe/ref" in value) return "a reference to a stage's output";
  const keys = Object.keys(value).slice(0, 4).join(", ");
  return `an object (${keys === "" ? "empty" : `with ${keys}`})`;
};

/** Where `export default` stands. */
const defaultExportPlace = (file: string): { readonly line?: number } => {
  const lines = readFileSync(file, "utf8").split("\n");
  const index = lines.findIndex((line) => /^\s*export\s+default\b|\bas\s+default\b/.test(line));
  return index < 0 ? {} : { line: index + 1 };
};

/** What the import of a module rejects with, as an error that says where and what to do. */
export const importError = (file: string, cause: unknown): LoadError => {
  if (isPipelineInvalid(cause)) return cause;
  if (!(cause instanceof Error)) {
    return new PipelineThrew({
      file,
      error: "something that is not an Error",
      problem: String(cause),
      stack: "",
      refused: false,
    });
  }
  const code = "code" in cause ? String(cause.code) : "";
  const stack = cause.stack ?? "";
  const at = headerPlace(stack) ?? framePlace(file, stack) ?? { file };
  if (code === "ERR_MODULE_NOT_FOUND") return missingModule(file, cause.message);
  if (cause instanceof SyntaxError && cause.message.includes("does not provide an export")) {
    const imported = cause.message.replace("The requested", "the");
    return new PipelineImportMissing({ ...at, imported, kind: "export" });
  }
  const thrownByCode = framePlace(file, stack) !== undefined && headerPlace(stack) === undefined;
  if (cause instanceof SyntaxError && !thrownByCode) {
    return new PipelineSyntax({ ...at, problem: cause.message });
  }
  const refused = isRefusal(stack, file);
  return new PipelineThrew({ ...at, error: cause.name, problem: cause.message, stack, refused });
};

/** Whether an error was thrown by ml-pipe, as it throws for a definition that is wrong. */
const isRefusal = (stack: string, file: string): boolean => {
  const [thrower] = framesOf(stack);
  const owner = thrower === undefined ? undefined : packageOf(thrower.file);
  return owner?.name.startsWith("@ml-pipe/") === true && owner.folder !== packageOf(file)?.folder;
};

/** Also one that another copy of the package made. */
const isPipelineInvalid = (cause: unknown): cause is Pipeline.PipelineInvalid =>
  cause instanceof Pipeline.PipelineInvalid ||
  (cause instanceof Error && "_tag" in cause && cause._tag === "PipelineInvalid");

interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** Syntax errors begin with `file:///…:line`, the line itself and a caret below the column. */
const headerPlace = (stack: string): Place | undefined => {
  const [first = "", ...rest] = stack.split("\n");
  const match = /^(file:\/\/.+):(\d+)$/.exec(first);
  if (match === null) return undefined;
  const caret = rest.find((line) => /^\s*\^+\s*$/.test(line));
  return {
    file: fileURLToPath(match[1] ?? ""),
    line: Number(match[2]),
    ...(caret === undefined ? {} : { column: caret.indexOf("^") + 1 }),
  };
};

/** The innermost frame in the pipeline's own package, or at least not in one of ours or installed. */
const framePlace = (file: string, stack: string): Place | undefined => {
  const frames = framesOf(stack);
  const home = packageOf(file)?.folder;
  return (
    frames.find((frame) => frame.file === file) ??
    frames.find((frame) => {
      const owner = packageOf(frame.file);
      return owner !== undefined && owner.folder === home && !owner.installed;
    })
  );
};

const framesOf = (stack: string): ReadonlyArray<Place> =>
  [...stack.matchAll(/\(?(file:\/\/\/?[^\s()]+):(\d+):(\d+)\)?$/gm)].map(
    ([, url = "", line, column]) => ({
      file: fileURLToPath(url.replace(/\?.*$/, "")),
      line: Number(line),
      column: Number(column),
    }),
  );

const missingModule = (file: string, message: string): LoadError => {
  const match = /Cannot find (package|module) '(.+?)' imported from (.+)$/.exec(message);
  const [, kind, what = "", importer = file] = match ?? [];
  const from = importer.startsWith("file://") ? fileURLToPath(importer) : importer;
  const imported = kind === "package" ? what : path.relative(path.dirname(from), what);
  const needle = kind === "package" ? what : path.basename(what);
  const lines = readFileSync(from, "utf8").split("\n");
  const index = lines.findIndex((line) => line.includes(needle) && /["']/.test(line));
  return new PipelineImportMissing({
    file: from,
    ...(index < 0 ? {} : { line: index + 1 }),
    imported: kind === "package" || imported.startsWith(".") ? imported : `./${imported}`,
    kind: kind === "package" ? "package" : "module",
  });
};
