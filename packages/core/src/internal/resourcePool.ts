/** Cores and memory of this machine, given to stages in the order in which they ask. */
import * as os from "node:os";
import * as Effect from "effect/Effect";
import type { Resources } from "../Stage.ts";

/** What there is to give away. */
export interface Capacity {
  readonly cores: number;
  readonly memoryBytes: number;
}

/** The cores and memory that this process may use: of its container, if it is in one. */
export const machineCapacity = (): Capacity => {
  const limit = process.constrainedMemory();
  const total = os.totalmem();
  return {
    cores: os.availableParallelism(),
    memoryBytes: limit > 0 && limit < total ? limit : total,
  };
};

/** A pool that never gives away more than it has. */
export interface ResourcePool {
  readonly capacity: Capacity;
  /**
   * Runs an effect with what it needs, after those that asked before. `onWait` is told if it has to
   * wait.
   */
  readonly use: (
    needs: Resources,
    onWait: Effect.Effect<void>,
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>;
}

/** A pool of so much. First come, first served, so that a large stage is not passed by for ever. */
export const makePool = (capacity: Capacity): ResourcePool => {
  let free = capacity;
  const queue: Array<{ readonly needs: Capacity; readonly admit: () => void }> = [];
  const fits = (needs: Capacity): boolean =>
    needs.cores <= free.cores && needs.memoryBytes <= free.memoryBytes;
  const change = (needs: Capacity, sign: 1 | -1): void => {
    free = {
      cores: free.cores + sign * needs.cores,
      memoryBytes: free.memoryBytes + sign * needs.memoryBytes,
    };
  };
  const serve = (): void => {
    for (let [next] = queue; next !== undefined && fits(next.needs); [next] = queue) {
      queue.shift();
      change(next.needs, -1);
      next.admit();
    }
  };
  const acquire = (needs: Capacity, onWait: Effect.Effect<void>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (queue.length === 0 && fits(needs)) {
        change(needs, -1);
        return Effect.void;
      }
      const wait = Effect.callback<void>((resume) => {
        let admitted = false;
        const waiting = { needs, admit: () => ((admitted = true), resume(Effect.void)) };
        queue.push(waiting);
        serve();
        return Effect.sync(() => {
          // Interrupted: it may have been let in at the same moment.
          if (admitted) change(needs, 1);
          else queue.splice(queue.indexOf(waiting), 1);
          serve();
        });
      });
      return Effect.andThen(onWait, wait);
    });
  const release = (needs: Capacity): Effect.Effect<void> =>
    Effect.sync(() => {
      change(needs, 1);
      serve();
    });
  return {
    capacity,
    use: (asked, onWait) => {
      const needs = needsOf(asked, capacity);
      return (effect) =>
        Effect.acquireUseRelease(
          Effect.interruptible(acquire(needs, onWait)),
          () => effect,
          () => release(needs),
        );
    },
  };
};

/** What a stage needs of a machine of this capacity. */
export const needsOf = ({ cores, memoryBytes }: Resources, capacity: Capacity): Capacity => ({
  cores: cores === "all" ? capacity.cores : cores,
  memoryBytes,
});
