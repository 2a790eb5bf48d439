/** What a declaration refers to: names of its module, other modules, and files beside it. */
import type { AnyNode, CallExpression, NewExpression } from "acorn";
import { declaredBy, hoistedIn, lexicalIn, Scope } from "./scope.ts";
import { childrenOf } from "./syntax.ts";

/** What a piece of a module uses of its surroundings. A path is a name and members: `table.rows`. */
export interface Usage {
  /** Paths that begin with a name that is not declared inside the piece. */
  readonly references: ReadonlyArray<string>;
  /** Paths that it changes, also inside its functions: `config.x = 3`, `list.push(1)`. */
  readonly writes: ReadonlyArray<string>;
  /** Paths whose methods it calls. */
  readonly calls: ReadonlyArray<string>;
  /** Whether one of its methods changes the object that it is a method of. */
  readonly changesItself: boolean;
  /** Modules that it loads while it runs. */
  readonly imports: ReadonlyArray<string>;
  /** Files that it names relative to its module. */
  readonly files: ReadonlyArray<string>;
  /** Where it does what cannot be followed. */
  readonly unfollowed?: { readonly what: string; readonly at: number };
}

/** Methods of built-in objects that change them. */
const mutators: ReadonlySet<string> = new Set(
  "push pop shift unshift splice sort reverse fill copyWithin set add delete clear append".split(
    " ",
  ),
);

