/** The vocabulary of ml-pipe as values with schemas, and the engine that runs a graph of them. */
export * as Approval from "./Approval.ts";
export * as Artifact from "./Artifact.ts";
export * as Charter from "./Charter.ts";
export * as Column from "./Column.ts";
export * as Contract from "./Contract.ts";
export * as Daemon from "./Daemon.ts";
export * as Digest from "./Digest.ts";
export * as Engine from "./Engine.ts";
export * as Exhibit from "./Exhibit.ts";
export * as Finding from "./Finding.ts";
export * as Graph from "./Graph.ts";
export * as Hook from "./Hook.ts";
export * as Lineage from "./Lineage.ts";
export * as LocalEngine from "./LocalEngine.ts";
export * as Metric from "./Metric.ts";
export * as Plan from "./Plan.ts";
export * as Pipeline from "./Pipeline.ts";
export * as Ref from "./Ref.ts";
export * as Retention from "./Retention.ts";
export * as RunDifference from "./RunDifference.ts";
export * as Run from "./Run.ts";
export * as Signal from "./Signal.ts";
export * as Stage from "./Stage.ts";
export * as Store from "./Store.ts";
export * as Trigger from "./Trigger.ts";
export * as Verdict from "./Verdict.ts";
/** Under its own name too, so that other packages' declarations can mention it without importing it. */
export type { ArtifactStore } from "./Artifact.ts";
