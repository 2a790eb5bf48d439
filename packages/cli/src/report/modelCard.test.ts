import { describe, it } from "@effect/vitest";
import { assert } from "vitest";
import { cardMarkdown, yaml } from "./modelCard.ts";

describe("YAML of a card", () => {
  it("quotes every text, and keeps lists of objects in block style", () => {
    const text = yaml({
      library_name: "ml-pipe",
      tags: ["no", "2001-01-01"],
      empty: [],
      "model-index": [{ name: "a: b", results: [{ metrics: [{ type: "gain", value: 0.5 }] }] }],
    });
    assert.strictEqual(
      text,
      `library_name: "ml-pipe"
tags:
  - "no"
  - "2001-01-01"
empty: []
model-index:
  - name: "a: b"
    results:
      - metrics:
          - type: "gain"
            value: 0.5`,
    );
  });
});

it("a card is Markdown under its metadata, without markup from a run", () => {
  const text = cardMarkdown({
    run: "r",
    pipeline: "trips",
    startedAt: new Date(0),
    huggingFace: { library_name: "ml-pipe", tags: [] },
    modelCardToolkit: {
      schema_version: "0.0.2",
      model_details: { name: "", overview: "", owners: [], version: { name: "", date: "" } },
      model_parameters: { data: [] },
      quantitative_analysis: { performance_metrics: [] },
      considerations: { users: [], use_cases: [], limitations: [], tradeoffs: [] },
    },
    sections: [
      {
        title: "Uses",
        lines: ["a <script> and a | b"],
        table: { columns: ["metric", "value"], rows: [["a | b", "0.5"]] },
      },
    ],
    forPerson: [{ field: "license", why: "which" }],
  });
  assert.match(text, /^---\nlibrary_name: "ml-pipe"\ntags: \[\]\n---\n\n# trips\n/);
  assert.include(text, String.raw`- a \<script\> and a \| b`);
  assert.include(text, "\n\n| metric | value |\n| --- | --- |\n" + String.raw`| a \| b | 0.5 |`);
  assert.include(text, "- **license**: which");
});
