import { assert, describe, it } from "@effect/vitest";
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as Effect from "effect/Effect";
import { temporaryFolder } from "../internal/folder.fixture.ts";
import { own } from "./owner.ts";

const refusal = (folder: string) => Effect.flip(Effect.scoped(own(folder)));

describe("own", () => {
  it.effect("fails with advice where no lock can be", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = path.join(folder, "file");
      fs.writeFileSync(file, "");
      const inFile = yield* refusal(file);
      assert.strictEqual(inFile._tag, "StoreError");
      assert.match(inFile.message, /cannot lock the state folder.*writable.*--state/);
      assert.strictEqual((yield* refusal(path.join(folder, "absent")))._tag, "StoreError");
    }),
  );

  it.effect("a lock without a name beside it is still a lock", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const other = new DatabaseSync(path.join(folder, "owner.lock"));
      other.exec("BEGIN IMMEDIATE");
      for (const text of [undefined, "", "{}", '{"pid":"x"}']) {
        if (text !== undefined) fs.writeFileSync(path.join(folder, "owner.json"), text);
        const error = yield* refusal(folder);
        assert.strictEqual(error._tag, "FolderOwned");
        assert.match(error.message, /in use by another process\. Wait/);
      }
      other.close();
      yield* Effect.scoped(own(folder));
    }),
  );

  it.effect("a name without a lock is nothing: its process is gone", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const stale = JSON.stringify({ pid: 1, since: new Date(0).toISOString() });
      fs.writeFileSync(path.join(folder, "owner.json"), stale);
      yield* Effect.scoped(
        Effect.andThen(
          own(folder),
          Effect.sync(() => {
            const text = fs.readFileSync(path.join(folder, "owner.json"), "utf8");
            assert.strictEqual(JSON.parse(text).pid, process.pid);
          }),
        ),
      );
      assert.isFalse(fs.existsSync(path.join(folder, "owner.json")));
    }),
  );
});
