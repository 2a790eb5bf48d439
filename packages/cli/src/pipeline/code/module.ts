/** A module as its top-level declarations, statements, imports and exports. */
import { readFileSync } from "node:fs";
import type { AnyNode, Identifier, Literal, Program } from "acorn";
import { Digest } from "@ml-pipe/ml-pipe";
import { declaredBy, hoistedIn } from "./scope.ts";
import { childrenOf, parseScript, printed } from "./syntax.ts";
import { isCreateRequire, type Usage, usageOf } from "./usage.ts";

/** Something of another module. `name` is `*` for all of it. */
export interface Imported {
  readonly from: string;
  readonly name: string;
}

/** A top-level declaration or statement of a module, or one of its re-exports. */
export interface Unit {
  readonly module: Module;
  readonly names: ReadonlyArray<string>;
  /** Where it is in the text. */
  readonly start: number;
  readonly end: number;
  /** Whether it does something when the module is loaded, beside making what it declares. */
  readonly acts: boolean;
  /** Whether anything but a function is made when the module is loaded. */
  readonly evaluated: boolean;
  readonly usage: () => Usage;
  /** Changes when its meaning does, or what the imported names in it stand for. */
  readonly digest: () => Digest.Digest;
}

/** One file of a program. */
export interface Module {
  readonly file: string;
  readonly text: string;
  /** Why it could not be read. */
  readonly problem: string | undefined;
  readonly units: ReadonlyArray<Unit>;
  readonly byName: ReadonlyMap<string, ReadonlyArray<Unit>>;
  readonly imports: ReadonlyMap<string, Imported>;
  /** What it exports: a local name, or something of another module. */
  readonly exports: ReadonlyMap<string, string | Imported>;
  /** Modules that it re-exports all names of. */
  readonly stars: ReadonlyArray<string>;
  /** Every module that is loaded with it, and whether only for what that does. */
  readonly loads: ReadonlyMap<string, { readonly bare: boolean }>;
  /** The unit that stands for a re-export. */
  readonly link: (text: string) => Unit;
}

/** Reads and parses a file. A file that cannot be read or parsed is a module with a problem. */
export const readModule = (file: string): Module => {
  try {
    const text = readFileSync(file, "utf8");
    return moduleOf(file, text, parseScript(file, text));
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    return moduleOf(file, "", undefined, problem.split("\n")[0]);
  }
};

const defaultName = "*default*";

