/** A module as its top-level declarations, statements, imports and exports: plain data. */
import type { AnyNode, Identifier, Literal, Program } from "acorn";
import { declaredBy, hoistedIn } from "./scope.ts";
import { childrenOf, parseScript, printed } from "./syntax.ts";
import { isCreateRequire, type Usage, usageOf } from "./usage.ts";

/** Something of another module. `name` is `*` for all of it. */
export interface Imported {
  readonly from: string;
  readonly name: string;
}

/** A top-level declaration or statement. */
export interface Piece {
  readonly names: ReadonlyArray<string>;
  /** Where it is in the text. */
  readonly start: number;
  readonly end: number;
  /** Whether it does something when the module is loaded, beside making what it declares. */
  readonly acts: boolean;
  /** Whether anything but a function is made when the module is loaded. */
  readonly evaluated: boolean;
}

/** What a module consists of. Names and what they stand for are pairs, so that this is JSON. */
export interface Outline {
  readonly pieces: ReadonlyArray<Piece>;
  readonly imports: ReadonlyArray<readonly [local: string, imported: Imported]>;
  /** What it exports: a local name, or something of another module. */
  readonly exports: ReadonlyArray<readonly [name: string, target: string | Imported]>;
  /** Modules that it re-exports all names of. */
  readonly stars: ReadonlyArray<string>;
  /** Every module that is loaded with it, and whether only for what that does. */
  readonly loads: ReadonlyArray<readonly [from: string, bare: boolean]>;
}

/** A module that was read, with what can be asked about each of its pieces. */
export interface Parsed {
  readonly outline: Outline;
  readonly usageOf: (piece: number) => Usage;
  /** The text of a piece: changes with its meaning. */
  readonly textOf: (piece: number) => string;
}

const defaultName = "*default*";

/** Parses a module. Throws for what is not valid. */
export const parseModule = (file: string, text: string): Parsed => {
  const { body } = parseScript(file, text);
  const nodes: Array<{ readonly node: AnyNode; readonly kind: string }> = [];
  const pieces: Array<Piece> = [];
  const imports = new Map<string, Imported>();
  const exports = new Map<string, string | Imported>();
  const stars: Array<string> = [];
  const loads = new Map<string, boolean>();
  // Without imports and exports it is CommonJS, or there for what it does: everything counts.
  const isPlainScript = !body.some(({ type }) => /^(Import|Export)\w+Declaration$/.test(type));

  const load = (from: string, bare: boolean) => loads.set(from, bare || (loads.get(from) ?? false));

  const add = (
    node: AnyNode,
    names: ReadonlyArray<string>,
    { acts = false, evaluated = true, kind = "" } = {},
  ) => {
    const { start, end } = node;
    nodes.push({ node, kind });
    pieces.push({ names, start, end, acts: acts || isPlainScript, evaluated });
  };

  const declare = (node: AnyNode): ReadonlyArray<string> => {
    switch (node.type) {
      case "VariableDeclaration":
        return node.declarations.flatMap((one) => {
          const names = declaredBy(one.id);
          const { kind } = node;
          // `using` disposes of it in the end.
          const acts = kind.endsWith("using") || names.length === 0;
          add(one, names, { acts, evaluated: !isFunction(one.init), kind });
          return names;
        });
      case "FunctionDeclaration":
        add(node, declaredBy(node.id), { evaluated: false });
        return declaredBy(node.id);
      case "ClassDeclaration":
        add(node, declaredBy(node.id), { acts: hasStaticBlock(node) });
        return declaredBy(node.id);
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
        const from = String(node.source.value);
        // `import { type A } from` loads the module for the sake of a type.
        const hasBraces = text.slice(node.start, node.source.start).includes("{");
        load(from, node.specifiers.length === 0 && !hasBraces);
        for (const one of node.specifiers) {
          const special = one.type === "ImportDefaultSpecifier" ? "default" : "*";
          const name = one.type === "ImportSpecifier" ? exportName(one.imported) : special;
          imports.set(one.local.name, { from, name });
        }
        return;
      }
      case "ExportAllDeclaration": {
        const from = String(node.source.value);
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
        const from = source === null || source === undefined ? undefined : String(source.value);
        if (from !== undefined) load(from, false);
        for (const { exported, local } of specifiers) {
          const name = exportName(local);
          exports.set(exportName(exported), from === undefined ? name : { from, name });
        }
        return;
      }
      case "ExportDefaultDeclaration": {
        const { declaration: value } = node;
        const isDeclaration = value.type.endsWith("Declaration");
        const own = isDeclaration && "id" in value ? declaredBy(value.id) : [];
        const acts = value.type === "ClassDeclaration" && hasStaticBlock(value);
        add(value, [...own, defaultName], { acts, evaluated: !isFunction(value) });
        exports.set("default", defaultName);
        return;
      }
      default:
        declare(node);
    }
  };

  for (const node of body) statement(node);
  const requires = new Set(text.includes("createRequire") ? body.flatMap(requiresIn) : []);
  const at = (piece: number) => {
    const found = nodes[piece];
    if (found === undefined) throw new RangeError(`${file} has no declaration ${piece}`);
    return found;
  };
  return {
    outline: {
      pieces,
      imports: [...imports],
      exports: [...exports],
      stars,
      loads: [...loads],
    },
    usageOf: (piece) => usageOf(at(piece).node, requires),
    textOf: (piece) => `${at(piece).kind} ${printed(at(piece).node)}`,
  };
};

const isFunction = (node: AnyNode | null | undefined): boolean =>
  node === null || node === undefined || node.type.includes("Function");

const hasStaticBlock = ({ body }: Extract<AnyNode, { type: "ClassDeclaration" }>): boolean =>
  body.body.some(({ type }) => type === "StaticBlock");

const exportName = (node: Identifier | Literal): string =>
  node.type === "Identifier" ? node.name : String(node.value);

/** The names that `createRequire(…)` is given anywhere in a statement. */
const requiresIn = (node: AnyNode): ReadonlyArray<string> => {
  if (node.type === "ImportDeclaration") return [];
  const own =
    node.type === "VariableDeclarator" && node.init && isCreateRequire(node.init)
      ? declaredBy(node.id)
      : [];
  return [...own, ...childrenOf(node).flatMap(requiresIn)];
};
