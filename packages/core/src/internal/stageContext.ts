/** What a stage's `run` is given to tell things with. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Finding } from "../Finding.ts";
import type { Signal } from "../Signal.ts";
import type { StageContext, StageEvent, StageInfo } from "../Stage.ts";
import type { Stoppable } from "./stoppable.ts";

const encoders = new WeakMap<
  Signal,
  (payload: unknown) => Effect.Effect<Schema.Json, Schema.SchemaError>
>();

/** The context of a run; the schemas of payloads are compiled when a signal is first emitted. */
export const contextOf = <S>(info: StageInfo) => {
  const encode = (signal: Signal, value: unknown) => {
    const encoder =
      encoders.get(signal) ?? Schema.encodeUnknownEffect(Schema.toCodecJson(signal.payload));
    encoders.set(signal, encoder);
    return encoder(value);
  };
  return (
    report: (event: StageEvent) => Effect.Effect<void>,
    stoppable: Stoppable,
  ): StageContext<S> => {
    const notEmitted = (signal: string, found: string) =>
      report({ _tag: "Finding", finding: unusable(info.name, signal, found) });
    return {
      emit: (key, { at, value, payload }) => {
        const signal = info.signals[key];
        if (signal === undefined)
          return notEmitted(key, "a signal that the stage does not declare");
        const { name } = signal;
        if (!Number.isFinite(value)) return notEmitted(name, `the value ${value}`);
        if (Number.isNaN(at.getTime())) return notEmitted(name, "an event time that is no instant");
        return Effect.matchEffect(encode(signal, payload), {
          onFailure: (error) => notEmitted(name, `another payload: ${error.message}`),
          onSuccess: (json) =>
            report({ _tag: "Signal", emitted: { signal: name, at, value, payload: json } }),
        });
      },
      finding: (finding) => report({ _tag: "Finding", finding }),
      exhibit: (exhibit) => report({ _tag: "Exhibit", exhibit }),
      progress: (progress) => report({ _tag: "Progress", progress }),
      stoppable,
    };
  };
};

/** A signal that could not be measured is a finding: no hook would ever hear of it otherwise. */
const unusable = (stage: string, signal: string, found: string): Finding => ({
  check: `signal.${signal}`,
  severity: "fail",
  expected: "a finite value, an event time and a payload that fits the signal's schema",
  found,
  next: `Correct what stage "${stage}" emits: no hook has seen this observation.`,
});
