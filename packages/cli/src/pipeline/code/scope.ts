/** The names that a part of a program declares, and where they hold. */
import type { AnyNode } from "acorn";
import { childrenOf } from "./syntax.ts";

/** Names that hold in a part of a program, with those around it. */
export class Scope {
  readonly #names: ReadonlySet<string>;
  readonly #outer: Scope | undefined;
  constructor(names: ReadonlyArray<string>, outer?: Scope) {
    this.#names = new Set(names);
    this.#outer = outer;
  }
  has(name: string): boolean {
    return this.#names.has(name) || (this.#outer?.has(name) ?? false);
  }
}

/** The names that a pattern or an identifier declares. */
export const declaredBy = (pattern: AnyNode | null | undefined): ReadonlyArray<string> => {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((one) =>
        declaredBy(one.type === "Property" ? one.value : one.argument),
      );
    case "ArrayPattern":
      return pattern.elements.flatMap(declaredBy);
    case "AssignmentPattern":
      return declaredBy(pattern.left);
    case "RestElement":
      return declaredBy(pattern.argument);
    default:
      return [];
  }
};

type Nodes = ReadonlyArray<AnyNode | null | undefined>;

/** What `let`, `const`, `class` and `function` declare directly in a list of statements. */
export const lexicalIn = (statements: Nodes): ReadonlyArray<string> =>
  statements.flatMap((node) => {
    switch (node?.type) {
      case "VariableDeclaration":
        return node.kind === "var" ? [] : node.declarations.flatMap(({ id }) => declaredBy(id));
      case "FunctionDeclaration":
      case "ClassDeclaration":
        return declaredBy(node.id);
      default:
        return [];
    }
  });

/** What `var` declares anywhere in a list of statements, outside inner functions. */
export const hoistedIn = (statements: Nodes): ReadonlyArray<string> =>
  statements.flatMap((node) => {
    if (node === null || node === undefined) return [];
    if (node.type === "VariableDeclaration") {
      return node.kind === "var" ? node.declarations.flatMap(({ id }) => declaredBy(id)) : [];
    }
    return holdsStatements.test(node.type) ? hoistedIn(childrenOf(node)) : [];
  });

/** What statements can be in, other than functions, which have variables of their own. */
const holdsStatements = /^(\w+Statement|SwitchCase|CatchClause)$/;
