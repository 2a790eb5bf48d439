/**
 * Triggers: what makes `ml-pipe daemon` run a pipeline. An instant of a calendar, a new file, more rows
 * at a source, a signal of another pipeline.
 *
 * A trigger is data, which the graph shows. Whether something is due is a pure function of what is
 * remembered and what a look found; each occurrence has a stable name, so that it causes one run,
 * whatever happens to the daemon.
 */
import * as Duration from "effect/Duration";
import type * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { dueCron, following, parseCron, usualRepeated } from "./internal/trigger/cron.ts";
import { dueFiles, type FileSeen } from "./internal/trigger/files.ts";
import { dueCount, dueSignals, type SignalsSeen } from "./internal/trigger/grown.ts";
import {
  type CronSpec,
  type Due,
  stateOf,
  type TriggerSpec,
  type TriggerState,
} from "./internal/trigger/spec.ts";
import type { Signal as SignalKind } from "./Signal.ts";

export type { FileSeen } from "./internal/trigger/files.ts";
export type { SignalSeen, SignalsSeen } from "./internal/trigger/grown.ts";
export { type Due, TriggerSpec, TriggerState } from "./internal/trigger/spec.ts";

/**
 * A trigger of a pipeline.
 *
 * @typeParam R - the services that it needs to look
 */
export interface Trigger<out R = unknown> {
  readonly spec: TriggerSpec;
  /** Of a trigger that counts: how. */
  readonly count: Effect.Effect<number, unknown, R> | undefined;
}

/** A trigger that says something impossible: thrown where it is made. */
export class TriggerInvalid extends Schema.TaggedError<TriggerInvalid>()("TriggerInvalid", {
  trigger: Schema.String,
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `trigger "${this.trigger}": ${this.problem}. ${this.next}.`;
  }
}

interface Options {
  /** Unique in its pipeline. Default: in words what it watches. */
  readonly name?: string;
  /**
   * What becomes of occurrences that wait because the pipeline runs. `latest` (default): one run for
   * all of them, caused by the newest; `all`: a run for each.
   */
  readonly pending?: "latest" | "all";
}

/** How a calendar is read. */
export interface CronOptions extends Options {
  /** An IANA name. Default `UTC`. */
  readonly timeZone?: string;
  /**
   * Which occurrences run that nobody watched for, found more than a minute late. Default `latest`: the
   * newest. `all`: each of the newest thousand, and then `pending` is `all` too.
   */
  readonly missed?: "latest" | "skip" | "all";
  /**
   * Which of the two a local time means that the clock shows twice, when it is put back. Default: `first`
   * if the expression names hours, `both` if it runs in every hour.
   */
  readonly repeated?: "first" | "second" | "both";
}

/**
 * Runs at instants of a calendar. A local time that does not exist, because the clock is put forward,
 * means the same distance after the jump: 02:30 is 03:30 on that day. Throws {@link TriggerInvalid} for
 * an expression or time zone that means nothing.
 *
 * @example
 * ```ts
 * import { Trigger } from "@ml-pipe/core";
 *
 * const daily = Trigger.cron("0 6 * * *", { timeZone: "Europe/Berlin" });
 * const name: string = daily.spec.name; // "cron 0 6 * * * Europe/Berlin"
 * ```
 */
export const cron = (expression: string, options: CronOptions = {}): Trigger<never> => {
  const { timeZone = "UTC", missed = "latest" } = options;
  const { name = `cron ${expression} ${timeZone}`, pending = missed === "all" ? "all" : "latest" } =
    options;
  const invalid = (problem: string, next: string) =>
    new TriggerInvalid({ trigger: name, problem, next });
  const parsed = parseCron(expression, timeZone);
  if (Result.isFailure(parsed)) {
    throw invalid(
      parsed.failure,
      'Give minute, hour, day, month and weekday, and a time zone such as "Europe/Berlin"',
    );
  }
  const { repeated = usualRepeated(parsed.success) } = options;
  const spec: CronSpec = { kind: "cron", name, expression, timeZone, missed, repeated, pending };
  try {
    following(spec, new Date(0));
  } catch {
    throw invalid(`no instant is ever like "${expression}"`, "Correct the day and the month");
  }
  return { spec, count: undefined };
};

/** Which files count, and when. */
export interface NewFileOptions extends Options {
  /**
   * A file counts once its size and time of change have stayed the same for so long. Default 5 seconds.
   * Who writes more slowly should write under another name and rename.
   */
  readonly settle?: Duration.Input;
  /** `run`: the files that are there at the first look count too. Default `skip`. */
  readonly existing?: "skip" | "run";
}

/**
 * Runs when a file appears or its content changes. The glob is below the folder of the pipeline's file;
 * hidden files do not count. Throws {@link TriggerInvalid} for one that leads out of it.
 *
 * @example
 * ```ts
 * import { Trigger } from "@ml-pipe/core";
 *
 * const arrival = Trigger.newFile("data/*.parquet", { settle: "1 minute" });
 * ```
 */
export const newFile = (glob: string, options: NewFileOptions = {}): Trigger<never> => {
  const { name = `new ${glob}`, pending = "latest", settle = "5 seconds" } = options;
  const invalid = (problem: string, next: string) =>
    new TriggerInvalid({ trigger: name, problem, next });
  if (glob === "" || /^([/\\]|[a-z]:)/i.test(glob) || glob.split(/[/\\]/).includes("..")) {
    throw invalid(
      `"${glob}" is not a glob below the folder of the pipeline's file`,
      'Give one such as "data/*.parquet"; a link in that folder may lead elsewhere',
    );
  }
  const duration = Option.getOrUndefined(Duration.fromInput(settle));
  if (duration === undefined || !Duration.isFinite(duration)) {
    throw invalid("its files never settle", 'Give a duration such as "5 seconds"');
  }
  const settleMs = Duration.toMillis(duration);
  const { existing = "skip" } = options;
  return {
    spec: { kind: "newFile", name, glob, settleMs, existing, pending },
    count: undefined,
  };
};

