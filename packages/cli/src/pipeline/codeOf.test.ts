import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import { afterEach, assert, beforeEach, describe, it } from "vitest";
import * as CodeOf from "./codeOf.ts";

let folder = "";
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-code-")));
  write({ "package.json": '{ "name": "project", "version": "1.0.0" }' });
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

/** Writes files below the project's folder. */
const write = (files: { readonly [name: string]: string }) => {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
};

/** Replaces a passage of a file; it must be there. */
const edit = (name: string, from: string, to: string) => {
  const file = path.join(folder, name);
  const text = fs.readFileSync(file, "utf8");
  assert.include(text, from);
  fs.writeFileSync(
    file,
    text.replace(from, () => to),
  );
};

/** `file` or `file#text`: the call at the first occurrence of the text. */
type Place = string;

const frameAt = (place: Place) => {
  const [name = "", text = "make("] = place.split("#");
  const file = path.join(folder, name);
  const source = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  const before = source.slice(0, Math.max(0, source.indexOf(text))).split("\n");
  return { file, line: before.length, column: (before.at(-1) ?? "").length + 1 };
};

const identify = (...places: ReadonlyArray<Place>) =>
  Effect.runPromise(CodeOf.make()({ info: { frames: places.map(frameAt) } }));

const partsOf = async (...places: ReadonlyArray<Place>) => {
  const identity = await identify(...places);
  return identity._tag === "Known" ? identity.parts : assert.fail(identity.reason);
};

const reason = async (...places: ReadonlyArray<Place>) => {
  const identity = await identify(...places);
  return identity._tag === "Unknown" ? identity.reason : "known";
};

/** The names of the parts that a change changes, of a stage at a place. */
const changed = async (place: Place | ReadonlyArray<Place>, change: () => void) => {
  const places = typeof place === "string" ? [place] : place;
  const before = await partsOf(...places);
  change();
  const after = await partsOf(...places);
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).toSorted();
};

/** Two stages in one file, with helpers there and elsewhere. */
const twoStages = () =>
  write({
    "stages.ts": [
      'import { make } from "some-library";',
      'import { double, half } from "./numbers.ts";',
      "const one = 1;",
      "const two = 2;",
      "export const first = make(() => half(one));",
      "export const second = make (() => double(two));",
    ].join("\n"),
    "numbers.ts": [
      'import { times } from "./deep/times.ts";',
      "export const half = (x: number) => times(x, 0.5);",
      "export function double(x: number) { return x + x; }",
      "",
    ].join("\n"),
    "deep/times.ts": "export const times = (x: number, y: number) => x * y;\n",
  });
const first = "stages.ts#make(";
const second = "stages.ts#make (";

