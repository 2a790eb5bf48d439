/**
 * Hooks: what a signal may cause, and under which policy.
 *
 * A hook is a pure state machine. It acts only when a signal stays above its arming threshold for a
 * number of observations, then waits until the signal fell below the disarming threshold, respects a
 * cool-down and a budget, and never acts while an earlier action is in flight. The same function
 * decides live and when a hook is replayed over recorded history before it is armed.
 */
import * as Duration from "effect/Duration";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import type { Emitted } from "./Signal.ts";

/** When a hook acts, as data. Durations are in milliseconds of event time. */
export const HookPolicy = Schema.Struct({
  /** The signal counts as raised at or above this value. */
  armAt: Schema.Finite,
  /** After acting, the hook re-arms once the signal is below this value. At most `armAt`. */
  disarmBelow: Schema.Finite,
  /** Raised observations in a row before the hook acts. */
  confirm: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  coolDownMs: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  /** At most `times` actions within `perMs`. */
  budget: Schema.Struct({
    times: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
    perMs: Schema.Finite.check(Schema.isGreaterThan(0)),
  }),
}).check(
  Schema.makeFilter(
    ({ armAt, disarmBelow }) =>
      disarmBelow <= armAt ||
      `expected disarmBelow (${disarmBelow}) to be at most armAt (${armAt}), or the hook could act on every observation`,
  ),
);
/** See {@link HookPolicy}. */
export type HookPolicy = typeof HookPolicy.Type;

/** What a hook does when it acts. */
export const HookAction = Schema.Literals(["rerun", "alert"]);
/** See {@link HookAction}. */
export type HookAction = typeof HookAction.Type;

/** A hook: an action, its policy, and whether it is armed. A hook that is not armed only reports. */
export const Hook = Schema.Struct({
  action: HookAction,
  policy: HookPolicy,
  /** `false`: the hook decides and records, but does nothing ("dry"). */
  armed: Schema.Boolean,
});
/** See {@link Hook}. */
export type Hook = typeof Hook.Type;

/** A policy as authors write it. */
export interface PolicyOptions {
  readonly armAt: number;
  /** Default: `armAt`. */
  readonly disarmBelow?: number;
  /** Default 1. */
  readonly confirm?: number;
  /** Default none. */
  readonly coolDown?: Duration.Input;
  /** Default: one action a week. */
  readonly budget?: { readonly times: number; readonly per: Duration.Input };
  /** Default `false`: dry. Replay a hook over recorded runs before arming it. */
  readonly armed?: boolean;
}

/** A policy that says something impossible, such as a disarming threshold above the arming one. */
export class HookInvalid extends Schema.TaggedError<HookInvalid>()("HookInvalid", {
  problems: Schema.String,
}) {
  override get message(): string {
    return `the policy of a hook is not valid:\n${this.problems}`;
  }
}

const make = (action: HookAction, options: PolicyOptions): Hook => {
  const policy = Schema.decodeUnknownResult(HookPolicy, { errors: "all" })({
    armAt: options.armAt,
    disarmBelow: options.disarmBelow ?? options.armAt,
    confirm: options.confirm ?? 1,
    coolDownMs: toMillis(options.coolDown ?? 0),
    budget: {
      times: options.budget?.times ?? 1,
      perMs: toMillis(options.budget?.per ?? "1 week"),
    },
  });
  if (policy._tag === "Failure") throw new HookInvalid({ problems: policy.failure.message });
  return { action, armed: options.armed ?? false, policy: policy.success };
};

const toMillis = (input: Duration.Input) =>
  Option.match(Duration.fromInput(input), { onNone: () => NaN, onSome: Duration.toMillis });

/**
 * Runs the target stage, and what depends on it, again; without a target, every stage. Throws
 * {@link HookInvalid} if the policy says something impossible.
 *
 * @example
 * ```ts
 * import { Hook } from "@ml-pipe/core";
 *
 * const retrain = Hook.rerun({ armAt: 0.2, disarmBelow: 0.1, confirm: 3, coolDown: "7 days" });
 * ```
 */
export const rerun = (options: PolicyOptions): Hook => make("rerun", options);
/**
 * Tells the owner named in the charter. Throws {@link HookInvalid} as {@link rerun} does.
 *
 * @example
 * ```ts
 * import { Hook } from "@ml-pipe/core";
 *
 * const tell = Hook.alert({ armAt: 0.1, budget: { times: 1, per: "1 day" }, armed: true });
 * ```
 */
export const alert = (options: PolicyOptions): Hook => make("alert", options);

