/** The README's table says what the examples give. */
import { readFileSync } from "node:fs";
import { Leakage } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { assert, it } from "vitest";
import { examples, rowOf } from "./all.ts";

const cells = (row: string): ReadonlyArray<string> => row.split("|").map((cell) => cell.trim());

const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
const table = readme
  .split("\n")
  .filter((line) => /^\| (?:L\d|R)/.test(line))
  .map(cells);

it("every kind of leakage is caught, and costs what the README says", async () => {
  const found = await Effect.runPromise(examples);
  assert.deepStrictEqual(
    found.map(({ kind }) => kind),
    Leakage.kinds.map(({ id }) => id),
  );
  for (const { kind, caught, leaky, honest } of found) {
    assert.match(caught, /^(?:LeakedTestSet|HoldoutSpent|leakage\.[a-z-]+ suspected: .+)$/, kind);
    assert.isAtLeast(leaky - honest, kind === "L1.2" ? -0.01 : 0.03, kind);
  }
  assert.deepStrictEqual(
    found.map((example) => cells(rowOf(example))),
    table,
  );
}, 120_000);
