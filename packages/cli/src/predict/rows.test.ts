import { assert, describe, it } from "vitest";
import { Column, Contract } from "@ml-pipe/core";
import { type ReadOptions, readRows } from "./rows.ts";

const { spec } = Contract.make("request", {
  version: "1",
  owner: "lab",
  columns: { months: Column.int({ nullable: true }), plan: Column.string() },
});

const read = async (text: string, options: Partial<ReadOptions> = {}) => {
  const ignored: Array<string> = [];
  async function* chunks() {
    yield text;
  }
  const rows = [];
  const onIgnored = (columns: ReadonlyArray<string>) => ignored.push(...columns);
  for await (const row of readRows(chunks(), spec, { keep: [], onIgnored, ...options })) {
    rows.push(row);
  }
  return { rows, ignored };
};

describe("a CSV file", () => {
  const csv = "id,months,plan,left\na-1,3,basic,true\na-2,,plus,false\n";

  it("may have more columns than the model asks for, which are told once", async () => {
    const { rows, ignored } = await read(csv);
    assert.deepStrictEqual(ignored, ["id", "left"]);
    assert.deepStrictEqual(rows, [
      { _tag: "Row", number: 1, value: { months: 3, plan: "basic" } },
      { _tag: "Row", number: 2, value: { months: null, plan: "plus" } },
    ]);
  });

  it("hands on what is kept", async () => {
    const { rows, ignored } = await read(csv, { keep: ["id", "plan"] });
    assert.deepStrictEqual(ignored, ["left"]);
    assert.deepInclude(rows[1], {
      value: { months: null, plan: "plus" },
      kept: { id: "a-2", plan: "plus" },
    });
  });

  it("without a column that is asked for or kept, or with one twice, says so once", async () => {
    const problem = async (text: string, keep: ReadonlyArray<string> = []) =>
      (await read(text, { keep })).rows;
    assert.deepStrictEqual(await problem("garbage\n1\n2\n"), [
      {
        _tag: "Unreadable",
        number: 1,
        problem: 'CSV whose header lacks "months", "plan": it has "garbage"',
      },
    ]);
    assert.match(JSON.stringify(await problem(csv, ["key"])), /header lacks ..key/);
    assert.match(
      JSON.stringify(await problem("plan,months,plan\na,1,b\n")),
      /header has ..plan.. twice/,
    );
  });
});

it("objects keep what is named, and everything else is for the request's check", async () => {
  const text = '{"id":7,"months":3,"plan":"basic","x":1}\n{"months":3}\nnonsense';
  const { rows } = await read(text, { keep: ["id"] });
  assert.deepStrictEqual(rows.slice(0, 2), [
    { _tag: "Row", number: 1, value: { months: 3, plan: "basic", x: 1 }, kept: { id: 7 } },
    { _tag: "Row", number: 2, value: { months: 3 }, kept: { id: null } },
  ]);
  assert.strictEqual(rows[2]?._tag, "Unreadable");
});
