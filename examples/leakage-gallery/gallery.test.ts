/** The README's table says what the examples give. */
import { readFileSync } from "node:fs";
import { Leakage, Split, Stage } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { assert, it } from "vitest";
import { examples, rowOf, services } from "./all.ts";
import { Churn, customers } from "./telco.ts";

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

it("honest rows are suspected of nothing, though months as a customer tell much", async () => {
  const { results } = await Effect.runPromise(
    Effect.gen(function* () {
      const split = Split.random(Churn.contract, { validation: 0.2, test: 0.2, stratify: "label" });
      const { train, test } = yield* split.run({ data: yield* customers() });
      return yield* Leakage.audit(Churn, { train, test });
    }).pipe(
      Effect.provide(services),
      Effect.provideService(Stage.Reporter, () => Effect.void),
    ),
  );
  const suspected = results.filter(({ outcome }) => outcome === "suspected");
  assert.deepStrictEqual(suspected, []);
  const group = results.find(({ check }) => check === "leakage.undeclared-group");
  assert.strictEqual(group?.outcome, "clear", group?.found);
  assert.include(group?.found, '"tenure"');
});
