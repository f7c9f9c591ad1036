import {
  createHashFunction,
  isKopiaError,
  openFilesystemRepository,
  verifyContents,
} from "@kopia-engine/kopia-format";
import { fixtureNames, loadFixture, type Fixture } from "@kopia-engine/test-fixtures";
import { listSnapshots, verifySnapshots } from "../../src/index.ts";
import { restoredRows } from "../restored-rows.ts";

/*
 * Does everything with the undamaged repository of the series and then with each damaged one, in this process
 * alone, and prints a JSON line each: name and peak memory of the process in MiB so far. With `--expose-gc`, so
 * that what one repository leaves behind is not counted with the next.
 */
const UNDAMAGED = "damaged-none";

for (const name of [UNDAMAGED, UNDAMAGED, ...fixtureNames(/^damaged-/)]) {
  await useUp(loadFixture(name));
  await globalThis.gc?.({ execution: "async" });
  console.log(JSON.stringify({ name, peakMib: process.resourceUsage().maxRSS / 1024 }));
}

async function useUp(fixture: Fixture): Promise<void> {
  using unpacked = fixture.unpack();
  try {
    await using repository = await openFilesystemRepository({
      path: unpacked.path,
      password: fixture.password,
      client: { readOnly: true },
    });
    const { hash, secret } = repository.format.content;
    await verifyContents(repository.contents, repository.storage, {
      random: repository.random,
      readPercent: 100,
      hash: await createHashFunction(hash, secret),
    });
    const snapshots = await listSnapshots(repository.manifests);
    for (const { id } of snapshots) await restoredRows(repository, id);
    const roots = snapshots.flatMap(({ id, rootEntry }) =>
      rootEntry === undefined ? [] : [{ path: id, entry: rootEntry }],
    );
    await verifySnapshots({ repository, roots, maxErrors: -1, verifyFilesPercent: 100 });
  } catch (error) {
    if (!isKopiaError(error)) throw error;
  }
}
