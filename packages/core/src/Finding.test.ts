import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as Finding from "./Finding.ts";

const finding: Finding.Finding = {
  check: "delay.range",
  severity: "fail",
  column: "delay",
  owner: "flight-operations",
  expected: "at most 2880 min",
  found: "3 rows above",
  rows: 3,
  sample: [7, 9, 11],
  next: "Ask the owner.",
};

describe("Finding", () => {
  it("is one line for the person who must act", () => {
    assert.strictEqual(
      Finding.toLine(finding),
      "fail delay.range: expected at most 2880 min, found 3 rows above [flight-operations]. Ask the owner.",
    );
    const { owner: _, ...nobody } = finding;
    assert.notInclude(Finding.toLine(nobody), "[");
  });

  it("is stored and read back", () => {
    const stored: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(Finding.Finding)(finding)));
    assert.deepStrictEqual(Schema.decodeUnknownSync(Finding.Finding)(stored), finding);
  });
});
