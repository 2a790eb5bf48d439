/** Whether a process still runs, as far as this one can tell. */
import { readFileSync } from "node:fs";

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
    return process.kill(pid, 0) && !hasEnded(pid);
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
};

/**
 * Whether a process has ended and only its parent has not been told: in a container whose first process
 * does not ask, a killed one keeps its number for ever. Linux says so; elsewhere nobody does.
 */
const hasEnded = (pid: number): boolean => {
  if (process.platform !== "linux") return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program, in parentheses, may contain anything; the state is behind it.
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
};
