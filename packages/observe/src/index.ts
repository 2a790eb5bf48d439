export * as LogReader from "./LogReader.ts";
export * as Observer from "./Observer.ts";
export * as OpenLineage from "./OpenLineage.ts";
export * as RunLog from "./RunLog.ts";
export * as Telemetry from "./Telemetry.ts";
