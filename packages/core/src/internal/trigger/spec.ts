/** Triggers as data, and what is remembered of them. Public as part of `Trigger`. */
import * as Schema from "effect/Schema";

const common = {
  /** Unique in its pipeline: what is remembered of a trigger is found under it. */
  name: Schema.String,
  /**
   * What becomes of occurrences that wait because the pipeline runs. `latest`: one run for all of them,
   * caused by the newest; `all`: a run for each.
   */
  pending: Schema.Literals(["latest", "all"]),
};

/** At instants of a calendar. */
export const CronSpec = Schema.Struct({
  kind: Schema.tag("cron"),
  ...common,
  /** Minute, hour, day of the month, month, day of the week; seconds may come first. */
  expression: Schema.String,
  /** An IANA name, such as `Europe/Berlin`. */
  timeZone: Schema.String,
  /** Which occurrences run that were found more than a minute late, because nothing was watching. */
  missed: Schema.Literals(["latest", "skip", "all"]),
  /** Which of the two a local time means that the clock shows twice. */
  repeated: Schema.Literals(["first", "second", "both"]),
});
/** See {@link CronSpec}. */
export type CronSpec = typeof CronSpec.Type;

/** When a file appears or changes. */
export const NewFileSpec = Schema.Struct({
  kind: Schema.tag("newFile"),
  ...common,
  /** Relative to the folder of the pipeline's file. */
  glob: Schema.String,
  /** A file counts once its size and time of change have stayed the same for so long. */
  settleMs: Schema.Finite,
  /** What becomes of the files that are there at the first look. */
  existing: Schema.Literals(["skip", "run"]),
});
/** See {@link NewFileSpec}. */
export type NewFileSpec = typeof NewFileSpec.Type;

/** When something that is counted, such as the rows of a source, has grown. */
export const CountSpec = Schema.Struct({
  kind: Schema.tag("count"),
  ...common,
  atLeast: Schema.Finite,
  /** What becomes of what is there at the first look. */
  existing: Schema.Literals(["skip", "run"]),
});
/** See {@link CountSpec}. */
export type CountSpec = typeof CountSpec.Type;

/** When a run has emitted a signal. */
export const SignalSpec = Schema.Struct({
  kind: Schema.tag("signal"),
  ...common,
  signal: Schema.String,
  atLeast: Schema.Finite,
  /** The pipelines that are listened to; absent: every other one. */
  from: Schema.optionalKey(Schema.Array(Schema.String)),
});
/** See {@link SignalSpec}. */
export type SignalSpec = typeof SignalSpec.Type;

/** A trigger as data. */
export const TriggerSpec = Schema.Union([CronSpec, NewFileSpec, CountSpec, SignalSpec]);
/** See {@link TriggerSpec}. */
export type TriggerSpec = typeof TriggerSpec.Type;

/** A file as one look found it. */
const Look = Schema.Struct({ bytes: Schema.Int, changedMs: Schema.Finite });

/** A file that was dealt with. */
export const KnownFile = Schema.Struct({
  ...Look.fields,
  /** Absent for one that was there at the first look. */
  digest: Schema.optionalKey(Schema.String),
});
/** See {@link KnownFile}. */
export type KnownFile = typeof KnownFile.Type;

/** A file that may still be written to. */
export const Settling = Schema.Struct({ ...Look.fields, sinceMs: Schema.Finite });
/** See {@link Settling}. */
export type Settling = typeof Settling.Type;

/** What is remembered of a trigger from one look to the next. */
export const TriggerState = Schema.Union([
  /** The newest occurrence, or the first look if there was none. */
  Schema.Struct({ kind: Schema.tag("cron"), until: Schema.DateFromString }),
  Schema.Struct({
    kind: Schema.tag("newFile"),
    known: Schema.Record(Schema.String, KnownFile),
    settling: Schema.Record(Schema.String, Settling),
  }),
  /** The count at the last occurrence, and how many there were. */
  Schema.Struct({ kind: Schema.tag("count"), base: Schema.Finite, times: Schema.Int }),
  Schema.Struct({
    kind: Schema.tag("signal"),
    /** The last record of a stage that was looked at. */
    cursor: Schema.Int,
    /** Newest observation of each stage that was looked at, in milliseconds of event time. */
    seenUntil: Schema.Record(Schema.String, Schema.Finite),
  }),
]);
/** See {@link TriggerState}. */
export type TriggerState = typeof TriggerState.Type;

/** The state of one kind of trigger. */
export type StateOf<K extends TriggerState["kind"]> = Extract<TriggerState, { readonly kind: K }>;

/** The state, if it is one of this kind of trigger. */
export const stateOf = <K extends TriggerState["kind"]>(
  state: TriggerState | undefined,
  kind: K,
): StateOf<K> | undefined => (isOf(state, kind) ? state : undefined);

const isOf = <K extends TriggerState["kind"]>(
  state: TriggerState | undefined,
  kind: K,
): state is StateOf<K> => state?.kind === kind;

/**
 * What a look says: occurrences that were not there before, the oldest first, and what to remember: the
 * same object if that is what was remembered before.
 */
export interface Due<S extends TriggerState = TriggerState> {
  readonly occurrences: ReadonlyArray<string>;
  readonly state: S;
}