describe("the identity of a stage's code", () => {
  it("has a part for each file and package that the stage uses", async () => {
    twoStages();
    assert.deepStrictEqual(Object.keys(await partsOf(first)), [
      "deep/times.ts",
      "numbers.ts",
      "some-library",
      "stages.ts",
    ]);
    assert.deepStrictEqual(Object.keys(await partsOf(second)), [
      "numbers.ts",
      "some-library",
      "stages.ts",
    ]);
  });

  it("changes with a helper two imports away, for the stage that uses it alone", async () => {
    twoStages();
    const helper = () => edit("deep/times.ts", "x * y", "y * x");
    assert.deepStrictEqual(await changed(first, helper), ["deep/times.ts"]);
    edit("deep/times.ts", "y * x", "x * y");
    assert.deepStrictEqual(await changed(second, helper), []);
  });

  it("changes with a helper in the same file, for the stage that uses it alone", async () => {
    twoStages();
    assert.deepStrictEqual(await changed(first, () => edit("stages.ts", "two = 2", "two = 3")), []);
    assert.deepStrictEqual(await changed(second, () => edit("stages.ts", "two = 3", "two = 4")), [
      "stages.ts",
    ]);
  });

  it("changes with the stage itself, not with the one beside it", async () => {
    twoStages();
    const change = () => edit("stages.ts", "half(one)", "half(one + 1)");
    assert.deepStrictEqual(await changed(second, change), []);
    edit("stages.ts", "half(one + 1)", "half(one)");
    assert.deepStrictEqual(await changed(first, change), ["stages.ts"]);
  });

  it("is the same after a change of comments, types and formatting", async () => {
    twoStages();
    const change = () =>
      write({
        "stages.ts": [
          '/** Stages. */ import { double, half } from "./numbers.ts"; // sorted',
          "import type { Readable } from 'node:stream';",
          "import {",
          "  make,",
          "} from 'some-library';",
          "const one: /* the first */ number = 1",
          "const two: number = 2",
          "export const first = (make(",
          "  () => { return half(one) },",
          "));",
          "export const second = make (() => double((two)))",
          "export type Stream = Readable;",
        ].join("\n"),
        "deep/times.ts": "export const times = (x: number, y: number): number => (x * y);",
      });
    edit("stages.ts", "make(() => half(one))", "make(() => { return half(one); })");
    assert.deepStrictEqual(await changed(first, change), []);
    twoStages();
    assert.deepStrictEqual(await changed(second, change), []);
  });

  it("changes where white space has a meaning", async () => {
    write({ "a.ts": "const f = () => { return 1 };\nexport const a = make(() => f());\n" });
    assert.deepStrictEqual(await changed("a.ts", () => edit("a.ts", "return 1", "return\n1")), [
      "a.ts",
    ]);
    write({ "a.ts": "export const a = make(() => `a b`);\n" });
    assert.deepStrictEqual(await changed("a.ts", () => edit("a.ts", "a b", "a  b")), ["a.ts"]);
  });

  it("is the same whatever is added elsewhere, under the same names too", async () => {
    twoStages();
    const change = () => {
      edit("numbers.ts", "export const half", "const one = 7;\nexport const other = one;\n$&");
      edit("numbers.ts", "$&", "export const half");
      edit("stages.ts", "const two", "const times = 5;\nexport const x = times;\nconst two");
    };
    assert.deepStrictEqual(await changed(first, change), []);
  });

  it("is the same wherever the project lies", async () => {
    twoStages();
    const before = await partsOf(first);
    const moved = `${folder}-moved`;
    fs.renameSync(folder, moved);
    folder = moved;
    assert.deepStrictEqual(await partsOf(first), before);
  });

  it("is the same for a stage that was found twice", async () => {
    twoStages();
    const codeOf = CodeOf.make();
    const find = () => Effect.runPromise(codeOf({ info: { frames: [frameAt(first)] } }));
    assert.strictEqual(await find(), await find());
  });
});

describe("where a stage was written", () => {
  const factory = () =>
    write({
      "lib.ts": "const twice = 2;\nexport const stageOf = (f: () => void) => make (f, twice);\n",
      "pipeline.ts": [
        'import { stageOf } from "./lib.ts";',
        "const body = () => 1;",
        "const other = () => 2;",
        "const a = stageOf(body);",
        "const b = stageOf (other);",
        "export default Pipeline.make('p', () => ({ a: a(), b: b() }));",
      ].join("\n"),
    });
  const frames = ["lib.ts#make (f", "pipeline.ts#stageOf(body"];

  it("counts a function that is passed to a factory, and the factory", async () => {
    factory();
    const body = () => edit("pipeline.ts", "() => 1", "() => 3");
    assert.deepStrictEqual(await changed(frames, body), ["pipeline.ts"]);
    const inner = () => edit("lib.ts", "twice = 2", "twice = 3");
    assert.deepStrictEqual(await changed(frames, inner), ["lib.ts"]);
    const other = () => edit("pipeline.ts", "() => 2", "() => 4");
    assert.deepStrictEqual(await changed(frames, other), []);
  });

  it("does not count the pipeline around it, unless it was made in there", async () => {
    factory();
    const change = () => edit("pipeline.ts", "b: b()", "c: b()");
    assert.deepStrictEqual(await changed(frames, change), []);
    factory();
    assert.deepStrictEqual(await changed([...frames, "pipeline.ts#Pipeline.make"], change), [
      "pipeline.ts",
    ]);
  });

  it("does not count loaders and test runners", async () => {
    factory();
    write({
      "node_modules/runner/package.json": '{ "name": "runner", "version": "1.0.0" }',
      "node_modules/runner/index.js": "run(test);",
    });
    const parts = await partsOf(...frames, "node_modules/runner/index.js#run");
    assert.deepStrictEqual(parts, await partsOf(...frames));
  });

  it("is unknown if nothing tells", async () => {
    assert.strictEqual(await reason(), "it is not known where the stage is defined");
    assert.include(await reason("nope.ts"), "nope.ts is not there");
  });
});

