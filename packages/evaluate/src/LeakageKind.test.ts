/** The table in docs/leakage.md is the catalogue. */
import { readFileSync } from "node:fs";
import { assert, it } from "vitest";
import { kinds } from "./LeakageKind.ts";

const page = readFileSync(new URL("../../../docs/leakage.md", import.meta.url), "utf8");

it("the documented kinds are those of the catalogue, word by word", () => {
  const rows = page
    .split("\n")
    .filter((line) => /^\| (?:L\d|R\b)/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const expected = kinds.map(({ id, name, explanation, byType, atRunTime, audit, person }) => [
    "",
    `${id} ${name}`,
    explanation,
    [byType, atRunTime].filter((part) => part !== "").join("; "),
    audit,
    person,
    "",
  ]);
  assert.deepStrictEqual(rows, expected);
});
