import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { assert, beforeAll, describe, it } from "vitest";
import {
  clean,
  compile,
  type Diagnostic,
  files,
  generated,
  read,
  root,
  run,
} from "../support/repository.ts";
import { atItsLine, docstrings, extract, type Step, steps } from "./Snippet.ts";

const folderOf = (page: string) => `docs/${page.replaceAll("/", ".")}`;
const moduleOf = (page: string, file: string) => `${page.replaceAll("/", ".")}/${file}`;

/** Runs one step of a page in the page's folder, and throws what it printed if it fails. */
const perform = (page: string, step: Step): void => {
  const folder = join(generated, folderOf(page));
  const [snippet] = step.snippets;
  if (snippet.ci) {
    const done = read(".ci/run");
    for (const line of snippet.code.split("\n").filter((text) => /^[^#\s]/.test(text))) {
      assert.include(
        done,
        line,
        `${page}:${snippet.line} is marked "ci", but .ci/run does not do it`,
      );
    }
    return;
  }
  if (snippet.file !== undefined) {
    mkdirSync(dirname(join(folder, snippet.file)), { recursive: true });
    writeFileSync(join(folder, snippet.file), `${snippet.code}\n`);
    return;
  }
  const { status, output } =
    snippet.language === "sh"
      ? run("bash", ["-euo", "pipefail", "-c", snippet.code], folder)
      : run(process.execPath, [join(folder, step.file ?? "")], folder);
  assert.strictEqual(status, 0, `${page}:${snippet.line} failed:\n${output}`);
};

/**
 * A page's folder has its own copy of the examples, because shell samples write to them. It has no
 * package.json: `npx` and imports find the repository's.
 */
const prepare = (page: string): void => {
  const folder = clean(folderOf(page));
  if (!existsSync(join(root, "examples"))) return;
  cpSync(join(root, "examples"), join(folder, "examples"), {
    recursive: true,
    filter: (source) => !/[\\/](node_modules|dist|\.ml-pipe|\.turbo)$/.test(source),
  });
};

const pageSteps = files(["README.md", "docs/**/*.md"]).map(
  (page) => [page, steps(extract(read(page), page), "page")] as const,
);
const modules = new Map<string, string>();
for (const [page, list] of pageSteps) {
  for (const { snippets, file } of list) {
    if (snippets[0].language !== "ts" || file === undefined) continue;
    modules.set(moduleOf(page, file), atItsLine(snippets));
  }
}
for (const file of files(["packages/*/src/**/*.ts"])) {
  if (/\.(test|tst)\.ts$/.test(file)) continue;
  for (const snippet of extract(docstrings(read(file)), file)) {
    if (snippet.language !== "ts") continue;
    modules.set(moduleOf(file, `L${snippet.line}.ts`), atItsLine([snippet]));
  }
}

const explain = (file: string, found: ReadonlyMap<string, ReadonlyArray<Diagnostic>>) =>
  (found.get(file) ?? [{ line: 0, message: "was not compiled" }])
    .map(({ line, message }) => `${file}:${line} ${message}`)
    .join("\n");

describe("samples compile", () => {
  let found: ReadonlyMap<string, ReadonlyArray<Diagnostic>>;
  beforeAll(() => {
    clean("docs");
    for (const [page] of pageSteps) prepare(page);
    found = compile("docs", modules);
  });
  for (const file of modules.keys()) it(file, () => assert.strictEqual(explain(file, found), ""));
});

for (const [page, list] of pageSteps) {
  describe(`${page} runs`, () => {
    for (const step of list) {
      const [{ language, line, noRun }] = step.snippets;
      const name = `line ${line} (${language})`;
      const title = noRun === undefined ? name : `${name}, not run: ${noRun}`;
      it.skipIf(noRun !== undefined)(title, () => perform(page, step));
    }
  });
}

describe("a bad sample is caught", () => {
  const fenced = (words: string, code: string) => `text\n\n\`\`\`${words}\n${code}\n\`\`\`\n`;
  const page = "selftest";
  const first = (markdown: string): Step => {
    const [step] = steps(extract(markdown, page), "page");
    assert.isDefined(step);
    return step;
  };

  it("that does not compile, in a page or a docstring, at its own line", () => {
    const inPage = extract(fenced("ts", 'const n: number = "one"'), page);
    const source = `/**\n * Adds.\n *\n * \`\`\`ts\n * const n: number = "one"\n * \`\`\`\n */\nexport {}`;
    const inDocstring = extract(docstrings(source), page);
    clean(page);
    const found = compile(
      page,
      new Map([
        ["page.ts", atItsLine(inPage)],
        ["docstring.ts", atItsLine(inDocstring)],
      ]),
    );
    const message = "Type 'string' is not assignable to type 'number'.";
    assert.deepStrictEqual(found.get("page.ts"), [{ line: 4, message }]);
    assert.deepStrictEqual(found.get("docstring.ts"), [{ line: 5, message }]);
  });

  it("that fails when it runs", () => {
    const folder = clean(folderOf(page));
    const step = first(fenced("ts", 'throw new Error("no such table")'));
    writeFileSync(join(folder, step.file ?? ""), atItsLine(step.snippets));
    assert.throws(() => perform(page, step), /page\.L4\.ts:4[^]*no such table/);
    assert.throws(() => perform(page, first(fenced("sh", "false | true"))), /selftest:4 failed/);
    assert.throws(() => perform(page, first(fenced("sh ci", "npm run nothing"))), /does not do it/);
  });

  it("whose words are unknown, that has no reason, or is not closed", () => {
    assert.throws(() => extract(fenced("ts no-run", "1"), page), /without a reason/);
    assert.throws(() => extract(fenced("ts skip", "1"), page), /unknown/);
    assert.throws(() => extract(fenced("typescript", "1"), page), /write `ts`/);
    assert.throws(() => extract("```ts\n1", page), /not closed/);
  });

  it("and a good one is not: samples of a page are one module unless marked", () => {
    const text = fenced("ts", "const a = 1") + fenced("sh", "true") + fenced("ts", "a + 1");
    const markers = fenced("ts new", "2") + fenced("ts no-run needs a server", "3");
    const list = steps(extract(text + markers, page), "page");
    assert.deepStrictEqual(
      list.map((step) => step.snippets.map((snippet) => snippet.code)),
      [["true"], ["const a = 1", "a + 1"], ["2"], ["3"]],
    );
    assert.strictEqual(list[3]?.snippets[0].noRun, "needs a server");
  });
});