describe("what a stage uses of packages", () => {
  const install = (version: string, main = "export default 1", more = "{}") =>
    write({
      "node_modules/dep/package.json": `{ "name": "dep", "version": "${version}", "main": "index.js", "dependencies": ${more} }`,
      "node_modules/dep/index.js": main,
    });
  const user = () =>
    write({
      "stage.ts":
        'import dep from "dep";\nconst other = 1;\nexport const a = make(() => dep);\nexport const b = make (() => other);\n',
    });

  it("counts the version of an installed package, not its files, where it is used", async () => {
    user();
    install("1.0.0");
    const upgrade = () => install("1.0.1");
    assert.strictEqual((await partsOf("stage.ts"))["dep"], "1.0.0");
    assert.deepStrictEqual(await changed("stage.ts", () => install("1.0.0", "throw 1")), []);
    assert.deepStrictEqual(await changed("stage.ts#make (", upgrade), []);
    install("1.0.0");
    assert.deepStrictEqual(await changed("stage.ts", upgrade), ["dep"]);
  });

  it("counts the versions of what the package depends on", async () => {
    user();
    install("1.0.0", "", '{ "deeper": "^1.0.0" }');
    const deeper = (version: string) =>
      write({
        "node_modules/deeper/package.json": `{ "name": "deeper", "version": "${version}" }`,
      });
    deeper("1.0.0");
    assert.deepStrictEqual(await changed("stage.ts", () => deeper("1.0.1")), ["dep"]);
  });

  it("notices a package that is not there yet", async () => {
    user();
    assert.deepStrictEqual(await changed("stage.ts", () => install("1.0.0")), ["dep"]);
  });

  it("follows a linked package by its files", async () => {
    write({
      "../linked/package.json": "",
      "linked/package.json":
        '{ "name": "linked", "exports": { ".": { "types": "./no.d.ts", "default": "./main.js" }, "./sub/*": "./lib/*.js" } }',
      "linked/main.js": "export const used = 1;\nexport const unused = 2;\n",
      "linked/lib/far.js": "export const far = 1;\n",
      "stage.ts":
        'import { used } from "linked";\nimport { far } from "linked/sub/far";\nexport const a = make(() => used + far);\n',
    });
    fs.mkdirSync(path.join(folder, "node_modules"));
    fs.symlinkSync("../linked", path.join(folder, "node_modules/linked"));
    assert.deepStrictEqual(
      await changed("stage.ts", () => edit("linked/main.js", "used = 1", "used = 3")),
      ["linked/main.js"],
    );
    assert.deepStrictEqual(
      await changed("stage.ts", () => edit("linked/main.js", "unused = 2", "unused = 3")),
      [],
    );
    assert.deepStrictEqual(
      await changed("stage.ts", () => edit("linked/lib/far.js", "far = 1", "far = 2")),
      ["linked/lib/far.js"],
    );
  });

  it("counts our own packages by what is used of them, one part each", async () => {
    const library = (body: string, other = "1") =>
      write({
        "node_modules/@ml-pipe/train/package.json":
          '{ "name": "@ml-pipe/train", "version": "1.0.0", "exports": { ".": "./dist/index.js" } }',
        "node_modules/@ml-pipe/train/dist/index.js":
          'export * as Train from "./Train.js";\nexport * as Other from "./Other.js";\n',
        "node_modules/@ml-pipe/train/dist/Train.js": `import { fit } from "./fit.js";\nexport const trees = (f) => make (f, fit);\nexport const lines = (f) => ${other};\n`,
        "node_modules/@ml-pipe/train/dist/fit.js": `export const fit = () => ${body};\n`,
        "node_modules/@ml-pipe/train/dist/Other.js": `export const other = ${other};\n`,
      });
    library("1");
    write({
      "stage.ts":
        'import { Train } from "@ml-pipe/train";\nconst f = () => 1;\nexport const a = Train.trees(f);\n',
    });
    const frames = ["node_modules/@ml-pipe/train/dist/Train.js#make (", "stage.ts#Train.trees"];
    assert.deepStrictEqual(Object.keys(await partsOf(...frames)), ["@ml-pipe/train", "stage.ts"]);
    assert.deepStrictEqual(await changed(frames, () => library("2")), ["@ml-pipe/train"]);
    assert.deepStrictEqual(await changed(frames, () => library("2", "3")), []);
    assert.deepStrictEqual(await changed(frames, () => edit("stage.ts", "() => 1", "() => 2")), [
      "stage.ts",
    ]);
  });
});

