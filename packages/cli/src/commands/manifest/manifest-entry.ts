import { isKopiaError, type ManifestEntry, type ManifestReader } from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";

/** A manifest that a command line names. @throws CommandError in Kopia's words when there is none. */
export async function getManifestEntry(
  manifests: ManifestReader,
  id: string,
): Promise<ManifestEntry> {
  try {
    return await manifests.getEntry(id);
  } catch (error) {
    if (!isKopiaError(error, "MANIFEST_NOT_FOUND")) throw error;
    const phrase = `error getting metadata for ${JSON.stringify(id)}: manifest ${id}: not found`;
    throw new CommandError(phrase, { cause: error });
  }
}
