/**
 * Stages: the steps of a pipeline. A stage is an Effect-returning function with a schema for each
 * input and output, typed errors and typed requirements.
 *
 * Called with references inside {@link Pipeline.make} it adds a node to the graph. `stage.run(input)`
 * runs it anywhere: in a test, in a service. Inputs are checked against their schemas at run time
 * too, since types vanish.
 */
export { CurrentRun } from "./internal/CurrentRun.ts";
export {
  type Call,
  type Fields,
  type Fingerprint,
  type Implementation,
  InputMismatch,
  make,
  named,
  type Node,
  type Ports,
  type Resources,
  type Stage,
  type StageInfo,
  StageInvalid,
  stops,
  suspends,
  type Typed,
  type Value,
} from "./stage/make.ts";
export { type Progress, Reporter, type StageContext, type StageEvent } from "./stage/events.ts";
export { when } from "./stage/when.ts";
export { approval, ApprovalPending, approved, Approved } from "./stage/approval.ts";
export {
  forEach,
  forEachStored,
  type Item,
  itemOf,
  type Items,
  ItemsFailed,
  ItemsInvalid,
  itemsOf,
  type OnFailure,
  type StoredItems,
  storedItemsOf,
} from "./stage/forEach.ts";
export { process, type ProcessError, type ProcessPaths } from "./stage/process.ts";
export {
  ProcessFailed,
  ProcessNotFound,
  ProcessOutOfMemory,
  ProcessOutputInvalid,
  ProcessTimedOut,
} from "./stage/processErrors.ts";
export type { SecretSources } from "./internal/executeProcess.ts";
export { python, type PythonDefinition } from "./stage/python.ts";
export { retry, type Retries } from "./stage/retry.ts";
export { StageTimedOut, timeout } from "./stage/timeout.ts";
export {
  worker,
  type WorkerContext,
  type WorkerError,
  type WorkerModule,
  workerModule,
  type WorkerRun,
} from "./stage/worker.ts";
export { WorkerFailed, WorkerOutOfMemory, WorkerOutputInvalid } from "./stage/workerErrors.ts";
