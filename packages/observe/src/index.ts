export * as RunLog from "./RunLog.ts";
