import { openFilesystemRepository } from "@kopia-engine/kopia-format";
import { fixtureNames, loadFixture } from "@kopia-engine/test-fixtures";
import { expect, test } from "vitest";
import { planMaintenance, runMaintenance } from "../../src/index.ts";
import { verifyAll } from "./maintenance-world.ts";

test.each(fixtureNames(/^fs-/))(
  "%s is maintained without refusal, and every snapshot stays whole",
  { timeout: 60_000 },
  async (name) => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    const { path } = unpacked;
    const where = { path, password: fixture.password };
    await using repository = await openFilesystemRepository(where);
    const options = { repository, mode: "full", safety: "none", force: true } as const;
    const snapshotCount = await verifyAll(repository);
    const plan = await planMaintenance(options);
    const planned = plan.tasks.flatMap(({ deletes = [] }) => deletes.map(({ id }) => id));
    for (const mode of ["full", "quick", "full"] as const)
      await runMaintenance({ ...options, mode });
    await using fresh = await openFilesystemRepository(where);
    expect(await verifyAll(fresh)).toBe(snapshotCount);
    for (const id of planned) {
      await expect(fresh.storage.getMetadata(id)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
    }
  },
);
