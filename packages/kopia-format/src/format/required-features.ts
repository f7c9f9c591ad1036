import { KopiaError } from "../base/errors.ts";
import type { RequiredFeature } from "./repository-format.ts";

/** Features that this program understands (spec 1 §2.4). */
export const SUPPORTED_FEATURES: readonly string[] = ["index-v1", "index-v2"];

/**
 * Refuses features that this program must know and does not; warns of those it may ignore.
 * @throws KopiaError `FORMAT_UNSUPPORTED`.
 */
export function checkRequiredFeatures(
  features: readonly RequiredFeature[],
  onWarning: (message: string) => void,
): void {
  for (const required of features) {
    if (SUPPORTED_FEATURES.includes(required.feature)) continue;
    const message = describe(required);
    if (!required.ifNotUnderstood.warn) {
      throw new KopiaError("FORMAT_UNSUPPORTED", message, {
        details: { feature: required.feature },
      });
    }
    onWarning(message);
  }
}

function describe(required: RequiredFeature): string {
  const { message, url, upgradeToVersion } = required.ifNotUnderstood;
  const parts = [`this repository uses the feature ${JSON.stringify(required.feature)}`];
  if (message !== undefined) parts.push(message);
  if (url !== undefined) parts.push(`see ${url}`);
  if (upgradeToVersion !== undefined) parts.push(`needs version ${upgradeToVersion}`);
  return parts.join("; ");
}