/** Analyses one piece of a module. `requires` are names of functions that `createRequire` made. */
export const usageOf = (piece: AnyNode, requires: ReadonlySet<string>): Usage => {
  const references = new Set<string>();
  const writes = new Set<string>();
  const calls = new Set<string>();
  const imports = new Set<string>();
  const files = new Set<string>();
  let changesItself = false;
  let unfollowed: Usage["unfollowed"] | undefined;
  let inConstructor = false;

  const refuse = (what: string, { start: at }: AnyNode) => (unfollowed ??= { what, at });

  /** Notes a change of what an expression or a pattern stands for. */
  const noteWrite = (target: AnyNode, scope: Scope): void => {
    switch (target.type) {
      case "Identifier":
      case "MemberExpression": {
        const { root, names } = pathOf(target);
        if (root.type === "ThisExpression") changesItself ||= !inConstructor;
        else if (root.type === "Identifier" && !scope.has(root.name)) writes.add(names.join("."));
        return;
      }
      case "ChainExpression":
        return noteWrite(target.expression, scope);
      case "ObjectPattern":
        for (const one of target.properties) {
          noteWrite(one.type === "Property" ? one.value : one.argument, scope);
        }
        return;
      case "ArrayPattern":
        for (const one of target.elements) if (one !== null) noteWrite(one, scope);
        return;
      case "AssignmentPattern":
        return noteWrite(target.left, scope);
      case "RestElement":
        return noteWrite(target.argument, scope);
      default:
    }
  };

  const noteMethodCall = (callee: AnyNode, args: ReadonlyArray<AnyNode>, scope: Scope): void => {
    const [first] = args;
    if (callee.type !== "MemberExpression") return;
    const { names } = pathOf(callee);
    // Object.assign(target, …), Reflect.set(target, …)
    if (/^(Object|Reflect)\.(assign|define|set|delete)/.test(names.join("."))) {
      if (first !== undefined) noteWrite(first, scope);
      return;
    }
    const method = callee.property.type === "Identifier" ? callee.property.name : "";
    if (mutators.has(method)) return noteWrite(callee.object, scope);
    const object = pathOf(callee.object);
    if (object.root.type === "Identifier" && !scope.has(object.root.name)) {
      calls.add(object.names.join("."));
    }
  };

  const noteCall = (node: CallExpression, scope: Scope): void => {
    const { callee, arguments: args } = node;
    const [first] = args;
    if (callee.type === "Identifier") {
      const { name } = callee;
      if (name === "eval" && !scope.has(name)) refuse("runs text as code, with eval", node);
      if (requires.has(name) || (name === "require" && !scope.has(name))) load(first, node);
    }
    if (isCreateRequire(callee)) load(first, node);
    if (callee.type === "MemberExpression" && isNamed(callee.property, "resolve")) {
      const { object } = callee;
      const made = object.type === "Identifier" && requires.has(object.name);
      const text = textOf(first);
      if (made || isCreateRequire(object) || isImportMeta(object)) {
        if (text !== undefined) files.add(text);
      }
    }
    // path.join(import.meta.dirname, "worker.js")
    if (args.some(isModuleFolder)) {
      const texts = args.filter((arg) => !isModuleFolder(arg)).map(textOf);
      if (texts.every((text) => text !== undefined)) files.add(`./${texts.join("/")}`);
    }
    noteMethodCall(callee, args, scope);
  };

  const load = (source: AnyNode | undefined, at: AnyNode): void => {
    const text = textOf(source);
    if (text !== undefined) imports.add(text);
    // `new URL("./file", import.meta.url)` is noted where it is.
    else if (!isFileUrl(source)) refuse("loads a module by a computed name", at);
  };

  const noteNew = (node: NewExpression): void => {
    const { callee, arguments: args } = node;
    const [first] = args;
    if (isNamed(callee, "Worker") && first?.type === "NewExpression" && isModuleUrl(first)) {
      const [name] = first.arguments;
      if (name !== undefined && textsIn(name).length === 0) {
        refuse("starts a worker by a computed name", node);
      }
    }
    if (first !== undefined && isModuleUrl(node)) {
      for (const text of textsIn(first)) files.add(text);
    }
  };

  const visitAll = (nodes: ReadonlyArray<AnyNode | null | undefined>, scope: Scope): void => {
    for (const node of nodes) if (node !== null && node !== undefined) visit(node, scope);
  };

  const visit = (node: AnyNode, scope: Scope): void => {
    switch (node.type) {
      case "Identifier":
        if (!scope.has(node.name)) references.add(node.name);
        return;
      case "MemberExpression": {
        const { root, names, computed } = pathOf(node);
        visitAll(computed, scope);
        if (root.type !== "Identifier") return visit(root, scope);
        if (!scope.has(root.name)) references.add(names.join("."));
        return;
      }
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression": {
        const own = node.type === "FunctionExpression" ? declaredBy(node.id) : [];
        const outer = new Scope([...own, ...node.params.flatMap(declaredBy)], scope);
        visitAll(node.params, outer);
        if (node.body.type !== "BlockStatement") return visit(node.body, outer);
        const { body } = node.body;
        return visitAll(body, new Scope([...hoistedIn(body), ...lexicalIn(body)], outer));
      }
      case "ClassDeclaration":
      case "ClassExpression": {
        const inner = new Scope(declaredBy(node.id), scope);
        return visitAll([node.superClass, ...node.body.body], inner);
      }
      case "MethodDefinition": {
        if (node.computed) visit(node.key, scope);
        const outer = inConstructor;
        inConstructor = node.kind === "constructor";
        visit(node.value, scope);
        inConstructor = outer;
        return;
      }
      case "Property":
      case "PropertyDefinition":
        if (node.computed) visit(node.key, scope);
        return visitAll([node.value], scope);
      case "BlockStatement":
        return visitAll(node.body, new Scope(lexicalIn(node.body), scope));
      case "StaticBlock": {
        const names = [...hoistedIn(node.body), ...lexicalIn(node.body)];
        return visitAll(node.body, new Scope(names, scope));
      }
      case "ForStatement":
        return visitAll(childrenOf(node), new Scope(lexicalIn([node.init]), scope));
      case "ForInStatement":
      case "ForOfStatement": {
        if (node.left.type !== "VariableDeclaration") noteWrite(node.left, scope);
        return visitAll(childrenOf(node), new Scope(lexicalIn([node.left]), scope));
      }
      case "SwitchStatement": {
        visit(node.discriminant, scope);
        const statements = node.cases.flatMap(({ consequent }) => consequent);
        return visitAll(node.cases, new Scope(lexicalIn(statements), scope));
      }
      case "CatchClause":
        return visitAll([node.param, node.body], new Scope(declaredBy(node.param), scope));
      case "LabeledStatement":
        return visit(node.body, scope);
      case "BreakStatement":
      case "ContinueStatement":
      case "MetaProperty":
        return;
      case "AssignmentExpression":
        noteWrite(node.left, scope);
        break;
      case "UpdateExpression":
        noteWrite(node.argument, scope);
        break;
      case "UnaryExpression":
        if (node.operator === "delete") noteWrite(node.argument, scope);
        break;
      case "ImportExpression":
        load(node.source, node);
        break;
      case "TemplateLiteral": {
        // `${import.meta.dirname}/worker.js`
        const [first, ...others] = node.expressions;
        if (first !== undefined && others.length === 0 && isModuleFolder(first)) {
          files.add(`.${node.quasis[1]?.value.cooked ?? ""}`);
        }
        break;
      }
      case "CallExpression":
        noteCall(node, scope);
        break;
      case "NewExpression":
        noteNew(node);
        break;
      default:
    }
    visitAll(childrenOf(node), scope);
  };

  visit(piece, new Scope([]));
  return {
    references: [...references],
    writes: [...writes],
    calls: [...calls],
    changesItself,
    imports: [...imports],
    files: [...files],
    ...(unfollowed === undefined ? {} : { unfollowed }),
  };
};