const moduleOf = (
  file: string,
  text: string,
  program: Program | undefined,
  problem?: string,
): Module => {
  const units: Array<Unit> = [];
  const imports = new Map<string, Imported>();
  const exports = new Map<string, string | Imported>();
  const stars: Array<string> = [];
  const loads = new Map<string, { readonly bare: boolean }>();
  const links = new Map<string, Unit>();
  const body = program?.body ?? [];
  const requires = new Set(text.includes("createRequire") ? body.flatMap(requiresIn) : []);
  // Without imports and exports it is CommonJS, or there for what it does: everything counts.
  const isPlainScript = !body.some(({ type }) => /^(Import|Export)\w+Declaration$/.test(type));

  const load = (from: string, bare: boolean) =>
    loads.set(from, { bare: bare || (loads.get(from)?.bare ?? false) });

  const add = (
    node: AnyNode,
    names: ReadonlyArray<string>,
    { acts = false, evaluated = true }: { acts?: boolean; evaluated?: boolean } = {},
    kind = "",
  ) => {
    let usage: Usage | undefined;
    const unit: Unit = {
      module,
      names,
      start: node.start,
      end: node.end,
      acts: acts || isPlainScript,
      evaluated,
      usage: () => (usage ??= usageOf(node, requires)),
      digest: once(() => {
        const roots = [...unit.usage().references].map((path) => path.split(".")[0] ?? "");
        const bound = [...new Set(roots)].toSorted().flatMap((name) => {
          const one = imports.get(name);
          return one === undefined ? [] : [[name, one.from, one.name]];
        });
        return Digest.ofBytes(JSON.stringify([kind, printed(node), bound]));
      }),
    };
    units.push(unit);
  };

  const declare = (node: AnyNode): ReadonlyArray<string> => {
    switch (node.type) {
      case "VariableDeclaration":
        return node.declarations.flatMap((one) => {
          const names = declaredBy(one.id);
          const type = one.init?.type;
          const isFunction =
            type === "ArrowFunctionExpression" ||
            type === "FunctionExpression" ||
            type === undefined;
          // `using` disposes of it in the end.
          const acts = node.kind.endsWith("using") || names.length === 0;
          add(one, names, { acts, evaluated: !isFunction }, node.kind);
          return names;
        });
      case "FunctionDeclaration":
        add(node, declaredBy(node.id), { evaluated: false });
        return declaredBy(node.id);
      case "ClassDeclaration": {
        const acts = node.body.body.some(({ type }) => type === "StaticBlock");
        add(node, declaredBy(node.id), { acts });
        return declaredBy(node.id);
      }
      default:
        add(node, hoistedIn([node]), { acts: true });
        return [];
    }
  };

  const statement = (node: Program["body"][number]): void => {
    switch (node.type) {
      case "EmptyStatement":
        return;
      case "ImportDeclaration": {
        const from = sourceOf(node.source);
        // `import { type A } from` loads the module for the sake of a type.
        const hasBraces = text.slice(node.start, node.source.start).includes("{");
        load(from, node.specifiers.length === 0 && !hasBraces);
        for (const one of node.specifiers) {
          const name =
            one.type === "ImportSpecifier"
              ? exportName(one.imported)
              : one.type === "ImportDefaultSpecifier"
                ? "default"
                : "*";
          imports.set(one.local.name, { from, name });
        }
        return;
      }
      case "ExportAllDeclaration": {
        const from = sourceOf(node.source);
        load(from, false);
        if (node.exported === null || node.exported === undefined) stars.push(from);
        else exports.set(exportName(node.exported), { from, name: "*" });
        return;
      }
      case "ExportNamedDeclaration": {
        const { source, declaration, specifiers } = node;
        if (declaration !== null && declaration !== undefined) {
          for (const name of declare(declaration)) exports.set(name, name);
        }
        if (source === null || source === undefined) {
          for (const { exported, local } of specifiers) {
            exports.set(exportName(exported), exportName(local));
          }
          return;
        }
        const from = sourceOf(source);
        load(from, false);
        for (const { exported, local } of specifiers) {
          exports.set(exportName(exported), { from, name: exportName(local) });
        }
        return;
      }
      case "ExportDefaultDeclaration": {
        const { declaration } = node;
        const own =
          declaration.type === "FunctionDeclaration" || declaration.type === "ClassDeclaration"
            ? declaredBy(declaration.id)
            : [];
        add(declaration, [...own, defaultName], {
          acts:
            declaration.type === "ClassDeclaration" &&
            declaration.body.body.some(({ type }) => type === "StaticBlock"),
          evaluated: declaration.type !== "FunctionDeclaration",
        });
        exports.set("default", defaultName);
        return;
      }
      default:
        declare(node);
    }
  };

  const byName = once(() => {
    const found = new Map<string, Array<Unit>>();
    for (const unit of units) {
      for (const name of unit.names) found.set(name, [...(found.get(name) ?? []), unit]);
    }
    return found;
  });

  const module: Module = {
    file,
    text,
    problem,
    units,
    get byName() {
      return byName();
    },
    imports,
    exports,
    stars,
    loads,
    link: (link) => {
      const known = links.get(link);
      if (known !== undefined) return known;
      const unit: Unit = {
        module,
        names: [],
        start: Number.POSITIVE_INFINITY,
        end: Number.POSITIVE_INFINITY,
        acts: false,
        evaluated: false,
        usage: () => nothing,
        digest: once(() => Digest.ofBytes(link)),
      };
      links.set(link, unit);
      return unit;
    },
  };
  for (const node of body) statement(node);
  return module;
};

const nothing: Usage = {
  references: new Set(),
  writes: new Set(),
  calls: new Set(),
  changesItself: false,
  imports: new Set(),
  files: new Set(),
  unfollowed: undefined,
};

const once = <A>(compute: () => A): (() => A) => {
  let known: { readonly value: A } | undefined;
  return () => (known ??= { value: compute() }).value;
};

const exportName = (node: Identifier | Literal): string =>
  node.type === "Identifier" ? node.name : String(node.value);

const sourceOf = ({ value }: Literal): string => String(value);

/** The names that `createRequire(…)` is given anywhere in a statement. */
const requiresIn = (node: AnyNode): ReadonlyArray<string> => {
  if (node.type === "ImportDeclaration") return [];
  const own =
    node.type === "VariableDeclarator" && node.init && isCreateRequire(node.init)
      ? declaredBy(node.id)
      : [];
  return [...own, ...childrenOf(node).flatMap(requiresIn)];
};
