import { assert, it } from "@effect/vitest";
import * as Cause from "effect/Cause";
import * as Config from "effect/Config";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Effect from "effect/Effect";
import { failureOf } from "./failure.ts";

it.effect("names a setting that is missing or wrong, without its value", () =>
  Effect.gen(function* () {
    const failed = (
      config: Config.Config<unknown>,
      settings: { readonly [name: string]: string },
    ) =>
      Effect.map(Effect.flip(config.parse(ConfigProvider.fromUnknown(settings))), (error) =>
        failureOf(Cause.fail(error)),
      );
    assert.deepStrictEqual(yield* failed(Config.Redacted("PGPASSWORD"), {}), {
      tag: "ConfigError",
      message:
        'a setting is missing, or of another kind: Expected string at ["PGPASSWORD"]. Set it in the environment',
    });
    const wrong = yield* failed(Config.Int("PORT"), { PORT: "s3cr3t" });
    assert.match(wrong.message, /finite number at \["PORT"\]/);
    assert.notInclude(wrong.message, "s3cr3t");
  }),
);
