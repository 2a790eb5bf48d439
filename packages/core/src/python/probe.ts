/** What an interpreter says of itself and of the packages that it has. */
import { execFile } from "node:child_process";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { childEnvironment } from "../internal/processEnvironment.ts";
import { PythonUnusable } from "./errors.ts";

/** See {@link probe}. */
export const Probed = Schema.Struct({
  /** Such as `3.11.7`. */
  version: Schema.String,
  /** Such as `CPython`. */
  implementation: Schema.String,
  /** Such as `linux-x86_64`. */
  platform: Schema.String,
  executable: Schema.String,
  packages: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      version: Schema.String,
      /** Digest of the list of its files with their digests; empty where the installer wrote none. */
      digest: Schema.String,
      /** Installed as a reference to a folder, whose content may change at any time. */
      editable: Schema.Boolean,
    }),
  ),
  /** Folders that packages are installed in. */
  folders: Schema.Array(Schema.String),
});
/** See {@link Probed}. */
export type Probed = typeof Probed.Type;

/** Runs on every Python 3.8, and fails on an older one. */
const program = `
import hashlib, json, os, platform, sys, sysconfig
from importlib import metadata
packages = {}
for one in metadata.distributions():
    name = one.metadata["Name"]
    if not name or name in packages:
        continue
    record = sorted(line for line in (one.read_text("RECORD") or "").splitlines() if "sha256=" in line)
    direct = json.loads(one.read_text("direct_url.json") or "{}")
    packages[name] = {
        "name": name,
        "version": one.version,
        "digest": hashlib.sha256("\\n".join(record).encode()).hexdigest()[:16] if record else "",
        "editable": bool(direct.get("dir_info", {}).get("editable", False)),
    }
print(json.dumps({
    "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "platform": sysconfig.get_platform(),
    "executable": sys.executable,
    "packages": sorted(packages.values(), key=lambda one: one["name"].lower()),
    "folders": [path for path in sys.path if path and os.path.isdir(path)],
}))
`;

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Probed));
const decodeFiles = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Array(Schema.String)));
const run = promisify(execFile);

/** An interpreter that takes longer than this to say what it is would take for ever. */
const timeoutMillis = 60_000;

/** Variables that make Python start the same way everywhere, for scripts and for this look at it. */
export const pythonVariables: { readonly [name: string]: string } = {
  PYTHONUNBUFFERED: "1",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONNOUSERSITE: "1",
  PYTHONUTF8: "1",
  PYTHONHASHSEED: "0",
  // Lines of a traceback that only underline others; few lines are kept.
  PYTHONNODEBUGRANGES: "1",
  // A crash of native code then says where it happened.
  PYTHONFAULTHANDLER: "1",
};

/** What was found, by what the interpreter and its folders looked like: packages rarely change. */
const known = new Map<string, { readonly look: string; readonly probed: Probed }>();

/** Asks an interpreter what it is and has. */
export const probe = Effect.fnUntraced(function* (
  executable: string,
): Effect.fn.Return<Probed, PythonUnusable> {
  const earlier = known.get(executable);
  if (earlier !== undefined && earlier.look === (yield* lookOf(executable, earlier.probed))) {
    return earlier.probed;
  }
  const probed = yield* ask(executable, ["-c", program], decode);
  known.set(executable, { look: yield* lookOf(executable, probed), probed });
  return probed;
});

/**
 * The files that a script imports, and those import in turn, that are neither installed nor part of Python:
 * read by this interpreter's own parser. Asked anew each time, because any of them may have changed.
 */
export const modulesOf = (
  executable: string,
  helperFolder: string,
  script: string,
): Effect.Effect<ReadonlyArray<string>, PythonUnusable> =>
  ask(executable, [path.join(helperFolder, "ml_pipe_modules.py"), script], decodeFiles);

/** What an interpreter answers to a program of ours. */
const ask = <A>(
  executable: string,
  args: ReadonlyArray<string>,
  decodeAnswer: (text: string) => Effect.Effect<A, Schema.SchemaError>,
): Effect.Effect<A, PythonUnusable> => {
  const unusable = (problem: string, next: string) =>
    new PythonUnusable({ interpreter: executable, problem, next });
  return Effect.tryPromise({
    try: (signal) =>
      run(executable, args, {
        signal,
        timeout: timeoutMillis,
        maxBuffer: 64 * 2 ** 20,
        env: { ...childEnvironment([]), ...pythonVariables },
      }),
    catch: (thrown) =>
      unusable(`does not say what it is (${lastLine(thrown)})`, "Use Python 3.8 or newer"),
  }).pipe(
    Effect.flatMap(({ stdout }) =>
      Effect.mapError(decodeAnswer(stdout), () =>
        unusable(
          "answers something else than Python would",
          "Name the interpreter of the environment",
        ),
      ),
    ),
  );
};

const lookOf = (executable: string, { folders }: Probed): Effect.Effect<string> =>
  Effect.promise(async () => {
    const looks = [executable, ...folders].map(async (file) => {
      const stat = await fs.stat(file, { bigint: true }).catch(() => undefined);
      return `${file} ${stat?.ino} ${stat?.mtimeNs}`;
    });
    return (await Promise.all(looks)).join("\n");
  });

const lastLine = (thrown: unknown): string => {
  const text = thrown instanceof Error && "stderr" in thrown ? String(thrown.stderr) : "";
  const words = text.trim() === "" && thrown instanceof Error ? thrown.message : text;
  return words.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
};
