import { fixtureNames, loadFixture } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../base/error-codes.ts";
import { isKopiaError } from "../base/errors.ts";
import { openFilesystemRepository } from "./filesystem-repository.ts";
import type { Repository } from "./repository.ts";

/** What the damage stops: opening, finding manifests, or writing; `none` where all three work. */
const EXPECTED: Readonly<Record<string, readonly [step: string, code?: ErrorCode]>> = {
  "damaged-5371-range": ["none"],
  "damaged-5371-single-epoch": ["none"],
  "damaged-blobcfg-flip": ["open", "FORMAT_CORRUPT"],
  "damaged-blobcfg-missing": ["none"],
  "damaged-foreign-maintenance-owner": ["none"],
  // The other format blob opens with the password, so that one is right.
  "damaged-format-flip": ["open", "FORMAT_CORRUPT"],
  "damaged-format-missing": ["open", "REPOSITORY_NOT_FOUND"],
  "damaged-format-missing-v1": ["open", "REPOSITORY_NOT_FOUND"],
  "damaged-format-truncated": ["open", "FORMAT_CORRUPT"],
  "damaged-future-dated-blobs": ["none"],
  "damaged-index-all-missing": ["write", "REPOSITORY_INDEX_MISSING"],
  "damaged-index-flip": ["open", "INDEX_CORRUPT"],
  "damaged-index-garbage": ["open", "INDEX_CORRUPT"],
  "damaged-index-missing": ["none"],
  "damaged-index-truncated": ["open", "INDEX_CORRUPT"],
  "damaged-index-zero-length": ["open", "INDEX_CORRUPT"],
  "damaged-maintenance-schedule-corrupt": ["none"],
  "damaged-manifest-content-flip": ["find", "MANIFEST_CORRUPT"],
  "damaged-none": ["none"],
  "damaged-pack-flip-content": ["none"],
  "damaged-pack-flip-localindex": ["none"],
  "damaged-pack-missing": ["none"],
  "damaged-pack-q-flip-content": ["none"],
  "damaged-pack-q-missing": ["find", "MANIFEST_CORRUPT"],
  "damaged-pack-truncated": ["none"],
  "damaged-pack-zero-length": ["none"],
  "damaged-stale-upgrade-lock": ["open", "REPOSITORY_UPGRADING"],
  "damaged-stray-files": ["none"],
};

async function firstFailure(
  path: string,
  password: string,
): Promise<readonly [step: string, code?: ErrorCode]> {
  let step = "open";
  let repository: Repository | undefined;
  try {
    repository = await openFilesystemRepository({ path, password });
    step = "find";
    await repository.manifests.find({});
    step = "write";
    await using session = await repository.writeSession();
    await session.manifests.put({ type: "t" }, "1");
    await session.flush();
    return ["none"];
  } catch (error) {
    if (isKopiaError(error)) return [step, error.code];
    throw error;
  } finally {
    await repository?.close();
  }
}

describe("every damaged repository is refused at the right step, with the right code", () => {
  test.each(fixtureNames(/^damaged-/))("%s", async (name) => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    expect(await firstFailure(unpacked.path, fixture.password)).toEqual(EXPECTED[name]);
  });
});
