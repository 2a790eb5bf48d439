/** What the engine tells, in the words of OpenLineage. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Engine, Graph, Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { type InputDataset, inputsOf, type OutputDataset, outputsOf } from "./datasets.ts";
import { type Facets, facet, known } from "./facets.ts";
import { producer, uuidOf } from "./uuid.ts";

/** A run event of OpenLineage 2-0-2. */
export interface LineageEvent {
  readonly eventType: "START" | "COMPLETE" | "FAIL" | "ABORT";
  readonly eventTime: string;
  readonly run: { readonly runId: string; readonly facets: Facets };
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Facets };
  readonly inputs: ReadonlyArray<InputDataset>;
  readonly outputs: ReadonlyArray<OutputDataset>;
  readonly producer: string;
  readonly schemaURL: string;
}

const schemaURL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/**
 * A run that goes on after it was interrupted or waited is another run there: one has one end. So this
 * is a run from one of its beginnings on.
 */
interface Session {
  readonly namespace: string;
  readonly run: Run.Run;
  readonly runId: string;
  readonly began: Date;
  /** Stages whose start was told, and all that have ended. */
  readonly started: Set<string>;
  readonly ended: Map<string, Run.StageRun>;
}

const sessionOf = (namespace: string, run: Run.Run): Session => {
  const resumed = run.resumedAt ?? [];
  return {
    namespace,
    run,
    runId: uuidOf(namespace, run.id, String(resumed.length)),
    began: resumed.at(-1) ?? run.startedAt,
    started: new Set(),
    ended: new Map(),
  };
};

/** Turns events into those of OpenLineage. Keeps what has started, and what has ended with which data. */
export const translator = (
  namespace: string,
): ((event: Engine.RunEvent) => ReadonlyArray<LineageEvent>) => {
  let session: Session | undefined;
  return (event) => {
    if (event._tag === "RunStarted") session = sessionOf(namespace, event.run);
    if (session === undefined) return [];
    switch (event._tag) {
      case "RunStarted":
        return [runEvent(session, "START", session.began, event.run)];
      case "StageStarted":
        session.started.add(event.stage.stage);
        return [stageEvent(session, "START", event.stage.startedAt, event.stage)];
      case "StageEnded":
        return stageEnded(session, event.stage);
      case "RunEnded": {
        const { endedAt = session.began } = event.run;
        return [runEvent(session, ends[event.run.status] ?? "ABORT", endedAt, event.run)];
      }
      default:
        return [];
    }
  };
};

const ends: { readonly [S in Run.StageStatus]?: LineageEvent["eventType"] } = {
  succeeded: "COMPLETE",
  cached: "COMPLETE",
  failed: "FAIL",
  stopped: "FAIL",
};

/** Stages that never began have no run; those that are reused begin and end at once. */
const stageEnded = (session: Session, record: Run.StageRun): ReadonlyArray<LineageEvent> => {
  const { stage, status, startedAt, endedAt = startedAt } = record;
  session.ended.set(stage, record);
  if (status === "skipped" || status === "not-reached") return [];
  const end = (at: Date) => stageEvent(session, ends[status] ?? "ABORT", at, record);
  if (session.started.has(stage)) return [end(endedAt)];
  // Of an earlier session, its times would lie before this one.
  const at = (date: Date) => (date < session.began ? session.began : date);
  return [stageEvent(session, "START", at(startedAt), record), end(at(endedAt))];
};

const runEvent = (
  session: Session,
  eventType: LineageEvent["eventType"],
  at: Date,
  run: Run.Run,
): LineageEvent => {
  const { graph, causedBy } = run;
  const failed = run.stages.find(({ failure }) => failure !== undefined)?.failure;
  const scheduled = causedBy !== undefined && "occurrence" in causedBy ? causedBy.occurrence : "";
  return {
    eventType,
    eventTime: at.toISOString(),
    run: {
      runId: session.runId,
      facets: known({
        processing_engine: engine,
        tags: tags({
          "ml_pipe.run.id": run.id,
          "ml_pipe.run.status": eventType === "START" ? undefined : run.status,
        }),
        nominalTime: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(scheduled)
          ? facet("nominalTime", { nominalStartTime: scheduled })
          : undefined,
        errorMessage: eventType === "FAIL" ? errorMessage(failed) : undefined,
      }),
    },
    job: {
      namespace: session.namespace,
      name: graph.pipeline,
      facets: known({
        jobType: jobType("PIPELINE"),
        documentation: documentation(graph.description),
        ownership: facet("ownership", { owners: [{ name: graph.charter.owner, type: "OWNER" }] }),
        sourceCodeLocation: sourceCode(graph.place),
      }),
    },
    inputs: [],
    outputs: [],
    producer,
    schemaURL,
  };
};

const stageEvent = (
  session: Session,
  eventType: LineageEvent["eventType"],
  at: Date,
  record: Run.StageRun,
): LineageEvent => {
  const { namespace, run, runId } = session;
  const { graph } = run;
  const node = graph.stages.find(({ name }) => name === record.stage);
  const isEnd = eventType !== "START";
  const parent = { run: { runId }, job: { namespace, name: graph.pipeline } };
  return {
    eventType,
    eventTime: at.toISOString(),
    run: {
      runId: uuidOf(runId, record.stage),
      facets: known({
        parent: facet("parent", { ...parent, root: parent }),
        processing_engine: engine,
        tags: tags({
          "ml_pipe.run.id": run.id,
          "ml_pipe.stage.status": isEnd ? record.status : undefined,
          "ml_pipe.cache.reused_from": record.reusedFrom,
        }),
        errorMessage: eventType === "FAIL" ? errorMessage(record.failure) : undefined,
      }),
    },
    job: {
      namespace,
      name: `${graph.pipeline}.${record.stage}`,
      facets: known({
        jobType: jobType("STAGE"),
        documentation: documentation(node?.description ?? ""),
        sourceCodeLocation: sourceCode(node?.place),
      }),
    },
    inputs: inputsOf(namespace, graph, isEnd ? record : begun(record), session.ended),
    outputs: isEnd ? outputsOf(namespace, graph, record) : [],
    producer,
    schemaURL,
  };
};

/** What was known when it began. */
const begun = ({ outputs: _, ...record }: Run.StageRun): Run.StageRun => ({
  ...record,
  findings: [],
});

const { version } = Schema.decodeUnknownSync(Schema.Struct({ version: Schema.String }))(
  createRequire(import.meta.url)("../../../package.json"),
);

const engine = facet("processing_engine", { name: "ml-pipe", version });

const jobType = (jobType: string) =>
  facet("jobType", { processingType: "BATCH", integration: "ML_PIPE", jobType });

const documentation = (description: string) =>
  description === "" ? undefined : facet("documentation", { description });

const tags = (values: { readonly [key: string]: string | undefined }) =>
  facet("tags", {
    tags: Object.entries(known(values)).map(([key, value]) => ({ key, value, source: "ML_PIPE" })),
  });

const errorMessage = (failure: Run.Failure | undefined) =>
  facet("errorMessage", {
    message: failure === undefined ? "unknown" : `${failure.tag}: ${failure.message}`,
    programmingLanguage: "TypeScript",
  });

const sourceCode = (place: Graph.Graph["place"]) =>
  place === undefined
    ? undefined
    : facet("sourceCodeLocation", {
        type: "file",
        url: `${pathToFileURL(place.file).href}#L${place.line}`,
        path: place.file,
      });