describe("every way to depend on code", () => {
  /** A stage that uses `value` of `./other.ts`, and what that must notice or not. */
  const uses = (text: string, other: string) =>
    write({
      "stage.ts": `${text}\nexport const it = make(() => value);\n`,
      "other.ts": other,
      "far.ts": "export const value = 1;\nexport const unused = 1;\nexport default 5;\n",
    });
  const far = () => edit("far.ts", "value = 1", "value = 2");
  const unused = () => edit("far.ts", "unused = 1", "unused = 2");
  const noticesOnlyFar = async () => {
    assert.deepStrictEqual(await changed("stage.ts", unused), []);
    assert.deepStrictEqual(await changed("stage.ts", far), ["far.ts"]);
  };

  it("re-exports by name, renamed, of everything, as a namespace", async () => {
    for (const other of [
      'export { value } from "./far.ts";',
      'import { value } from "./far.ts";\nexport { value };',
      'export * from "./far.ts";',
      'export * from "./stage.ts";\nexport * from "./far.ts";',
    ]) {
      uses('import { value } from "./other.ts";', other);
      await noticesOnlyFar();
    }
    uses(
      'import { renamed as value } from "./other.ts";',
      'export { value as renamed } from "./far.ts";',
    );
    await noticesOnlyFar();
    uses(
      'import { far } from "./other.ts";\nconst value = far.value;',
      'export * as far from "./far.ts";',
    );
    await noticesOnlyFar();
    uses(
      'import { "the value" as value } from "./other.ts";',
      'export { value as "the value" } from "./far.ts";',
    );
    await noticesOnlyFar();
  });

  it("notices that a name stands for something else", async () => {
    const both = "export const x = 1;\nexport const y = 2;\n";
    const swap = async (stage: string, other: string, file: string, from: string, to: string) => {
      write({ "stage.ts": stage, "other.ts": other, "far.ts": both });
      assert.deepStrictEqual(await changed("stage.ts", () => edit(file, from, to)), [file]);
    };
    const end = "\nexport const it = make(() => a - b);\n";
    const imports = [
      'import { x as a, y as b } from "./far.ts";',
      'import { y as a, x as b } from "./far.ts";',
    ] as const;
    await swap(imports[0] + end, "", "stage.ts", ...imports);
    const exports = [
      'export { x as a, y as b } from "./far.ts";',
      'export { y as a, x as b } from "./far.ts";',
    ] as const;
    await swap(`import { a, b } from "./other.ts";${end}`, exports[0], "other.ts", ...exports);
    const own = ["export { p as a, q as b };", "export { q as a, p as b };"] as const;
    await swap(
      `import { a, b } from "./other.ts";${end}`,
      `const p = 1;\nconst q = 2;\n${own[0]}`,
      "other.ts",
      ...own,
    );
  });

  it("namespace imports: a member, or all of it where it is used as a value", async () => {
    uses('import * as far from "./far.ts";\nconst value = far.value;', "");
    await noticesOnlyFar();
    uses('import * as far from "./far.ts";\nconst value = far?.value;', "");
    await noticesOnlyFar();
    for (const use of ["far", "far[name]", "{ ...far }", "f(far)"]) {
      uses(`import * as far from "./far.ts";\nconst value = ${use};`, "");
      assert.deepStrictEqual(await changed("stage.ts", unused), ["far.ts"], use);
    }
  });

  it("default exports: a function, a class, an expression, by another name", async () => {
    for (const [written, other] of [
      ["export default function () { return 1; }", "export default function () { return 2; }"],
      ["export default class { a = 1; }", "export default class { a = 2; }"],
      ["export default () => 1;", "export default () => 2;"],
      ["const a = 1;\nexport default a;", "const a = 2;\nexport default a;"],
      ["const a = 1;\nexport { a as default };", "const a = 2;\nexport { a as default };"],
    ] as const) {
      uses('import value from "./other.ts";', written);
      assert.deepStrictEqual(
        await changed("stage.ts", () => edit("other.ts", written, `${other}\nexport const b = 1;`)),
        ["other.ts"],
        written,
      );
      assert.deepStrictEqual(
        await changed("stage.ts", () => edit("other.ts", "b = 1", "b = 2")),
        [],
        written,
      );
    }
  });

  it("functions before they are declared, destructuring, classes, defaults, tagged templates", async () => {
    for (const declared of [
      "const value = f();\nfunction f() { return CODE; }",
      "const { a: [value] } = { a: [CODE] };",
      "const { value = CODE } = {};",
      "const { [CODE]: value } = {};",
      "let unused, value = CODE;",
      "class value { static { this.a = CODE; } }",
      "class value { static a = CODE; }",
      "class value { [CODE]() {} }",
      "const base = CODE;\nclass value extends base {}",
      "const value = (x = helper) => x;\nconst helper = CODE;",
      "const value = function inner(x) { return helper; };\nfunction helper() { return CODE }",
      "const value = tag`a`;\nconst tag = () => CODE;",
      "const value = { helper };\nconst helper = CODE;",
      "const value = { [helper]: 1 };\nconst helper = CODE;",
      "const value = object?.a.b;\nconst object = CODE;",
      "var value = 1;\nvar value = CODE;",
      "const value = () => { const x = helper; { let helper = 1; } return x; };\nconst helper = CODE;",
      "const value = (x = helper) => { var helper = 1; };\nconst helper = CODE;",
      "const value = () => { try {} catch { helper } };\nconst helper = CODE;",
      "const value = () => { for (const x of helper) x; };\nconst helper = CODE;",
      "const value = async () => { await using x = helper; };\nconst helper = CODE;",
    ]) {
      write({
        "stage.ts": `${declared.replace("CODE", "[1]")}\nexport const it = make(() => value);\n`,
      });
      assert.deepStrictEqual(
        await changed("stage.ts", () => edit("stage.ts", "[1]", "[2]")),
        ["stage.ts"],
        declared,
      );
    }
  });

  it("does not count what only has the name of something inside", async () => {
    for (const value of [
      "(helper) => helper",
      "({ helper }) => helper",
      "() => { const helper = 1; return helper; }",
      "() => { helper(); function helper() {} }",
      "() => { if (1) { var helper = 1; } return helper; }",
      "() => { try {} catch (helper) { helper } }",
      "() => { for (const helper of []) helper; }",
      "() => { switch (1) { case 1: let helper; helper } }",
      "function helper() { return helper; }",
      "class helper { a = helper; }",
      "() => x.helper",
      "() => ({ helper: 1 })",
      "() => { helper: for (;;) break helper; }",
      "class { helper() { this.helper(); } }",
    ]) {
      write({ "stage.ts": `const helper = 1;\nexport const it = make(${value});\n` });
      assert.deepStrictEqual(
        await changed("stage.ts", () => edit("stage.ts", "helper = 1", "helper = 2")),
        [],
        value,
      );
    }
  });

  it("loads a module for the sake of a type, or for what it does", async () => {
    write({ "far.ts": "const started = start([1]);\nexport type Far = number;\nexport {};\n" });
    const change = async (statement: string) => {
      write({ "stage.ts": `${statement}\nexport const it = make(() => 1);\n` });
      const found = await changed("stage.ts", () => edit("far.ts", "[1]", "[2]"));
      edit("far.ts", "[2]", "[1]");
      return found;
    };
    assert.deepStrictEqual(await change('import { type Far } from "./far.ts";'), []);
    assert.deepStrictEqual(await change('import type { Far } from "./far.ts";'), []);
    assert.deepStrictEqual(await change('import "./far.ts";'), ["far.ts"]);
  });

  it("cyclic imports", async () => {
    write({
      "stage.ts":
        'import { odd } from "./odd.ts";\nexport const even = (n: number) => n === 0 || odd(n - 1);\nexport const it = make(() => even);\n',
      "odd.ts":
        'import { even } from "./stage.ts";\nexport const odd = (n: number) => n !== 0 && even(n - 1);\nexport const unused = 1;\n',
    });
    assert.deepStrictEqual(
      await changed("stage.ts", () => edit("odd.ts", "unused = 1", "unused = 2")),
      [],
    );
    assert.deepStrictEqual(await changed("stage.ts", () => edit("odd.ts", "n !== 0", "n > 0")), [
      "odd.ts",
    ]);
  });

  it("dynamic imports, require, workers and data beside a module", async () => {
    write({ "far.ts": "const inner = [1];\nrun(inner);\nexport {};\n", "table.csv": "[1]" });
    for (const [value, file] of [
      ['() => import("./far.ts")', "far.ts"],
      ['() => import(new URL("./far.ts", import.meta.url).href)', "far.ts"],
      ["() => import(`./far.ts`)", "far.ts"],
      ['new URL("./far.ts", import.meta.url)', "far.ts"],
      ['new URL(built ? "./nope.js" : "./far.ts", import.meta.url)', "far.ts"],
      ['new Worker(new URL("far.ts", import.meta.url))', "far.ts"],
      ['fork(join(import.meta.dirname, "far.ts"))', "far.ts"],
      ["fork(`${import.meta.dirname}/far.ts`)", "far.ts"],
      ['import.meta.resolve("./far.ts")', "far.ts"],
      ['createRequire(import.meta.url)("./far.ts")', "far.ts"],
      ['load("./far.ts")', "far.ts"],
      ['read(new URL("./table.csv", import.meta.url))', "table.csv"],
    ] as const) {
      write({
        "stage.ts": `const load = createRequire(import.meta.url);\nconst value = ${value};\nexport const it = make(() => value);\n`,
      });
      const from = "[1]";
      assert.deepStrictEqual(
        await changed("stage.ts", () => edit(file, from, "[2]")),
        [file],
        value,
      );
      edit(file, "[2]", from);
    }
  });

  it("JSON, by what it says", async () => {
    write({
      "stage.ts":
        'import data from "./data.json" with { type: "json" };\nexport const it = make(() => data);\nexport const other = make (() => 1);\n',
      "data.json": '{ "a": 1 }',
    });
    const change = (text: string) => () => write({ "data.json": text });
    assert.deepStrictEqual(await changed("stage.ts", change('{\n  "a": 1\n}\n')), []);
    assert.deepStrictEqual(await changed("stage.ts", change('{ "a": 2 }')), ["data.json"]);
    assert.deepStrictEqual(await changed("stage.ts#make (", change('{ "a": 3 }')), []);
  });

  it("names of the package's own (#) and CommonJS", async () => {
    write({
      "package.json": '{ "name": "project", "imports": { "#lib/*": "./lib/*.cjs" } }',
      "lib/a.cjs": 'const b = require("./b");\nmodule.exports = { value: b };\n',
      "lib/b.js": "exports.b = [1];\n",
      "stage.ts": 'import { value } from "#lib/a";\nexport const it = make(() => value);\n',
    });
    assert.deepStrictEqual(await changed("stage.ts", () => edit("lib/b.js", "[1]", "[2]")), [
      "lib/b.js",
    ]);
  });

  it("what modules do when they are loaded counts for every stage that loads them", async () => {
    const effects = [
      "config.x = [1];",
      "list.push([1]);",
      "if (flag) { config.x = [1]; }",
      "for (const x of [1]) config.x = x;",
      "x = [1];",
      "await f([1]);",
      "class Listed { static { register([1]); } }",
    ];
    for (const effect of effects) {
      write({
        "stage.ts": 'import { used } from "./far.ts";\nexport const it = make(() => 5);\n',
        "far.ts": `import "./effects.ts";\nexport const used = 1;\n`,
        "effects.ts": `export const config = {}; let x;\n${effect}\n`,
      });
      const change = () => edit("effects.ts", "[1]", "[2]");
      assert.deepStrictEqual(await changed("stage.ts", change), ["effects.ts"], effect);
      write({
        "far.ts": `export const used = 1;\nexport const config = {}; let x;\n${effect}\n`,
      });
      assert.deepStrictEqual(
        await changed("stage.ts", () => edit("far.ts", "[1]", "[2]")),
        ["far.ts"],
        effect,
      );
    }
  });

  it("counts a constant that changes what the stage uses, although nothing refers to it", async () => {
    const registry = {
      "a map": ["const known = new Map();", "known.set('a', [1])"],
      "a function": ["const known = {};\nconst register = (x) => (known[x] = x);", "register([1])"],
      "an object": [
        "class Registry { #all = []; register(x) { this.#all = [...this.#all, x]; } }\nconst known = new Registry();",
        "known.register([1])",
      ],
      "a counter": ["let known = 0;\nconst next = () => known++;", "next([1])"],
      "Object.assign": ["const known = {};", "Object.assign(known, [1])"],
    };
    for (const [what, [declared, call]] of Object.entries(registry)) {
      write({
        "stage.ts": `${declared}\nconst other = ${call};\nexport const it = make(() => known);\nexport const free = make (() => 1);\n`,
      });
      const change = () => edit("stage.ts", "[1]", "[2]");
      assert.deepStrictEqual(await changed("stage.ts#make(() =>", change), ["stage.ts"], what);
      edit("stage.ts", "[2]", "[1]");
      assert.deepStrictEqual(await changed("stage.ts#make (() =>", change), [], what);
    }
    // A method that changes nothing of its object does not tie the two.
    write({
      "stage.ts":
        "const known = Schema.Array();\nconst other = known.check([1]);\nexport const it = make(() => known);\n",
    });
    assert.deepStrictEqual(await changed("stage.ts", () => edit("stage.ts", "[1]", "[2]")), []);
  });
});

