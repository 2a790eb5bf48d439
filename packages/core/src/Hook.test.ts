import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Hook from "./Hook.ts";

interface Step {
  readonly at: number;
  readonly value: number;
  /** Whether an action in flight ends before this observation. */
  readonly settles: boolean;
}

const policies = fc
  .record({
    armAt: fc.integer({ min: 3, max: 8 }),
    gap: fc.integer({ min: 0, max: 4 }),
    confirm: fc.integer({ min: 1, max: 4 }),
    coolDownMs: fc.integer({ min: 0, max: 30 }),
    times: fc.integer({ min: 1, max: 3 }),
    perMs: fc.integer({ min: 1, max: 60 }),
  })
  .map(({ armAt, gap, confirm, coolDownMs, times, perMs }): Hook.HookPolicy => ({
    armAt,
    disarmBelow: armAt - gap,
    confirm,
    coolDownMs,
    budget: { times, perMs },
  }));

const step = fc.record({
  at: fc.integer({ min: 0, max: 200 }),
  value: fc.integer({ min: 0, max: 10 }),
  settles: fc.boolean(),
});
const disordered = fc.array(step, { maxLength: 120, size: "max" });
const ordered = disordered.map((steps) => steps.toSorted((a, b) => a.at - b.at));

const run = (policy: Hook.HookPolicy, steps: ReadonlyArray<Step>) => {
  let state = Hook.initial;
  return steps.map(({ at, value, settles }) => {
    if (settles) state = Hook.settled(state);
    const before = state;
    const next = Hook.decide(policy, state, { at: new Date(at), value });
    state = next.state;
    return { at, value, before, after: next.state, decision: next.decision };
  });
};

const always = (
  steps: fc.Arbitrary<ReadonlyArray<Step>>,
  law: (policy: Hook.HookPolicy, trace: ReturnType<typeof run>) => void,
) =>
  fc.assert(
    fc.property(policies, steps, (policy, list) => law(policy, run(policy, list))),
    { numRuns: 400 },
  );

const acts = (trace: ReturnType<typeof run>) => trace.filter(({ decision }) => decision.act);

describe("no storm of re-runs, whatever is observed", () => {
  it("the laws below see hooks that act", () => {
    const counts = fc
      .sample(fc.tuple(policies, ordered), { numRuns: 300, seed: 1 })
      .map(([policy, list]) => acts(run(policy, list)).length);
    assert.isAbove(counts.filter((count) => count > 1).length, 30);
  });

  it("never acts twice within the cool-down, even on disordered observations", () => {
    for (const steps of [ordered, disordered]) {
      always(steps, (policy, trace) => {
        const times = acts(trace).map(({ at }) => at);
        for (const [index, at] of times.entries()) {
          const last = times[index - 1];
          if (last === undefined) continue;
          assert.isAbove(at, last);
          assert.isAtLeast(at - last, policy.coolDownMs);
        }
      });
    }
  });

  it("never acts beyond its budget, in any window", () => {
    for (const steps of [ordered, disordered]) {
      always(steps, ({ budget }, trace) => {
        const times = acts(trace).map(({ at }) => at);
        for (const end of times) {
          const inWindow = times.filter((at) => at <= end && at > end - budget.perMs);
          assert.isAtMost(inWindow.length, budget.times);
        }
      });
    }
  });

  it("never acts while an action is in flight, and one is in flight once it acted", () => {
    always(disordered, (_, trace) => {
      for (const { before, after } of acts(trace)) {
        assert.isFalse(before.inFlight);
        assert.isTrue(after.inFlight);
      }
    });
  });

  it("acts only on observations confirmed in a row", () => {
    always(disordered, ({ confirm, armAt }, trace) => {
      for (const [index, { decision }] of trace.entries()) {
        if (!decision.act) continue;
        const last = trace.slice(Math.max(0, index + 1 - confirm), index + 1);
        assert.isTrue(last.length === confirm && last.every(({ value }) => value >= armAt));
      }
    });
  });

  it("having acted, waits for a value below the disarming threshold", () => {
    always(disordered, ({ disarmBelow }, trace) => {
      let quiet = true;
      for (const { value, decision } of trace) {
        if (value < disarmBelow) quiet = true;
        if (decision.act) assert.isTrue(quiet);
        if (decision.act) quiet = false;
      }
    });
  });

  it("holds only for a reason, and acts as soon as there is none", () => {
    always(ordered, (policy, trace) => {
      for (const { at, before, after, decision } of trace) {
        const last = before.actions.at(-1);
        const spent = before.actions.filter((one) => one > at - policy.budget.perMs).length;
        const free =
          after.raised >= policy.confirm &&
          before.phase === "watching" &&
          !before.inFlight &&
          (last === undefined || (at > last && at - last >= policy.coolDownMs)) &&
          spent < policy.budget.times;
        assert.strictEqual(decision.act, free, decision.reason);
        assert.isNotEmpty(decision.reason);
      }
    });
  });
});

