/**
 * How the threads of a team keep step: all run the same program on shared memory, take numbered pieces
 * of work from a common counter, and wait for one another at barriers. A barrier costs well under a
 * microsecond when the threads arrive together: a waiting thread polls briefly before it sleeps.
 */

const arrived = 0;
const generation = 1;
const ticket = 2;
const stopAsked = 3;
const stopAgreed = 4;

/** Int32 words of the control block. */
export const controlWords = 5;
/** Polls before sleeping; roughly 20 to 50 microseconds. */
const polls = 5000;

/** One thread's view of its team. */
export interface Team {
  /** 0-based; thread 0 reports. */
  readonly thread: number;
  readonly threads: number;
  /** Waits for all threads, then starts the tickets at 0 again. Writes before it are visible after. */
  readonly barrier: () => void;
  /** The next piece of work: 0, 1, 2 … each given to exactly one thread between two barriers. */
  readonly take: () => number;
  /** Whether {@link askToStop} was called before the last barrier: the same answer to all threads. */
  readonly stopAsked: () => boolean;
}

/** Asks a team, from outside, to stop where it next looks. */
export const askToStop = (control: Int32Array): void => {
  Atomics.store(control, stopAsked, 1);
};

/** Joins the team whose control block is `control`. */
export const joinTeam = (control: Int32Array, thread: number, threads: number): Team => {
  if (threads === 1) {
    let next = 0;
    return {
      thread,
      threads,
      barrier: () => {
        next = 0;
      },
      take: () => next++,
      stopAsked: () => Atomics.load(control, stopAsked) === 1,
    };
  }
  return {
    thread,
    threads,
    barrier: () => {
      const current = Atomics.load(control, generation);
      if (Atomics.add(control, arrived, 1) === threads - 1) {
        Atomics.store(control, arrived, 0);
        Atomics.store(control, ticket, 0);
        Atomics.store(control, stopAgreed, Atomics.load(control, stopAsked));
        Atomics.add(control, generation, 1);
        Atomics.notify(control, generation);
        return;
      }
      for (let i = 0; i < polls; i++) {
        if (Atomics.load(control, generation) !== current) return;
      }
      while (Atomics.load(control, generation) === current) {
        Atomics.wait(control, generation, current);
      }
    },
    take: () => Atomics.add(control, ticket, 1),
    stopAsked: () => Atomics.load(control, stopAgreed) === 1,
  };
};
