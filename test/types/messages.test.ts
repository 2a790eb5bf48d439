/**
 * Type tests (`*.tst.ts`) say what a mistake must be told: `// @ts-expect-error <part of the
 * message>`. The compiler itself accepts any error there, so this compiles the same files with the
 * directives taken out, and compares.
 */
import { dirname, join, relative } from "node:path";
import { assert, beforeAll, describe, it } from "vitest";
import {
  clean,
  compile,
  type Diagnostic,
  files,
  generated,
  read,
  root,
} from "../support/repository.ts";

interface Expectation {
  readonly line: number;
  readonly text: string;
}

const directive = /^(\s*\/\/ )@ts-expect-error(?: (.*))?$/;

const expectations = (source: string): ReadonlyArray<Expectation> =>
  source.split("\n").flatMap((text, index) => {
    const match = directive.exec(text);
    return match === null ? [] : [{ line: index + 2, text: match[2]?.trim() ?? "" }];
  });

/** The same module, to be compiled in another folder and without its directives. */
const rewrite = (source: string, file: string, folder: string): string =>
  source
    .split("\n")
    .map((line) => line.replace(directive, "$1expected: $2"))
    .join("\n")
    .replaceAll(/(from |import\(|import )"(\.[^"]*)"/g, (_, before: string, path: string) => {
      const target = relative(dirname(join(folder, file)), join(root, dirname(file), path));
      return `${before}"${target.replaceAll("\\", "/")}"`;
    });

const judge = (expected: Expectation, found: ReadonlyArray<Diagnostic>): void => {
  assert.isNotEmpty(expected.text, "say after @ts-expect-error what the message must contain");
  const messages = found.filter(({ line }) => line === expected.line).map(({ message }) => message);
  assert.include(messages.join("\n"), expected.text);
};

const sources = new Map(files(["packages/*/src/**/*.tst.ts"]).map((file) => [file, read(file)]));

describe("a mistake is told what the type test promises", () => {
  const folder = join(generated, "types");
  let found: ReadonlyMap<string, ReadonlyArray<Diagnostic>>;
  beforeAll(() => {
    clean("types");
    const rewritten = [...sources].map(
      ([file, source]) => [file, rewrite(source, file, folder)] as const,
    );
    found = compile("types", new Map(rewritten));
  });
  for (const [file, source] of sources) {
    for (const expected of expectations(source)) {
      it(`${file}:${expected.line}`, () => judge(expected, found.get(file) ?? []));
    }
  }

  it("another message, no error or no text fails", () => {
    clean("types-selftest");
    const lines = [
      "// @ts-expect-error is not assignable to type 'number'",
      'const n: number = "one"',
    ];
    const source = `${lines.join("\n")}\nexport {}`;
    const rewritten = rewrite(source, "a.ts", join(generated, "types-selftest"));
    const diagnostics = compile("types-selftest", new Map([["a.ts", rewritten]])).get("a.ts") ?? [];
    const [expected] = expectations(source);
    assert.isDefined(expected);
    judge(expected, diagnostics);
    assert.throws(() => judge({ ...expected, text: "is missing" }, diagnostics), /to include/);
    assert.throws(() => judge({ ...expected, line: 3 }, diagnostics), /to include/);
    assert.throws(() => judge({ ...expected, text: "" }, diagnostics), /say after/);
  });
});
