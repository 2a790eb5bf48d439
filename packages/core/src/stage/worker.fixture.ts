/** A module for a worker thread: does what its input says. */
import { existsSync } from "node:fs";
import type { WorkerContext } from "./worker.ts";

/** What it can be told to do. */
export interface Task {
  readonly what: string;
  readonly xs: ReadonlyArray<number>;
}

class Tagged extends Error {
  readonly _tag = "NoRows";
}

const grow = (): number => {
  const held: Array<ReadonlyArray<number>> = [];
  while (true) held.push(Array.from({ length: 10_000 }, Math.random));
};

const does: {
  readonly [what: string]: (task: Task, context: WorkerContext) => number | Promise<number>;
} = {
  sum: ({ xs }, { progress }) => {
    progress({ label: "adding", share: 0.5 });
    return xs.reduce((sum, x) => sum + x, 0);
  },
  /** Computes without a pause until a file is there. */
  spin: ({ xs }, { params }) => {
    while (!existsSync(String(params))) for (let i = 0; i < 1e4; i++) Math.sqrt(i);
    return xs.length;
  },
  forever: () => {
    // oxlint-disable-next-line no-console
    console.log("here");
    for (;;) Math.sqrt(2);
  },
  throw: () => {
    throw new Tagged("there are no rows");
  },
  "throw later": () =>
    new Promise<number>(() => {
      setTimeout(() => {
        throw new Tagged("there are no rows");
      }, 1);
    }),
  exit: () => process.exit(3),
  grow,
  // @ts-expect-error another type than promised
  text: () => "many",
  // @ts-expect-error another type than promised
  instance: () => ({ deep: [new Tagged("x")] }),
  /** Would keep the thread alive. */
  timer: () => {
    setInterval(() => {}, 1000);
    return 1;
  },
  tell: (_, { finding, progress }) => {
    // oxlint-disable-next-line no-console
    for (let line = 0; line < 100; line++) console.log(`line ${line}`);
    // oxlint-disable-next-line no-console
    console.error("careful");
    finding({ check: "c", severity: "info", expected: "a", found: "b", next: "d" });
    progress({ label: "bad", share: 7 });
    return 1;
  },
};

export default (task: Task, context: WorkerContext): number | Promise<number> => {
  const run = does[task.what];
  if (run === undefined) throw new Error(`cannot ${task.what}`);
  return run(task, context);
};
