/** TypeScript's output, read and retold in terms of stages. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { shortTypes } from "./shortTypes.ts";
import { type Owner, type Owners, ownersOf } from "./stageAt.ts";
import type { TypeProblem } from "./TypecheckFailed.ts";

/** One diagnostic as TypeScript prints it. */
export interface Diagnostic {
  /** Absolute. Absent for an error about the configuration. */
  readonly file?: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
}

/** What `tsc --pretty false --listFiles` printed. File names are relative to `folder`. */
export const parseOutput = (
  output: string,
  folder: string,
): { readonly diagnostics: ReadonlyArray<Diagnostic>; readonly files: ReadonlyArray<string> } => {
  const diagnostics: Array<Diagnostic> = [];
  const files: Array<string> = [];
  let more: Array<string> | undefined;
  const close = (diagnostic: Omit<Diagnostic, "message">, lines: ReadonlyArray<string>) =>
    diagnostics.push({ ...diagnostic, message: lines.join("\n") });
  let open: Omit<Diagnostic, "message"> | undefined;
  const flush = () => {
    if (open !== undefined && more !== undefined) close(open, more);
    open = undefined;
    more = undefined;
  };
  for (const line of output.split(/\r?\n/)) {
    const located = /^(.+?)\((\d+),(\d+)\): error (TS\d+): (.*)$/.exec(line);
    const general = /^error (TS\d+): (.*)$/.exec(line);
    if (located !== null) {
      flush();
      const [, file = "", row, column, code = "", text = ""] = located;
      open = { file: path.resolve(folder, file), line: Number(row), column: Number(column), code };
      more = [text];
    } else if (general !== null) {
      flush();
      const [, code = "", text = ""] = general;
      open = { line: 1, column: 1, code };
      more = [text];
    } else if (/^\s/.test(line)) {
      more?.push(line.trimEnd());
    } else if (line !== "") {
      flush();
      if (path.isAbsolute(line)) files.push(line);
    }
  }
  flush();
  return { diagnostics, files };
};

/**
 * Diagnostics as problems of the pipeline: those of the generated entry become what they mean, all
 * others say which stage they are about.
 */
export const toProblems = (
  diagnostics: ReadonlyArray<Diagnostic>,
  about: { readonly pipeline: string; readonly entry: string; readonly config: string },
): ReadonlyArray<TypeProblem> => {
  const owners = new Map<string, Owners>();
  const ownerAt = (file: string): Owners => {
    const found = owners.get(file) ?? ownersOf(readFileSync(file, "utf8"));
    owners.set(file, found);
    return found;
  };
  const own = diagnostics.filter(({ file }) => file !== about.entry);
  const ofEntry = diagnostics.filter(({ file }) => file === about.entry);
  const owned = own.map(({ file, message, ...diagnostic }) => ({
    problem: { ...diagnostic, message: shortTypes(message), file: file ?? about.config },
    owner: file === undefined ? undefined : ownerAt(file)(diagnostic),
  }));
  const misdefined = new Set(
    owned.flatMap(({ owner }) => (owner?.kind === "stage" && !owner.called ? [owner.name] : [])),
  );
  const follows = (owner: Owner | undefined): boolean =>
    owner?.kind === "stage" && owner.called && misdefined.has(owner.name);
  const problems = owned
    // What is not defined rightly has not the type that its calls rely on.
    .filter(({ owner }) => !follows(owner))
    .map(({ problem, owner }): TypeProblem => ({
      ...problem,
      ...(owner === undefined ? {} : { [owner.kind]: owner.name }),
    }));
  // What else is wrong often makes the services unknown: then only the cause is worth reading. That
  // there is no default export, loading the file says better.
  return problems.length > 0 || ofEntry.some(({ code }) => code !== "TS2322")
    ? problems
    : ofEntry.flatMap((diagnostic) => missingServices(diagnostic, about.pipeline));
};

/** The entry assigns what is missing to `never`: `Type 'A | B' is not assignable to type 'never'`. */
const missingServices = (
  { message, code }: Diagnostic,
  pipeline: string,
): ReadonlyArray<TypeProblem> => {
  const at = { file: pipeline, ...exportPlace(pipeline) };
  const match = /^Type '(.+?)' is not assignable to type 'never'/s.exec(message);
  if (match === null) return [{ ...at, code, message }];
  const services = (match[1] ?? "").split(" | ").map((name) => name.replace(/^typeof /, ""));
  if (services.includes("unknown")) {
    return [
      {
        ...at,
        code: "NeedsUnknown",
        message:
          "the services that the pipeline needs are not known to the type checker: the run function of a stage has the type Effect<…, unknown>. Let its type be inferred, or annotate the services it needs",
      },
    ];
  }
  const [some, verb] = services.length === 1 ? ["the service", "is"] : ["the services", "are"];
  return [
    {
      ...at,
      code: "MissingService",
      message: `the pipeline needs ${some} ${services.map((name) => `"${name}"`).join(" and ")}, which ${verb} not provided by the local engine. Provide ${services.length === 1 ? "it" : "them"} where a stage uses ${services.length === 1 ? "it" : "them"}: Effect.provide(${services[0]}.layer)`,
    },
  ];
};

const exportPlace = (file: string): { readonly line: number; readonly column: number } => {
  const lines = readFileSync(file, "utf8").split("\n");
  const index = lines.findIndex((line) => /^\s*export\s+default\b/.test(line));
  return { line: Math.max(index, 0) + 1, column: 1 };
};
