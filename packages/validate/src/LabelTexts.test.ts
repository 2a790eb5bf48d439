import { assert, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { services, telling } from "../test-fixtures/tables.ts";
import * as Labels from "./Labels.ts";

const provided = Effect.provide(services());

const Note = Contract.make("note", {
  version: "1",
  owner: "desk",
  label: "urgent",
  columns: {
    body: Column.string({ nullable: true }),
    urgent: Column.boolean({ availableAt: "outcome" }),
  },
});

/** Jaccard similarity of the sets of five-character pieces, by its definition. */
const jaccard = (a: string, b: string): number => {
  const pieces = (text: string) =>
    new Set(Array.from({ length: Math.max(1, text.length - 4) }, (_, i) => text.slice(i, i + 5)));
  const [x, y] = [pieces(a), pieces(b)];
  const common = [...x].filter((piece) => y.has(piece)).length;
  return common / (x.size + y.size - common);
};

/** Text i: 30 words of its own. */
const textOf = (i: number) =>
  Array.from({ length: 30 }, (_, k) =>
    ((i * 2_654_435 + k * 40_503 * (i + 1)) % 99_991).toString(36),
  ).join(" ");

const notesOf = (bodies: ReadonlyArray<string | null>) =>
  Table.write(Note, "checked", {
    query: `SELECT body, i % 2 = 0 AS urgent FROM (VALUES ${bodies.map((body, i) => `(${i}, ${body === null ? "NULL" : Duckdb.literal(body)})`).join(", ")}) AS v(i, body) ORDER BY i`,
  });

it.effect("texts that are nearly the same are found, and no others", () =>
  Effect.gen(function* () {
    const texts = Array.from({ length: 60 }, (_, i) => textOf(i));
    // Each of five is written again with one word more, and white space and case of its own.
    const again = [3, 11, 20, 34, 45].map(
      (i) => `  ${(texts[i] ?? "").toUpperCase().replaceAll(" ", "\n ")} indeed`,
    );
    const all = [...texts, ...again];
    const plain = all.map((text) => text.toLowerCase().split(/\s+/).join(" ").trim());
    const expected = plain.flatMap((a, i) =>
      plain.flatMap((b, j) => (i < j && a !== b && jaccard(a, b) >= 0.8 ? [[i, j]] : [])),
    );
    const data = yield* notesOf(all);
    const { value, told } = yield* telling(
      Labels.audit(Note, { text: ["body"], features: ["body"] }).run({ data }),
    );
    const rows = new Set(expected.flat());
    assert.isAtLeast(expected.length, 5);
    assert.deepStrictEqual(value?.nearTexts, [
      {
        column: "body",
        compared: 65,
        rows: rows.size,
        conflicting: expected.filter(([i = 0, j = 0]) => i % 2 !== j % 2).length,
      },
    ]);
    const finding = told.findings.find(({ column }) => column === "body");
    assert.strictEqual(finding?.severity, "warn");
    assert.include(finding?.found, "3 and 60");
  }).pipe(provided),
);

it.effect("texts that are short, empty, missing or the same are no near-duplicates", () =>
  Effect.gen(function* () {
    const data = yield* notesOf(["a", "a", "b", "", " ", null, "abcde", "vwxyz"]);
    const { value, told } = yield* telling(
      Labels.audit(Note, { text: ["body"], features: ["body"] }).run({ data }),
    );
    assert.deepInclude(value?.nearTexts[0], { compared: 5, rows: 0, conflicting: 0 });
    const finding = told.findings.find(({ column }) => column === "body");
    assert.include(finding?.found, "none; 5 texts were compared");
    assert.throws(() => Labels.audit(Note, { text: ["urgent"] }), /is no string column/);
  }).pipe(provided),
);
