/** All processes that one command started, as far as they stayed in its group. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";

/** A process of a group. */
export interface Member {
  readonly pid: number;
  /** Resident memory; what processes share counts for each. */
  readonly residentBytes: number;
}

/** Sends a signal to the whole group; `false` if nobody is there. 0 only asks. */
export const signalGroup = (group: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-group, signal);
  } catch (cause) {
    // There, but another user's.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
};

/** The processes of a group that run: of those that ended and were not collected, none. */
export const membersOf = async (group: number): Promise<ReadonlyArray<Member>> =>
  process.platform === "linux" ? membersByProc(group) : membersByPs(group);

const membersByProc = (group: number): ReadonlyArray<Member> =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      // `pid (name) state parent group …`, and a name may hold anything.
      const [state, , of] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(of) !== group || state === "Z" || state === "X") return [];
      const status = readFileSync(`/proc/${name}/status`, "latin1");
      const [, kibibytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
      return [{ pid: Number(name), residentBytes: Number(kibibytes) * 1024 }];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });

const run = promisify(execFile);

const membersByPs = async (group: number): Promise<ReadonlyArray<Member>> => {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,pgid=,stat=,rss="]);
  return stdout.split("\n").flatMap((line) => {
    const [pid, of, state = "Z", kibibytes] = line.trim().split(/\s+/);
    if (Number(of) !== group || state.startsWith("Z")) return [];
    return [{ pid: Number(pid), residentBytes: Number(kibibytes) * 1024 }];
  });
};

/** Ends a group: asks first, and kills what is left after the grace. Answers when all have ended. */
export const terminate = async (group: number, graceMs: number): Promise<void> => {
  if (!signalGroup(group, "SIGTERM") || (await isGone(group, graceMs))) return;
  signalGroup(group, "SIGKILL");
  // Only what hangs in the kernel is still there then; it ends when its call returns.
  await isGone(group, 5000);
};

/** Waits until nobody of a group runs, at most so long. */
const isGone = async (group: number, atMostMs: number): Promise<boolean> => {
  const until = performance.now() + atMostMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(2 * pauseMs, 200)) {
    if (!signalGroup(group, 0) || (await membersOf(group)).length === 0) return true;
    const left = until - performance.now();
    if (left <= 0) return false;
    await wait(Math.min(pauseMs, left));
  }
};