interface Path {
  /** What the members are of. */
  readonly root: AnyNode;
  /** The root's name and its members, up to the first that is computed. */
  readonly names: ReadonlyArray<string>;
  readonly computed: ReadonlyArray<AnyNode>;
}

const pathOf = (node: AnyNode): Path => {
  let root = node;
  let names: Array<string> = [];
  const computed: Array<AnyNode> = [];
  for (;;) {
    if (root.type === "ChainExpression") {
      root = root.expression;
    } else if (root.type === "MemberExpression") {
      if (root.computed) {
        computed.push(root.property);
        names = [];
      } else if (root.property.type === "Identifier") {
        names.unshift(root.property.name);
      } else {
        names = [];
      }
      root = root.object;
    } else {
      return { root, names: root.type === "Identifier" ? [root.name, ...names] : names, computed };
    }
  }
};

/** The value of a text without computed parts. */
const textOf = (node: AnyNode | undefined): string | undefined => {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  const isPlain = node?.type === "TemplateLiteral" && node.expressions.length === 0;
  return isPlain ? (node.quasis[0]?.value.cooked ?? undefined) : undefined;
};

/** The texts that an expression may have as its value, or as part of it. */
const textsIn = (node: AnyNode): ReadonlyArray<string> => {
  const text = textOf(node);
  if (text !== undefined) return [text];
  if (node.type !== "ConditionalExpression" && node.type !== "LogicalExpression") return [];
  return childrenOf(node).flatMap(textsIn);
};

const isNamed = (node: AnyNode, name: string): boolean =>
  node.type === "Identifier" && node.name === name;

const isImportMeta = (node: AnyNode): boolean =>
  node.type === "MetaProperty" && node.meta.name === "import";

const isMetaMember = (node: AnyNode, name: string): boolean =>
  node.type === "MemberExpression" && isImportMeta(node.object) && isNamed(node.property, name);

const isModuleFolder = (node: AnyNode): boolean => isMetaMember(node, "dirname");

/** `new URL("./file", import.meta.url)` */
const isModuleUrl = ({ callee, arguments: [, base] }: NewExpression): boolean =>
  isNamed(callee, "URL") && base !== undefined && isMetaMember(base, "url");

/** `new URL("./file", import.meta.url)` or its `href`, and `import.meta.resolve("./file")`. */
const isFileUrl = (node: AnyNode | undefined): boolean => {
  if (node?.type === "MemberExpression") {
    return isNamed(node.property, "href") && isFileUrl(node.object);
  }
  if (node?.type === "CallExpression") {
    return isMetaMember(node.callee, "resolve") && textOf(node.arguments[0]) !== undefined;
  }
  const [name] = node?.type === "NewExpression" && isModuleUrl(node) ? node.arguments : [];
  return name !== undefined && textsIn(name).length > 0;
};

/** `createRequire(import.meta.url)`, as a function that is called at once. */
export const isCreateRequire = (node: AnyNode): boolean =>
  node.type === "CallExpression" &&
  (isNamed(node.callee, "createRequire") ||
    (node.callee.type === "MemberExpression" && isNamed(node.callee.property, "createRequire")));
