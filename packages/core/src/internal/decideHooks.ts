/** What the hooks of a pipeline decide when a run ends, and where that leaves them. */
import type { Feedback } from "../Pipeline.ts";
import * as Hook from "../Hook.ts";
import type { HookRecord, StageRun } from "../Run.ts";

interface Ended {
  readonly stages: ReadonlyArray<StageRun>;
  /** Whether the run succeeded: only then may an armed hook act on it. */
  readonly succeeded: boolean;
  /** Where earlier runs left the hooks. */
  readonly previous: ReadonlyArray<HookRecord>;
}

/**
 * Decides on the signals of a run that ended. A dry hook is replayed over them, as if nothing had been
 * before. An armed one goes on from where earlier runs left it, so that neither a cached stage that
 * tells the same again nor a re-run can make it act twice on one observation.
 */
export const decideHooks = (
  feedback: ReadonlyArray<Feedback>,
  { stages, succeeded, previous }: Ended,
): ReadonlyArray<HookRecord> =>
  feedback.map((edge) => {
    const { node, signal, to, hook } = edge;
    const emitted = stages.find(({ stage }) => stage === node)?.signals ?? [];
    const history = emitted
      .filter((one) => one.signal === signal)
      .toSorted((a, b) => a.at.getTime() - b.at.getTime());
    const record = { stage: node, signal, ...(to === undefined ? {} : { to }), hook };
    const before = previous.find((one) => isSame(one, edge))?.state;
    if (!hook.armed) {
      const decisions = Hook.replay(hook.policy, history);
      return { ...record, decisions, ...(before === undefined ? {} : { state: before }) };
    }
    const state = before ?? Hook.initial;
    if (!succeeded) {
      const decisions = history.map(({ at, value }) => ({
        at,
        value,
        act: false,
        reason: "held: the run did not succeed, so the next one decides",
      }));
      return { ...record, decisions, state };
    }
    return { ...record, ...decideArmed(hook, state, history) };
  });

const decideArmed = (hook: Hook.Hook, from: Hook.HookState, history: StageRun["signals"]) => {
  const seenUntil = from.seenUntil ?? -Infinity;
  let state = from;
  const decisions = history.map(({ at, value }): Hook.Decision => {
    if (at.getTime() <= seenUntil) {
      return { at, value, act: false, reason: "an earlier run decided on it" };
    }
    const next = Hook.decide(hook.policy, state, { at, value });
    // An alert is over once it is told; a re-run begins after this run and ends later.
    state = hook.action === "alert" ? Hook.settled(next.state) : next.state;
    return next.decision;
  });
  return { decisions, state };
};

const isSame = (record: HookRecord, edge: Feedback): boolean =>
  record.stage === edge.node &&
  record.signal === edge.signal &&
  record.to === edge.to &&
  record.hook.action === edge.hook.action;
