/** Who starts a run, as far as this machine knows: claimed, not proven. */
import { spawnSync } from "node:child_process";
import * as os from "node:os";
import * as path from "node:path";

/** The name given, else `ML_PIPE_USER`, else Git's `user.email` or `user.name` there, else the login. */
export const startedBy = (given: string | undefined, file: string): string => {
  const named = given ?? process.env["ML_PIPE_USER"] ?? "";
  if (named !== "") return named;
  return gitUser(path.dirname(path.resolve(file))) ?? os.userInfo().username;
};

const gitUser = (folder: string): string | undefined => {
  for (const key of ["user.email", "user.name"]) {
    const { status, stdout } = spawnSync("git", ["config", key], { cwd: folder, encoding: "utf8" });
    if (status === 0 && stdout.trim() !== "") return stdout.trim();
  }
  return undefined;
};
