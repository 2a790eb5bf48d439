import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { lineCutter } from "./outputLines.ts";
import { secretsOf } from "./secretText.ts";

const none = secretsOf({});
const secret = "SECRET-0123";
const secrets = secretsOf({ TOKEN: secret });

const cut = (chunks: ReadonlyArray<Buffer>, known = none, longest?: number) => {
  const cutter = lineCutter(known, longest);
  return [...chunks.flatMap((chunk) => cutter.push(chunk)), ...cutter.end()];
};

/** Some bytes in pieces of any size. */
const pieces = (text: string) =>
  fc.array(fc.integer({ min: 1, max: 7 })).map((sizes) => {
    const bytes = Buffer.from(text);
    const parts: Array<Buffer> = [];
    let at = 0;
    for (const size of [...sizes, bytes.length]) parts.push(bytes.subarray(at, (at += size)));
    return parts;
  });

const printed = fc
  .array(fc.constantFrom("a", "ü", "🙂", " ", "\n", "\r", "\r\n", secret, "\u001b[31m"))
  .map((parts) => parts.join(""));

describe("lines of what is printed", () => {
  it("are those of the text, however it comes in pieces", () => {
    fc.assert(
      fc.property(
        printed.chain((text) => fc.tuple(fc.constant(text), pieces(text))),
        ([text, parts]) => {
          const expected = text
            .replaceAll("\u001b[31m", "")
            .split(/[\r\n]+/)
            .filter((line) => line.trim() !== "");
          assert.deepStrictEqual(cut(parts), expected);
        },
      ),
    );
  });

  it("show no secret and no beginning of one, wherever they are cut", () => {
    fc.assert(
      fc.property(printed.chain(pieces), fc.integer({ min: 1, max: 40 }), (parts, longest) => {
        const shown = cut(parts, secrets, longest).join("\n");
        assert.notInclude(shown, "S");
      }),
    );
  });

  it("are cut, and say how long they were", () => {
    assert.deepStrictEqual(cut([Buffer.from("abcdef\nabc\n")], none, 4), [
      "abcd… (6 characters)",
      "abc",
    ]);
  });
});

describe("secrets in a text", () => {
  it("are found in each form, the longest first", () => {
    const { scrub } = secretsOf({ A: 'a"b', B: 'a"b and more', C: "" });
    assert.strictEqual(scrub('x a"b and more'), "x <redacted>");
    assert.strictEqual(scrub(JSON.stringify({ v: 'a"b' })), '{"v":"<redacted>"}');
    assert.strictEqual(none.scrub("nothing"), "nothing");
    assert.strictEqual(
      secretsOf({ D: "(.*)[x]$^|\\/-" }).scrub("aa (.*)[x]$^|\\/-"),
      "aa <redacted>",
    );
  });

  it("are refused by name, but not where they are short", () => {
    assert.strictEqual(secrets.heldBy(`my ${secret}!`), "TOKEN");
    assert.isUndefined(secrets.heldBy("SECRET-012"));
    assert.isUndefined(secretsOf({ PIN: "1234" }).heldBy("[1234]"));
  });
});
