/** The verdicts of a run, and the one sentence that an owner reads first. */
import { type Run, Verdict } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { type Mark, ofOutcome, ofRun, ofVerdict } from "./status.ts";
import { count, list } from "./words.ts";

/** A verdict and the stage that gave it. */
export interface Found {
  readonly stage: string;
  readonly verdict: Verdict.Verdict;
}

/** What the outputs of a run say about verdicts. */
export interface Verdicts {
  /** In the order of the run; one that is handed on is listed where it was given. */
  readonly found: ReadonlyArray<Found>;
  /** Stages with an output that looks like a verdict, but does not follow from its evidence. */
  readonly doubtful: ReadonlyArray<string>;
}

const decode = Schema.decodeUnknownResult(Verdict.Verdict);
const looksLikeVerdict = Schema.is(
  Schema.Struct({
    evidence: Schema.Array(Schema.Json),
    status: Schema.String,
    testSet: Schema.Json,
  }),
);

/** The verdicts among the outputs of a run's stages. */
export const verdictsOf = (run: Run.Run): Verdicts => {
  const found = new Map<string, Found>();
  const doubtful = new Set<string>();
  for (const { stage, outputs } of run.stages) {
    for (const output of Object.values(outputs ?? {})) {
      const decoded = decode(output);
      if (decoded._tag === "Success") {
        const verdict = decoded.success;
        if (!found.has(verdict.digest)) found.set(verdict.digest, { stage, verdict });
      } else if (looksLikeVerdict(output)) doubtful.add(stage);
    }
  }
  return { found: [...found.values()], doubtful: [...doubtful] };
};

/** A conclusion: how it looks, what it says, and why. */
export interface Conclusion {
  readonly mark: Mark;
  readonly sentence: string;
  readonly why: string;
}

/** The run's conclusion: of its verdicts, or of how it ended if there is none. */
export const conclude = (run: Run.Run, { found, doubtful }: Verdicts): Conclusion => {
  if (doubtful.length > 0) {
    return {
      mark: { icon: "bang", word: "Doubtful", tone: "bad" },
      sentence: "A recorded verdict cannot be trusted.",
      why: `The verdict of ${list(doubtful)} does not follow from its evidence. Run the stage again and ask who changed the record.`,
    };
  }
  const last = found.at(-1);
  return last === undefined ? withoutVerdict(run) : ofOne(last.verdict);
};

const ofOne = ({ status, evidence }: Verdict.Verdict): Conclusion => {
  const mark = ofVerdict[status];
  const open = evidence.filter(({ outcome }) => outcome === blocking[status]);
  const [first] = open;
  if (status === "passed") {
    const all = evidence.length === 1 ? "its gate" : `all ${count(evidence.length, "gate")}`;
    return { mark, sentence: "The model passed.", why: `It passed ${all}.` };
  }
  const more =
    open.length < 2 ? "" : ` ${count(open.length - 1, "more gate")} ${wordOf[status]}, see below.`;
  const why =
    first === undefined
      ? "No gate gave an answer, and no answer is not a yes."
      : `“${first.gate}” ${wordOf[status]}: expected ${first.expected}, found ${first.found}.${more}`;
  return {
    mark,
    why,
    sentence:
      status === "rejected"
        ? "The model was rejected."
        : "The verdict is inconclusive: a person must decide.",
  };
};

const blocking = { passed: "passed", rejected: "failed", inconclusive: "inconclusive" } as const;
const wordOf = { rejected: "failed", inconclusive: "could not answer" } as const;

const withoutVerdict = (run: Run.Run): Conclusion => {
  const asks = run.stages.flatMap(({ status, asks }) => (status === "suspended" && asks) || []);
  if (run.status === "suspended" && asks.length > 0) {
    return {
      mark: ofRun.suspended,
      sentence: "The run waits for a person.",
      why: asks.map(({ question }) => question).join(" "),
    };
  }
  const ended = run.stages.find(
    ({ status }) =>
      status === "failed" ||
      status === "stopped" ||
      status === "suspended" ||
      status === "interrupted",
  );
  const where = ended === undefined ? "" : ` in ${ended.stage}`;
  const judges = run.graph.stages.some(({ outputs }) =>
    outputs.some(({ kind }) => /^Verdict\b/.test(kind)),
  );
  const why = judges
    ? "No model was judged, so there is no verdict."
    : "This pipeline has no gates, so there is no verdict.";
  const sentences: Record<Run.RunStatus, string> = {
    running: "The run is not finished.",
    succeeded: "The run finished.",
    stopped: `The run was stopped${where}.`,
    suspended: `The run waits${where}.`,
    failed: `The run failed${where}.`,
    interrupted: `The run was interrupted${where}.`,
  };
  const mark = run.status === "succeeded" && judges ? ofOutcome.inconclusive : ofRun[run.status];
  return { mark, sentence: sentences[run.status], why };
};
