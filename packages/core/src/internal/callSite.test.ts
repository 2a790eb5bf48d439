import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { type CallSite, callSites } from "./callSite.ts";
import { temporaryFolder } from "./folder.fixture.ts";

const look = (): ReadonlyArray<CallSite> => callSites(look);

const inner = () => look();
const outer = () => inner();

describe("callSites", () => {
  it("gives the calls, the innermost first", () => {
    const [first, second, third] = outer();
    assert.deepStrictEqual(
      [first, second, third].map((site) => path.basename(site?.file ?? "")),
      ["callSite.test.ts", "callSite.test.ts", "callSite.test.ts"],
    );
    assert.strictEqual((second?.line ?? 0) - (first?.line ?? 0), 1);
  });

  it.effect("ends at the module that is being loaded, not at whoever loads it", () =>
    Effect.gen(function* () {
      const file = path.join(fs.realpathSync(yield* temporaryFolder), "loaded.cjs");
      fs.writeFileSync(
        file,
        "const make = (look) => look();\nexports.sites = make(process.look);\n",
      );
      Object.assign(process, { look });
      const load = () => createRequire(import.meta.url)(file);
      const { sites }: { readonly sites: ReadonlyArray<CallSite> } = load();
      Reflect.deleteProperty(process, "look");
      assert.deepStrictEqual(
        sites.map((site) => [site.file, site.line]),
        [
          [file, 1],
          [file, 2],
        ],
      );
    }),
  );
});
