/** Source texts as syntax trees, and trees as text that only a change of meaning changes. */
import { stripTypeScriptTypes } from "node:module";
import * as path from "node:path";
import { type AnyNode, parse, type Program } from "acorn";

/** Reads a script as Node does: types removed, positions kept. Throws for what is not valid. */
export const parseScript = (file: string, text: string): Program => {
  const code = /\.[cm]?ts$/.test(file) ? stripTypeScriptTypes(text) : text;
  try {
    return parse(code, { ecmaVersion: "latest", sourceType: "module" });
  } catch (cause) {
    if (path.extname(file) !== ".cjs" && path.extname(file) !== ".js") throw cause;
    return parse(code, {
      ecmaVersion: "latest",
      sourceType: "script",
      allowReturnOutsideFunction: true,
    });
  }
};

const isNode = (value: unknown): value is AnyNode =>
  typeof value === "object" && value !== null && "type" in value && "start" in value;

/** The nodes directly below a node. */
export const childrenOf = (node: AnyNode): ReadonlyArray<AnyNode> => {
  const found: Array<AnyNode> = [];
  for (const value of Object.values(node)) {
    if (isNode(value)) found.push(value);
    else if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) found.push(item);
    }
  }
  return found;
};

/**
 * The text of a tree without what has no meaning: white space, comments, brackets around
 * expressions, kinds of quotes, trailing commas, optional semicolons, quotes around keys.
 */
export const printed = (node: AnyNode): string => {
  const out: Array<string> = [];
  write(node, out);
  return out.join("");
};

const positions: ReadonlySet<string> = new Set(["type", "start", "end", "raw"]);

const write = (value: unknown, out: Array<string>): void => {
  if (Array.isArray(value)) {
    out.push("[");
    for (const item of value) {
      if (!(isNode(item) && item.type === "EmptyStatement")) write(item, out);
    }
    out.push("]");
  } else if (isNode(value)) {
    if (value.type === "Literal") {
      out.push(literal(value));
      return;
    }
    out.push("(", value.type);
    const key = plainKey(value);
    for (const [name, member] of Object.entries(value)) {
      if (positions.has(name)) continue;
      out.push(" ", name, ":");
      if (name === "key" && key !== undefined) out.push(JSON.stringify(key));
      else write(member, out);
    }
    out.push(")");
  } else if (typeof value === "object" && value !== null) {
    // The value of a piece of a template: what it is, and how it was escaped.
    for (const [name, member] of Object.entries(value)) out.push(name, "=", String(member), ";");
  } else {
    out.push(JSON.stringify(value) ?? "undefined");
  }
};

type Literal = Extract<AnyNode, { type: "Literal" }>;

const literal = ({ bigint, regex, value }: Literal): string => {
  if (typeof bigint === "string") return `${bigint}n`;
  if (regex !== undefined && regex !== null) return `/${regex.pattern}/${regex.flags}`;
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "undefined");
};

/** The key of `{ a: 1 }` and `{ "a": 1 }`. */
const plainKey = (node: AnyNode): string | undefined => {
  if (
    node.type !== "Property" &&
    node.type !== "MethodDefinition" &&
    node.type !== "PropertyDefinition"
  ) {
    return undefined;
  }
  const { computed, key } = node;
  if (computed) return undefined;
  if (key.type === "Identifier") return key.name;
  return key.type === "Literal" && typeof key.value === "string" ? key.value : undefined;
};
