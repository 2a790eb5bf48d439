/** Triggers in words. */
import type { Trigger } from "@ml-pipe/core";
import { count } from "./text.ts";

/** A trigger in words. */
export const triggerText = (spec: Trigger.TriggerSpec): string => {
  switch (spec.kind) {
    case "cron":
      return `at ${spec.expression} in ${spec.timeZone}; missed: ${spec.missed}`;
    case "newFile":
      return `when a file matching ${spec.glob} is new, or its content`;
    case "count":
      return `when there are ${count(spec.atLeast)} more`;
    case "signal": {
      const from = spec.from === undefined ? "another pipeline" : spec.from.join(" or ");
      return `when ${from} emits ${spec.signal} of ${spec.atLeast} or more`;
    }
  }
};
