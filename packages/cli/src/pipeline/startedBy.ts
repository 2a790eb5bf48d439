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
  const { status, stdout } = spawnSync("git", ["config", "--get-regexp", "^user\\.(email|name)$"], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0) return undefined;
  // `user.email ana@example.org`; a later line overrides an earlier one.
  const lines = stdout.split("\n").map((line) => line.split(/ (.*)/s));
  const last = (key: string) => lines.findLast(([name]) => name === key)?.[1];
  return last("user.email") ?? last("user.name");
};
