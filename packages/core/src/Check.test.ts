import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as Check from "./Check.ts";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";

describe("a check", () => {
  it("is data, under a name that says what it is of", () => {
    const checks = [
      Check.mean("delay", { between: [0, 20], severity: "warn", owner: "ops", where: "km > 1" }),
      Check.quantile("delay", 0.9, { atMost: 60 }),
      Check.unique(["flight", "date"]),
      Check.rowCount({ equals: 3 }),
      Check.between("at", { atLeast: new Date("2001-01-01"), mostly: 0.9, description: "as told" }),
    ];
    const specs = checks.map(({ spec }) => spec);
    assert.deepStrictEqual(
      specs.map(({ name }) => name),
      ["delay.mean", "delay.quantile-0.9", "flight,date.unique", "table.row-count", "at.between"],
    );
    assert.deepStrictEqual(specs[0], {
      kind: "mean",
      name: "delay.mean",
      columns: ["delay"],
      args: { atLeast: 0, atMost: 20 },
      where: "km > 1",
      severity: "warn",
      owner: "ops",
    });
    assert.deepStrictEqual(specs[3]?.args, { atLeast: 3, atMost: 3 });
    assert.deepStrictEqual(specs[4]?.args, { atLeast: "2001-01-01T00:00:00.000Z" });
    const json = Schema.fromJsonString(Schema.Array(Check.CheckSpec));
    const text = Schema.encodeSync(json)(specs);
    assert.deepStrictEqual(Schema.decodeUnknownSync(json)(text), specs);
  });

  it("is part of its contract, and of its digest", () => {
    const about = { version: "1", owner: "lab", columns: { x: Column.float() } };
    const plain = Contract.make("point", about);
    const expecting = Contract.make("point", {
      ...about,
      expectations: [Check.mean("x", { atMost: 3 })],
    });
    assert.notStrictEqual(plain.digest, expecting.digest);
    assert.strictEqual(expecting.spec.expectations?.[0]?.kind, "mean");
  });

  it("refuses limits that nothing can keep, and shares that are none", () => {
    assert.throws(() => Check.mean("x", { between: [3, 1] }), "nothing is between 3 and 1");
    assert.throws(() => Check.mean("x", { atMost: Number.NaN }), "NaN is no limit");
    assert.throws(() => Check.max("x", { atMost: new Date("soon") }), "is no limit");
    assert.throws(
      () => Check.positive("x", { mostly: 99 }),
      "mostly is a share from 0 to 1, not 99",
    );
    assert.throws(() => Check.quantile("x", 90, { atMost: 1 }), "the quantile is a share");
  });
});
