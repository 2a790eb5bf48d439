/** Which stage a place in a pipeline file belongs to: errors are told in terms of stages. */
import { stripTypeScriptTypes } from "node:module";
import { type AnyNode, type CallExpression, type Expression, parse, type Super } from "acorn";

/** A part of a pipeline file: a stage, where it is defined or called, or another constant. */
export type Owner =
  | { readonly kind: "stage"; readonly name: string; readonly called: boolean }
  | { readonly kind: "constant"; readonly name: string };

/** Answers, for 1-based places in one source text, what they belong to. */
export type Owners = (place: {
  readonly line: number;
  readonly column: number;
}) => Owner | undefined;

/**
 * Reads a source text once. Types are blanked out, so that positions stay; a text that is not valid
 * has no owners.
 */
export const ownersOf = (source: string): Owners => {
  const program = parsed(source);
  if (program === undefined) return () => undefined;
  const starts = lineStarts(source);
  const names = stageNames(program);
  return ({ line, column }) =>
    ownerOf(enclosing(program, (starts[line - 1] ?? 0) + column - 1), names);
};

const parsed = (source: string): AnyNode | undefined => {
  try {
    return parse(stripTypeScriptTypes(source), { ecmaVersion: "latest", sourceType: "module" });
  } catch {
    return undefined;
  }
};

const lineStarts = (source: string): ReadonlyArray<number> => {
  const starts = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) {
    starts.push(at + 1);
  }
  return starts;
};

const isNode = (value: unknown): value is AnyNode =>
  typeof value === "object" && value !== null && "type" in value && "start" in value;

const childrenOf = (node: AnyNode): ReadonlyArray<AnyNode> =>
  Object.values(node).flat().filter(isNode);

/** The nodes around an offset, the outermost first. */
const enclosing = (program: AnyNode, offset: number): ReadonlyArray<AnyNode> => {
  const path = [program];
  for (let node: AnyNode | undefined = program; node !== undefined;) {
    node = childrenOf(node).find(({ start, end }) => start <= offset && offset < end);
    if (node !== undefined) path.push(node);
  }
  return path;
};

/** The text of `a` and `a.b`. */
const nameOf = (callee: Expression | Super): string => {
  if (callee.type === "Identifier") return callee.name;
  return callee.type === "MemberExpression" && callee.property.type === "Identifier"
    ? `${nameOf(callee.object)}.${callee.property.name}`
    : "";
};

const firstText = ({ arguments: [first] }: CallExpression): string | undefined =>
  first?.type === "Literal" && typeof first.value === "string" ? first.value : undefined;

interface StageNames {
  /** The names given in `const x = Stage.make("name", …)`, by variable. */
  readonly declared: ReadonlyMap<string, string>;
  /** What is called inside `Pipeline.make`. */
  readonly called: ReadonlySet<string>;
}

const isStageMaker = (callee: string): boolean =>
  callee === "Stage.make" || callee === "Stage.named";

const stageNames = (program: AnyNode): StageNames => {
  const declared = new Map<string, string>();
  const called = new Set<string>();
  const visit = (node: AnyNode, inPipeline: boolean) => {
    if (node.type === "VariableDeclarator" && node.id.type === "Identifier") {
      const { init } = node;
      const name =
        init?.type === "CallExpression" && isStageMaker(nameOf(init.callee))
          ? firstText(init)
          : undefined;
      if (name !== undefined) declared.set(node.id.name, name);
    }
    const isCall = node.type === "CallExpression";
    const inside = inPipeline || (isCall && nameOf(node.callee) === "Pipeline.make");
    if (isCall && inPipeline) called.add(nameOf(node.callee));
    for (const child of childrenOf(node)) visit(child, inside);
  };
  visit(program, false);
  return { declared, called };
};

/** Namespaces whose calls inside `Pipeline.make` are not stages. */
const notStages = /^(Pipeline|Hook|Effect|Schema|Duration|Object|Array|Stage\.(make|named))\b/;

const ownerOf = (path: ReadonlyArray<AnyNode>, names: StageNames): Owner | undefined => {
  const stage = (name: string, called = false): Owner => ({ kind: "stage", name, called });
  const inPipeline = path.some(
    (node) => node.type === "CallExpression" && nameOf(node.callee) === "Pipeline.make",
  );
  for (const node of path.toReversed()) {
    if (node.type === "CallExpression") {
      const callee = nameOf(node.callee);
      const literal = isStageMaker(callee) ? firstText(node) : undefined;
      if (literal !== undefined) return stage(literal);
      if (inPipeline && callee !== "" && !notStages.test(callee)) {
        const name = names.declared.get(callee) ?? callee.slice(callee.lastIndexOf(".") + 1);
        return stage(name, true);
      }
    }
    if (!inPipeline && node.type === "VariableDeclarator" && node.id.type === "Identifier") {
      const { name } = node.id;
      if (names.called.has(name)) return stage(names.declared.get(name) ?? name);
      if (path.filter(({ type }) => type.includes("Function")).length === 0) {
        return { kind: "constant", name };
      }
    }
  }
  return undefined;
};
