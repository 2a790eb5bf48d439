/** How a released system answers a request with a list. */
import { Release, type ServedSystem } from "@ml-pipe/data";
import type { ListPrediction } from "../Prediction.ts";
import type { Row } from "../Request.ts";
import { metField } from "./listRequest.ts";

const none: ReadonlyArray<string> = [];

/** Makes lists of requests that are valid; items are numbers where the interactions have numbers. */
export const listTeller = (
  release: Release.SystemRelease,
  surface: ServedSystem.Surface,
): ((request: Row) => ListPrediction) => {
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