/** Where a hook stands. Instants are in milliseconds since the epoch, of event time. */
export const HookState = Schema.Struct({
  phase: Schema.Literals(["watching", "acted"]),
  /** Raised observations in a row. */
  raised: Schema.Int,
  /** An action has begun and not ended. */
  inFlight: Schema.Boolean,
  /** Earlier actions that still count against the budget or the cool-down, oldest first. */
  actions: Schema.Array(Schema.Finite),
  /** The newest observation that was decided on, if there was one. */
  seenUntil: Schema.optionalKey(Schema.Finite),
});
/** See {@link HookState}. */
export type HookState = typeof HookState.Type;

/** The state of a hook that has seen nothing yet. */
export const initial: HookState = { phase: "watching", raised: 0, inFlight: false, actions: [] };

/** One decision of a hook, with the reason in words. */
export const Decision = Schema.Struct({
  at: Schema.DateFromString,
  value: Schema.Finite,
  act: Schema.Boolean,
  reason: Schema.String,
});
/** See {@link Decision}. */
export type Decision = typeof Decision.Type;

/**
 * Decides on one observation. Pure: no clock, no side effect. `at` is event time; observations should
 * come in its order (one that is not newer than the last action is held, and says so).
 *
 * @example
 * ```ts
 * import { Hook } from "@ml-pipe/core";
 *
 * const { policy } = Hook.rerun({ armAt: 0.2, confirm: 2 });
 * const seen = { at: new Date("2026-11-01"), value: 0.3 };
 * const reason: string = Hook.decide(policy, Hook.initial, seen).decision.reason;
 * // "raised 1 of 2 times in a row"
 * ```
 */
export const decide = (
  policy: HookPolicy,
  state: HookState,
  observation: { readonly at: Date; readonly value: number },
): { readonly state: HookState; readonly decision: Decision } => {
  const { at, value } = observation;
  const now = at.getTime();
  const seenUntil = Math.max(now, state.seenUntil ?? now);
  const raised = value >= policy.armAt ? state.raised + 1 : 0;
  const rearmed = state.phase === "acted" && value < policy.disarmBelow;
  const phase = rearmed ? "watching" : state.phase;
  const last = state.actions.at(-1);
  const counted = state.actions.filter((action) => action > now - policy.budget.perMs);

  const hold = (reason: string) => ({
    state: { ...state, phase, raised, seenUntil },
    decision: { at, value, act: false, reason },
  });

  if (raised === 0) return hold(rearmed ? "back to normal: armed again" : "below the threshold");
  if (raised < policy.confirm) return hold(`raised ${raised} of ${policy.confirm} times in a row`);
  if (phase === "acted") {
    return hold(`already acted; waits for a value below ${policy.disarmBelow}`);
  }
  if (state.inFlight) return hold("an earlier action is still in flight");
  if (last !== undefined && now <= last) return hold("not newer than the last action: held");
  if (last !== undefined && now - last < policy.coolDownMs) {
    return hold(`cooling down until ${new Date(last + policy.coolDownMs).toISOString()}`);
  }
  if (counted.length >= policy.budget.times) {
    return hold(`budget spent: ${counted.length} of ${policy.budget.times}`);
  }
  return {
    state: { phase: "acted", raised, inFlight: true, actions: [...counted, now], seenUntil },
    decision: {
      at,
      value,
      act: true,
      reason: `raised ${raised} times in a row at or above ${policy.armAt}`,
    },
  };
};

/**
 * The state after the action that a hook started has ended.
 *
 * @example
 * ```ts
 * import { Hook } from "@ml-pipe/core";
 *
 * const free: boolean = Hook.settled(Hook.initial).inFlight; // false
 * ```
 */
export const settled = (state: HookState): HookState => ({ ...state, inFlight: false });

/**
 * Replays a hook over recorded signals, as if each action ended before the next observation.
 *
 * @example
 * ```ts
 * import { Hook } from "@ml-pipe/core";
 *
 * const hook = Hook.rerun({ armAt: 0.2 });
 * const decisions = Hook.replay(hook.policy, [{ at: new Date(0), value: 0.3 }]);
 * const acted: boolean | undefined = decisions[0]?.act; // true
 * ```
 */
export const replay = (
  policy: HookPolicy,
  history: ReadonlyArray<Pick<Emitted, "at" | "value">>,
): ReadonlyArray<Decision> => {
  let state = initial;
  return history.map(({ at, value }) => {
    const next = decide(policy, state, { at, value });
    state = settled(next.state);
    return next.decision;
  });
};
