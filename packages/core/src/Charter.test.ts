import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as Charter from "./Charter.ts";

const options = {
  title: "Warn connecting passengers",
  decision: {
    question: "warn passengers?",
    madeAt: "departure",
    actor: "gate agent",
    outcomeKnownAfter: "1 day",
  },
  metric: {
    name: "expected cost",
    unit: "USD per flight",
    costs: { truePositive: 20, falsePositive: 20, falseNegative: 90, trueNegative: 0 },
  },
  baseline: { name: "never warn", description: "what happens today", rule: false },
  smallestGain: 0.5,
  surface: "gate display",
  kill: { on: "2027-06-30", criterion: "no measured gain" },
  owner: "passenger-care",
} satisfies Charter.CharterOptions;

const problems = (change: Partial<Charter.CharterOptions>): string => {
  try {
    Charter.make({ ...options, ...change });
    return "";
  } catch (error) {
    assert.instanceOf(error, Charter.CharterInvalid);
    return error.message;
  }
};

const endsOn = (on: string) => ({ kill: { ...options.kill, on } });

describe("make", () => {
  it("gives a charter whose JSON decodes to it, under the same digest", () => {
    const charter = Charter.make(options);
    assert.deepStrictEqual(
      Schema.decodeUnknownSync(Charter.CharterSpec)(charter.json),
      charter.spec,
    );
    assert.strictEqual(charter.spec.decision.outcomeKnownAfterMs, 24 * 3600 * 1000);
    assert.deepStrictEqual(charter.spec.kill.on, new Date("2027-06-30T00:00:00Z"));
    assert.deepStrictEqual([charter.spec.guardrails, charter.spec.approvers], [[], []]);
    assert.strictEqual(Charter.make({ ...options }).digest, charter.digest);
    assert.notStrictEqual(Charter.make({ ...options, smallestGain: 1 }).digest, charter.digest);
  });

  it("refuses a date that does not exist or depends on where it is read", () => {
    for (const on of [
      "2027-02-30",
      "2027-13-01",
      "soon",
      "",
      "2027-06-30T10:00:00",
      "June 30, 2027",
    ]) {
      assert.include(problems(endsOn(on)), `kill.on: expected a date such as 2027-06-30`, on);
    }
    for (const on of ["2027-06-30", "2028-02-29", "2027-06-30T10:00:00+02:00"]) {
      assert.strictEqual(problems(endsOn(on)), "", on);
    }
  });

  it("refuses a gain that is none", () => {
    for (const smallestGain of [0, -1, NaN, Infinity]) {
      assert.match(problems({ smallestGain }), /Warn connecting passengers[^]*\["smallestGain"\]/);
    }
  });

  it("refuses a duration that is none, and costs that are no numbers", () => {
    for (const outcomeKnownAfter of [-1, Infinity]) {
      const decision = { ...options.decision, outcomeKnownAfter };
      assert.match(problems({ decision }), /\["outcomeKnownAfterMs"\]/, `${outcomeKnownAfter}`);
    }
    const { costs } = options.metric;
    const metric = { ...options.metric, costs: { ...costs, falseNegative: NaN } };
    assert.match(problems({ metric }), /\["falseNegative"\]/);
  });

  it("refuses a metric that contradicts itself", () => {
    const metric = { name: "m", unit: "USD", classCosts: { a: { a: 0 }, b: { a: 1, b: 0 } } };
    assert.match(problems({ metric }), /what does choosing "b" cost for "a"\?/);
  });

  it("reports all problems, not the first", () => {
    const found = problems({ ...endsOn("2027-02-30"), smallestGain: 0, owner: "", title: "" });
    for (const field of ["smallestGain", "owner", "title", "kill.on"]) assert.include(found, field);
  });
});

describe("expiry", () => {
  const charter = Charter.make(options);

  it("is the first instant of the kill date, in UTC", () => {
    assert.isFalse(Charter.isExpired(charter, new Date("2027-06-29T23:59:59.999Z")));
    assert.isTrue(Charter.isExpired(charter, new Date("2027-06-30T00:00:00.000Z")));
    assert.isTrue(Charter.isExpired(charter, new Date("2030-01-01T00:00:00Z")));
  });

  it("says who must renew what", () => {
    const { title, kill, owner } = charter.spec;
    const { message } = new Charter.CharterExpired({ title, ...kill, owner });
    assert.include(message, "ended on 2027-06-30 (no measured gain)");
    assert.include(message, "until passenger-care renews it");
  });
});

it("the moment of a decision reads as one, whether it is a moment or a clause", () => {
  const read = (madeAt: string) => Charter.moment({ madeAt });
  assert.strictEqual(read("departure"), "at departure");
  assert.strictEqual(read("when the bill is printed"), "when the bill is printed");
  assert.strictEqual(read("the evening before"), "the evening before");
  assert.strictEqual(read("theatre doors"), "at theatre doors");
});
