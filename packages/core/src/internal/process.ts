/** Whether a process still runs, as far as this one can tell. */

/** When this process started, in milliseconds since the epoch. */
const startedMillis = Date.now() - process.uptime() * 1000;

/**
 * Whether the process that wrote something at an instant is still there. Our own number is not
 * enough: in a container every process may have the same one, so what is older than this process was
 * another's.
 */
export const isAlive = (pid: number, wroteAtMillis: number): boolean => {
  // Clocks of files and of processes may differ by a tick.
  if (pid === process.pid) return wroteAtMillis >= startedMillis - 1000;
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
};
