import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { givenInput } from "./givenInput.ts";

const asked = {
  type: "object",
  properties: {
    percent: { type: "integer" },
    note: { type: "string" },
    at: { type: "object", properties: { gate: { type: "string" }, lane: { type: "integer" } } },
  },
};
const given = (set: { readonly [path: string]: string }, input?: string) =>
  givenInput({ input, set }, asked);

describe("givenInput", () => {
  it.effect("is nothing, JSON, or fields as the gate asks for them", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* given({}));
      assert.deepStrictEqual(yield* given({}, '{"percent": 5}'), { percent: 5 });
      assert.deepStrictEqual(
        yield* given({ percent: "5", note: "12", "at.gate": "7", "at.lane": "7", other: "text" }),
        { percent: 5, note: "12", at: { gate: "7", lane: 7 }, other: "text" },
      );
    }),
  );

  it.effect("refuses what it cannot read", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(given({}, "{percent: 5}"));
      assert.match(message, /^--input is not JSON: .+\. Quote it for the shell/);
      const both = yield* Effect.flip(given({ percent: "5" }, "{}"));
      assert.strictEqual(
        both.message,
        "--input and --set both say what the input is. Use one of them",
      );
    }),
  );
});
