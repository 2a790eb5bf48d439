/** How a released system answers a request with a list. */
import { Contract } from "@ml-pipe/core";
import { Release, type ServedSystem } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { ListPrediction } from "../Prediction.ts";
import type { Answered, Predictor, Refused } from "../Predictor.ts";
import * as Request from "../Request.ts";
import { metField } from "./listRequest.ts";

/** What is wrong with the request of a release, if something is. */
export const requestProblem = ({ system, request }: Release.SystemRelease): string | undefined => {
  const { user } = system.interactions;
  return Object.keys(request.columns).toSorted().join() === [user, metField].toSorted().join()
    ? undefined
    : `its request does not have the columns ${user}, ${metField}`;
};

/** A predictor that answers with lists, but for one request at a time. */
export const answeringBy = (
  release: Release.SystemRelease,
  surface: ServedSystem.Surface,
): Omit<Predictor, "predict"> => {
  const say = listTeller(release, surface);
  const check = Request.checker(release.request);
  return {
    release,
    label: Release.label(release),
    signature: Contract.toJsonSchema(release.request),
    example: { ...Request.exampleOf(release.request, release.knownUntil), [metField]: [] },
    featureSet: undefined,
    synchronous: true,
    explain: undefined,
    freshness: () => Effect.succeed([]),
    answer: (requests) =>
      Effect.succeed(
        requests.map((json) =>
          Result.mapBoth(check(json), {
            onFailure: (problems): Refused => new Request.RequestInvalid({ problems }),
            onSuccess: (request): Answered => ({
              prediction: say(request),
              request,
              features: noNumbers,
              row: noNumbers,
            }),
          }),
        ),
      ),
  };
};

const noNumbers = new Float64Array();
const none: ReadonlyArray<string> = [];

/** Makes lists of requests that are valid; items are numbers where the interactions have numbers. */
const listTeller = (
  release: Release.SystemRelease,
  surface: ServedSystem.Surface,
): ((request: Request.Row) => ListPrediction) => {
  const label = Release.label(release);
  const { user } = release.system.interactions;
  const asNumbers = release.request.columns[metField]?.items?.type === "int";
  const named = (item: string): string | number => (asNumbers ? Number(item) : item);
  return (request) => {
    const asked = request[user] ?? null;
    const met = request[metField];
    const list = surface.list(
      asked === null ? null : String(asked),
      Array.isArray(met) ? met.map(String) : none,
    );
    return {
      items: list.places.map(({ item, rank, score, source }) => ({
        item: named(item),
        rank,
        score,
        source,
      })),
      unknownItems: list.unknownItems.map(named),
      release: label,
      missing: asked === null ? [user] : none,
      stale: none,
      unseen: asked === null || list.knowsUser ? none : [user],
      unavailable: none,
    };
  };
};
