/**
 * The type check of a pipeline. TypeScript runs as a process of its own; what it read is recorded, so
 * that the next check is skipped if nothing of it changed.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { createRequire } from "node:module";
import * as path from "node:path";
import { Artifact, Digest } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { parseOutput, toProblems } from "./diagnostics.ts";
import { packageOf } from "./packages.ts";
import { TypecheckFailed, TypecheckUnavailable } from "./TypecheckFailed.ts";
import { type TypecheckProject, typecheckProject } from "./typecheckProject.ts";

/** What a successful check came to: it was done, or nothing changed since the last one. */
export interface TypecheckResult {
  readonly skipped: boolean;
  /** Files of the pipeline itself and what it imports, without installed packages. */
  readonly files: number;
}

/** Of everything that TypeScript read: digests of files, versions of installed packages. */
const Seen = Schema.Struct({
  /** Changes when the meaning of this record does. */
  format: Schema.Literal(1),
  typescript: Schema.String,
  project: Schema.Record(Schema.String, Schema.String),
  files: Schema.Record(Schema.String, Schema.String),
  packages: Schema.Record(Schema.String, Schema.String),
});
type Seen = typeof Seen.Type;
const SeenText = Schema.fromJsonString(Seen);
const decodeSeen = Schema.decodeUnknownOption(SeenText);

/** Checks a pipeline file's types. `stateFolder` is where the generated project and the record go. */
export const typecheck = Effect.fnUntraced(function* (file: string, stateFolder: string) {
  const pipeline = path.resolve(file);
  const name = `${path.basename(pipeline)}-${Digest.ofBytes(pipeline).slice(-12)}`;
  const folder = path.resolve(stateFolder, "typecheck", name);
  const project = typecheckProject(pipeline, folder);
  const record = path.join(folder, "checked.json");
  const typescript = yield* findTypescript(pipeline);

  const last = Option.getOrUndefined(decodeSeen(textOf(record)));
  if (last !== undefined && isUnchanged(last, project, typescript.version)) {
    return { skipped: true, files: Object.keys(last.files).length } satisfies TypecheckResult;
  }
  yield* Artifact.attempt("write", folder, async () => {
    await fs.mkdir(folder, { recursive: true });
    await fs.rm(record, { force: true });
    for (const [target, text] of Object.entries(project.files)) await fs.writeFile(target, text);
  });
  const { output, status } = yield* runTsc(pipeline, typescript.tsc, project.config, folder);
  const { diagnostics, files } = parseOutput(output, folder);
  const [configuration = pipeline] = project.configurations;
  const problems = toProblems(diagnostics, {
    pipeline,
    entry: project.entry,
    config: configuration,
  });
  if (problems.length > 0) return yield* new TypecheckFailed({ file: pipeline, problems });
  if (status !== 0 && diagnostics.length === 0) {
    const problem = output.trim() || `tsc ended with ${status}`;
    return yield* new TypecheckUnavailable({ file: pipeline, problem });
  }
  const seen = see(files, project, typescript.version);
  if (diagnostics.length === 0) {
    yield* Artifact.attempt("write", record, () =>
      fs.writeFile(record, Schema.encodeSync(SeenText)(seen)),
    );
  }
  return { skipped: false, files: Object.keys(seen.files).length } satisfies TypecheckResult;
});

const findTypescript = (pipeline: string) =>
  Effect.try({
    try: () => {
      const manifest = createRequire(import.meta.url).resolve("typescript/package.json");
      const version = packageOf(manifest)?.version ?? "";
      return { version, tsc: path.join(path.dirname(manifest), "bin", "tsc") };
    },
    catch: () =>
      new TypecheckUnavailable({
        file: pipeline,
        problem: "the package typescript is not installed",
      }),
  });

const runTsc = (pipeline: string, tsc: string, config: string, folder: string) =>
  Effect.callback<
    { readonly output: string; readonly status: number | null },
    TypecheckUnavailable
  >((resume) => {
    const args = [tsc, "-p", config, "--pretty", "false", "--listFiles", "--noErrorTruncation"];
    const child = spawn(process.execPath, args, {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks: Array<Buffer> = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", ({ message }) =>
      resume(Effect.fail(new TypecheckUnavailable({ file: pipeline, problem: message }))),
    );
    child.on("close", (status) =>
      resume(Effect.succeed({ output: Buffer.concat(chunks).toString("utf8"), status })),
    );
    return Effect.sync(() => child.kill());
  });

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
};

const digestOf = (file: string): string => {
  const text = textOf(file);
  return text === undefined ? "absent" : Digest.ofBytes(text);
};

/** What a check that read `files` depends on. */
const see = (files: ReadonlyArray<string>, project: TypecheckProject, typescript: string): Seen => {
  const own: Record<string, string> = {};
  const packages: Record<string, string> = {};
  for (const file of [...files, ...project.configurations]) {
    const owner = packageOf(file);
    if (owner?.installed === true) packages[owner.folder] = `${owner.name}@${owner.version}`;
    else own[file] = digestOf(file);
  }
  return { format: 1, typescript, project: digests(project), files: own, packages };
};

const digests = ({ files }: TypecheckProject): { readonly [file: string]: string } =>
  Object.fromEntries(Object.entries(files).map(([file, text]) => [file, Digest.ofBytes(text)]));

const isUnchanged = (last: Seen, project: TypecheckProject, typescript: string): boolean =>
  last.typescript === typescript &&
  Digest.ofJson(last.project) === Digest.ofJson(digests(project)) &&
  Object.entries(last.files).every(([file, digest]) => digestOf(file) === digest) &&
  Object.entries(last.packages).every(([folder, version]) => {
    const now = packageOf(path.join(folder, "package.json"));
    return now !== undefined && `${now.name}@${now.version}` === version;
  });
