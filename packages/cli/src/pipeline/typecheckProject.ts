/** The project that is generated to type-check one pipeline: an entry and a configuration. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";

/** Files to write, by absolute path, and where the main ones are. */
export interface TypecheckProject {
  readonly config: string;
  readonly entry: string;
  readonly files: { readonly [file: string]: string };
  /** The pipeline's own configuration and those it extends. */
  readonly configurations: ReadonlyArray<string>;
}

/** How a pipeline is checked where its own `tsconfig.json` says nothing else. */
const defaults = {
  target: "ES2024",
  lib: ["ES2024", "ESNext.Disposable", "ESNext.Iterator", "ESNext.Collection"],
  module: "NodeNext",
  moduleResolution: "NodeNext",
  moduleDetection: "force",
  strict: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  resolveJsonModule: true,
  skipLibCheck: true,
};

/** What a check must be, whatever the pipeline's `tsconfig.json` says. */
const overrides = {
  noEmit: true,
  composite: false,
  incremental: false,
  declaration: false,
  declarationMap: false,
  emitDeclarationOnly: false,
  allowImportingTsExtensions: true,
  // Node removes types and generates no code.
  erasableSyntaxOnly: true,
  noUnusedLocals: false,
  noUnusedParameters: false,
};

/** The project to check `pipeline` (absolute) with, generated into `folder`. */
export const typecheckProject = (pipeline: string, folder: string): TypecheckProject => {
  const config = path.join(folder, "tsconfig.json");
  const base = path.join(folder, "tsconfig.defaults.json");
  const entry = path.join(folder, "entry.ts");
  const own = nearest(path.dirname(pipeline), "tsconfig.json");
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  const typeRoots = typeRootsOf(path.dirname(pipeline));
  const hasNodeTypes = typeRoots.some((root) => existsSync(path.join(root, "node")));
  return {
    config,
    entry,
    configurations: own === undefined ? [] : extended(own),
    files: {
      [base]: json({
        compilerOptions: {
          ...defaults,
          ...(hasNodeTypes ? { types: ["node"] } : {}),
          ...(typeRoots.length > 0 ? { typeRoots } : {}),
        },
      }),
      [config]: json({
        extends: own === undefined ? [base] : [base, own],
        compilerOptions: { ...overrides, rootDir: path.parse(folder).root },
        files: [entry],
        include: [],
      }),
      [entry]: entryText(pipeline),
    },
  };
};

/** Asserts that the default export needs nothing but what the local engine provides. */
const entryText = (pipeline: string): string =>
  [
    `import pipeline from ${JSON.stringify(pipeline)};`,
    `import type { Local, Pipeline } from ${JSON.stringify(umbrellaOf(pipeline))};`,
    "type Needs<P> = P extends Pipeline.Pipeline<unknown, unknown, infer R> ? R : never;",
    "declare const missing: Exclude<Needs<typeof pipeline>, Local.Services>;",
    "export const nothing: never = missing;",
    "",
  ].join("\n");

/** The copy of our types that the pipeline file sees; ours if it has none. */
const umbrellaOf = (pipeline: string): string => {
  for (const from of [pipeline, import.meta.url]) {
    try {
      return createRequire(from).resolve("@ml-pipe/ml-pipe");
    } catch {
      continue;
    }
  }
  return "@ml-pipe/ml-pipe";
};

const nearest = (folder: string, name: string): string | undefined => {
  const candidate = path.join(folder, name);
  if (existsSync(candidate)) return candidate;
  const parent = path.dirname(folder);
  return parent === folder ? undefined : nearest(parent, name);
};

/** Every `node_modules/@types` that the pipeline file sees. */
const typeRootsOf = (folder: string): ReadonlyArray<string> => {
  const parent = path.dirname(folder);
  const here = path.join(folder, "node_modules", "@types");
  return [...(existsSync(here) ? [here] : []), ...(parent === folder ? [] : typeRootsOf(parent))];
};

/** A configuration and those that it extends. */
const extended = (config: string): ReadonlyArray<string> => {
  if (!existsSync(config)) return [config];
  const text = readFileSync(config, "utf8");
  const [, value = ""] = /"extends"\s*:\s*("[^"]*"|\[[^\]]*\])/.exec(text) ?? [];
  const names = [...value.matchAll(/"([^"]*)"/g)].map(([, name = ""]) => name);
  return [config, ...names.flatMap((name) => extended(resolveConfig(name, config)))];
};

const resolveConfig = (name: string, from: string): string => {
  if (name.startsWith(".") || path.isAbsolute(name)) {
    const file = path.resolve(path.dirname(from), name);
    return existsSync(file) || file.endsWith(".json") ? file : `${file}.json`;
  }
  try {
    return createRequire(from).resolve(name);
  } catch {
    return path.resolve(path.dirname(from), "node_modules", name);
  }
};