describe("what cannot be followed", () => {
  it("makes the stages unknown that use it, and says why", async () => {
    write({
      "stage.ts": [
        "const plugin = (name: string) => import(name);",
        "export const a = make(() => plugin);",
        "export const b = make (() => 1);",
      ].join("\n"),
    });
    assert.strictEqual(
      await reason("stage.ts"),
      "stage.ts loads a module by a computed name (line 1)",
    );
    assert.strictEqual(await reason("stage.ts#make ("), "known");
    for (const [value, why] of [
      ["require(name)", "stage.ts loads a module by a computed name (line 2)"],
      ["eval(text)", "stage.ts runs text as code, with eval (line 2)"],
      [
        "new Worker(new URL(name, import.meta.url))",
        "stage.ts starts a worker by a computed name (line 2)",
      ],
      ['import("./nope.ts")', 'stage.ts imports "./nope.ts", which is not there'],
    ] as const) {
      write({ "stage.ts": `\nexport const a = make(() => ${value});\n` });
      assert.strictEqual(await reason("stage.ts"), why);
    }
  });

  it("says which import is not there, and which file cannot be read", async () => {
    write({ "stage.ts": 'import { x } from "./nope.ts";\nexport const a = make(() => 1);\n' });
    assert.strictEqual(
      await reason("stage.ts"),
      'stage.ts imports "./nope.ts", which is not there',
    );
    write({ "nope.ts": "const = ;\n" });
    assert.match(await reason("stage.ts"), /^nope\.ts cannot be read: /);
  });
});