describe("a hook's state", () => {
  it("stays small and survives being stored", () => {
    always(ordered, (policy, trace) => {
      for (const { after } of trace) {
        assert.isAtMost(after.actions.length, policy.budget.times);
        const stored: unknown = JSON.parse(JSON.stringify(after));
        assert.deepStrictEqual(Schema.decodeUnknownSync(Hook.HookState)(stored), after);
      }
    });
  });

  it("remembers the newest observation", () => {
    always(disordered, (_, trace) => {
      const seen = trace.at(-1)?.after.seenUntil;
      assert.strictEqual(
        seen,
        trace.length === 0 ? undefined : Math.max(...trace.map(({ at }) => at)),
      );
    });
  });
});

describe("replay", () => {
  it("is decide folded over the history, each action ending before the next observation", () => {
    fc.assert(
      fc.property(policies, ordered, (policy, steps) => {
        const history = steps.map(({ at, value }) => ({ at: new Date(at), value }));
        const folded = run(
          policy,
          steps.map((one) => ({ ...one, settles: true })),
        );
        assert.deepStrictEqual(
          Hook.replay(policy, history),
          folded.map(({ decision }) => decision),
        );
      }),
    );
  });

  it("tells the story of a drift in words", () => {
    const { policy } = Hook.rerun({
      armAt: 0.2,
      disarmBelow: 0.1,
      confirm: 2,
      coolDown: "3 days",
      budget: { times: 2, per: "30 days" },
    });
    const day = (n: number, value: number) => ({ at: new Date(Date.UTC(2001, 5, n)), value });
    const values = [0.1, 0.2, 0.3, 0.4, 0.15, 0.05, 0.2, 0.2, 0.3, 0.01, 0.2, 0.2, 0.0, 0.3, 0.3];
    assert.deepStrictEqual(
      Hook.replay(
        policy,
        values.map((value, index) => day(index + 1, value)),
      ).map(({ act, reason }) => `${act ? "acts" : "holds"}: ${reason}`),
      [
        "holds: below the threshold",
        "holds: raised 1 of 2 times in a row",
        "acts: raised 2 times in a row at or above 0.2",
        "holds: already acted; waits for a value below 0.1",
        "holds: below the threshold",
        "holds: back to normal: armed again",
        "holds: raised 1 of 2 times in a row",
        "acts: raised 2 times in a row at or above 0.2",
        "holds: already acted; waits for a value below 0.1",
        "holds: back to normal: armed again",
        "holds: raised 1 of 2 times in a row",
        "holds: budget spent: 2 of 2",
        "holds: below the threshold",
        "holds: raised 1 of 2 times in a row",
        "holds: budget spent: 2 of 2",
      ],
    );
  });

  it("says until when it cools down, and that a late observation is held", () => {
    const { policy } = Hook.alert({
      armAt: 1,
      disarmBelow: 1,
      coolDown: "1 hour",
      budget: { times: 9, per: "1 day" },
    });
    const at = (iso: string, value: number) => ({ at: new Date(iso), value });
    const reasons = Hook.replay(policy, [
      at("2001-06-01T00:00:00Z", 1),
      at("2001-06-01T00:10:00Z", 0),
      at("2001-06-01T00:30:00Z", 1),
      at("2001-05-31T00:00:00Z", 1),
      at("2001-06-01T01:00:00Z", 1),
    ]).map(({ reason }) => reason);
    assert.strictEqual(reasons[2], "cooling down until 2001-06-01T01:00:00.000Z");
    assert.strictEqual(reasons[3], "not newer than the last action: held");
    assert.match(reasons[4] ?? "", /^raised 3 times/);
  });
});

describe("a policy", () => {
  it("is dry unless armed, and modest unless told otherwise", () => {
    assert.deepStrictEqual(Hook.rerun({ armAt: 0.2 }), {
      action: "rerun",
      armed: false,
      policy: {
        armAt: 0.2,
        disarmBelow: 0.2,
        confirm: 1,
        coolDownMs: 0,
        budget: { times: 1, perMs: 7 * 24 * 3600 * 1000 },
      },
    });
    assert.strictEqual(Hook.alert({ armAt: 1, armed: true }).action, "alert");
  });

  it("that says something impossible is refused, with all its problems", () => {
    const bad: ReadonlyArray<readonly [Hook.PolicyOptions, RegExp]> = [
      [{ armAt: NaN }, /armAt/],
      [{ armAt: 1, disarmBelow: 2 }, /disarmBelow \(2\) to be at most armAt \(1\)/],
      [{ armAt: 1, confirm: 0, coolDown: -1 }, /confirm[^]*coolDownMs/],
      [{ armAt: 1, coolDown: Infinity }, /coolDownMs/],
      [{ armAt: 1, budget: { times: 0, per: "1 day" } }, /times/],
      [{ armAt: 1, budget: { times: 1, per: 0 } }, /perMs/],
    ];
    for (const [options, problem] of bad) {
      assert.throws(() => Hook.rerun(options), Hook.HookInvalid);
      assert.throws(() => Hook.alert(options), problem);
    }
  });
});