/** What is counted, and how much is enough. */
export interface CountOptions<R> extends Omit<Options, "name"> {
  /** How many there are now, such as the rows of a source. */
  readonly of: Effect.Effect<number, unknown, R>;
  /** Runs once there are so many more than at the last occurrence. */
  readonly atLeast: number;
  /** `run`: what is there at the first look counts too. Default `skip`. */
  readonly existing?: "skip" | "run";
}

/**
 * Runs when there is so much more of something than when this trigger last ran. Where the count falls,
 * what grows after the fall counts. Throws {@link TriggerInvalid} unless `atLeast` is above 0.
 *
 * @example
 * ```ts
 * import { Trigger } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const flights: Effect.Effect<number> = Effect.succeed(120_000); // asks the source
 * const enough = Trigger.count("new flights", { of: flights, atLeast: 10_000 });
 * ```
 */
export const count = <R = never>(name: string, options: CountOptions<R>): Trigger<R> => {
  const { atLeast, pending = "latest", existing = "skip" } = options;
  if (!(atLeast > 0) || !Number.isFinite(atLeast)) {
    throw new TriggerInvalid({
      trigger: name,
      problem: `it would run at ${atLeast} more`,
      next: "Give a number above 0",
    });
  }
  return { spec: { kind: "count", name, atLeast, existing, pending }, count: options.of };
};

/** Which observations of a signal count. */
export interface SignalOptions extends Options {
  /** The measured value that is enough. */
  readonly atLeast: number;
  /**
   * Names of the pipelines that are listened to. Default: every other one in the state folder; a
   * pipeline reacts to its own signals with `Pipeline.feedback`.
   */
  readonly from?: ReadonlyArray<string>;
}

/**
 * Runs when a run recorded in the state folder has emitted a signal at or above a value. An observation
 * counts once, however many runs repeat it: it must be newer, in event time, than those before.
 *
 * @example
 * ```ts
 * import { Trigger } from "@ml-pipe/core";
 *
 * const drifted = Trigger.signal("DataDrift", { atLeast: 0.2, from: ["watch-flights"] });
 * ```
 */
export const signal = (kind: string | SignalKind, options: SignalOptions): Trigger<never> => {
  const signal = typeof kind === "string" ? kind : kind.name;
  const { name = `signal ${signal}`, pending = "latest", atLeast, from } = options;
  if (!Number.isFinite(atLeast)) {
    throw new TriggerInvalid({
      trigger: name,
      problem: `it would run at a value of ${atLeast}`,
      next: "Give a number in the unit that the signal documents",
    });
  }
  return {
    spec: {
      kind: "signal",
      name,
      signal,
      atLeast,
      pending,
      ...(from === undefined ? {} : { from }),
    },
    count: undefined,
  };
};

/** What a look found, for each kind of trigger. */
export type Observation =
  | { readonly kind: "cron"; readonly now: Date }
  | { readonly kind: "newFile"; readonly files: ReadonlyArray<FileSeen>; readonly now: Date }
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "signal"; readonly seen: SignalsSeen; readonly pipeline: string };

/**
 * What is due: the occurrences that were not there before, the oldest first, and what to remember. Pure:
 * no clock, no side effect. At the first look, without a state, nothing is due (unless `existing` says
 * otherwise). A state of another kind of trigger counts as none.
 *
 * @example
 * ```ts
 * import { Trigger } from "@ml-pipe/core";
 *
 * const { spec } = Trigger.cron("0 6 * * *");
 * const at = (time: string) => ({ kind: "cron", now: new Date(time) }) as const;
 * const first = Trigger.due(spec, undefined, at("2026-11-24T05:00Z"));
 * const { occurrences } = Trigger.due(spec, first.state, at("2026-11-24T06:00Z"));
 * occurrences; // ["2026-11-24T06:00:00.000Z"]
 * ```
 */
export const due = (
  spec: TriggerSpec,
  state: TriggerState | undefined,
  observation: Observation,
): Due => {
  if (spec.kind === "cron" && observation.kind === "cron") {
    return dueCron(spec, stateOf(state, "cron"), observation.now);
  }
  if (spec.kind === "newFile" && observation.kind === "newFile") {
    return dueFiles(spec, stateOf(state, "newFile"), observation.files, observation.now);
  }
  if (spec.kind === "count" && observation.kind === "count") {
    return dueCount(spec, stateOf(state, "count"), observation.count);
  }
  if (spec.kind === "signal" && observation.kind === "signal") {
    return dueSignals(spec, stateOf(state, "signal"), observation.seen, observation.pipeline);
  }
  throw new TypeError(`a trigger of kind ${spec.kind} was shown a ${observation.kind}`);
};

/**
 * When a trigger of a calendar is due next, if it is one.
 *
 * @example
 * ```ts
 * import { Trigger } from "@ml-pipe/core";
 *
 * const { spec } = Trigger.cron("0 6 * * *");
 * const at = Trigger.next(spec, new Date("2026-11-24T07:00Z")); // 2026-11-25, 06:00 UTC
 * ```
 */
export const next = (spec: TriggerSpec, now: Date): Date | undefined =>
  spec.kind === "cron" ? following(spec, now) : undefined;