describe("what is remembered in the state folder", () => {
  const memory = () => path.join(folder, "state", "code.json");
  const identifyWith = async (stateFolder?: string) => {
    const found = await Effect.runPromise(
      CodeOf.make(stateFolder)({ info: { frames: [frameAt(first)] } }),
    );
    // It is written when there is nothing else to do.
    await new Promise(setImmediate);
    return found;
  };

  it("gives the same answer as reading everything", async () => {
    twoStages();
    write({ "state/.keep": "" });
    const state = path.join(folder, "state");
    const without = await identifyWith();
    assert.deepStrictEqual(await identifyWith(state), without);
    assert.isTrue(fs.existsSync(memory()));
    assert.deepStrictEqual(await identifyWith(state), without);
    edit("deep/times.ts", "x * y", "y * x");
    const changed = await identifyWith(state);
    assert.notDeepEqual(changed, without);
    assert.deepStrictEqual(changed, await identifyWith());
  });

  it("is what answers", async () => {
    twoStages();
    write({ "state/.keep": "" });
    const state = path.join(folder, "state");
    await identifyWith(state);
    const written = fs.statSync(memory(), { bigint: true });
    await identifyWith(state);
    // Nothing was read anew, so nothing is written.
    const now = fs.statSync(memory(), { bigint: true });
    assert.deepStrictEqual([now.ino, now.mtimeNs], [written.ino, written.mtimeNs]);
  });

  it("keeps what another one has written in the meantime", async () => {
    twoStages();
    write({ "state/.keep": "", "other.ts": "export const other = make(() => 1);\n" });
    const state = path.join(folder, "state");
    const other = CodeOf.make(state);
    await identifyWith(state);
    await Effect.runPromise(other({ info: { frames: [frameAt("other.ts")] } }));
    await new Promise(setImmediate);
    const written = fs.readFileSync(memory(), "utf8");
    await identifyWith(state);
    assert.strictEqual(fs.readFileSync(memory(), "utf8"), written);
    assert.include(written, '"other"');
    assert.include(written, '"half"');
  });

  it("is not used where it is damaged, and not missed where it cannot be", async () => {
    twoStages();
    write({ "state/.keep": "" });
    const state = path.join(folder, "state");
    const right = await identifyWith(state);
    const text = fs.readFileSync(memory(), "utf8");
    const [, digest = ""] = /"digests":\["sha256-(\w+)"/.exec(text) ?? [];
    for (const damaged of [
      "",
      "{}",
      text.slice(0, -9),
      text.replace(digest, digest.replace(/./, "g")),
    ]) {
      assert.notStrictEqual(damaged, text);
      fs.writeFileSync(memory(), damaged);
      assert.deepStrictEqual(await identifyWith(state), right);
    }
    assert.deepStrictEqual(await identifyWith(path.join(folder, "nowhere")), right);
    assert.isFalse(fs.existsSync(path.join(folder, "nowhere")));
  });
});

it("identifies a thousand stages", async () => {
  const count = 1000;
  const lines = Array.from(
    { length: count },
    (_, index) => `export const s${index} = make(() => help${index % 50}(${index}));`,
  );
  const helpers = Array.from(
    { length: 50 },
    (_, index) => `const help${index} = (x: number) => x + ${index};`,
  );
  write({ "stage.ts": [...helpers, ...lines].join("\n") });
  const codeOf = CodeOf.make();
  const file = path.join(folder, "stage.ts");
  const identities = await Promise.all(
    lines.map((line, index) => {
      const frames = [{ file, line: 51 + index, column: line.indexOf("make(") + 1 }];
      return Effect.runPromise(codeOf({ info: { frames } }));
    }),
  );
  const digests = identities.map((one) => (one._tag === "Known" ? one.parts["stage.ts"] : ""));
  assert.strictEqual(new Set(digests).size, count);
});
