import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as Signal from "./Signal.ts";

describe("Signal", () => {
  it("has a name, a meaning and the schema of its payload", () => {
    const drift = Signal.make("DataDrift", {
      description: "PSI against the training data",
      payload: Schema.Struct({ column: Schema.String }),
    });
    assert.strictEqual(drift.name, "DataDrift");
    assert.strictEqual(drift.description, "PSI against the training data");
    assert.isTrue(Schema.is(drift.payload)({ column: "delay" }));
    assert.isFalse(Schema.is(drift.payload)({ column: 1 }));
  });

  it("is recorded with a finite value and a payload in JSON", () => {
    const emitted: Signal.Emitted = {
      signal: "DataDrift",
      at: new Date("2001-06-01T00:00:00Z"),
      value: 0.3,
      payload: { column: "delay" },
    };
    const stored: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(Signal.Emitted)(emitted)));
    assert.deepStrictEqual(Schema.decodeUnknownSync(Signal.Emitted)(stored), emitted);
    assert.isFalse(Schema.is(Signal.Emitted)({ ...emitted, value: NaN }));
    assert.isFalse(Schema.is(Signal.Emitted)({ ...emitted, payload: new Map() }));
  });
});
