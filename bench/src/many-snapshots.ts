import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFilesystemRepository } from "@kopia-engine/kopia-format";
import { createSnapshot, prepareNewRepository } from "@kopia-engine/snapshotter";

const HOUR_NS = 3_600_000_000_000n;

/** What the repository holds. */
export interface ManySnapshots {
  readonly path: string;
  readonly password: string;
  /** A directory for the tree that is stored over and over. */
  readonly scratch: string;
  readonly sourceCount: number;
  readonly snapshotCount: number;
  /** When the newest snapshots start; the others an hour apart before it. Nanoseconds since 1970. */
  readonly newestTime: bigint;
}

/** Makes the repository of a cluster: many sources, each with the snapshots that retention leaves of it. */
export async function writeManySnapshots(options: ManySnapshots): Promise<void> {
  const { path, password, scratch, sourceCount, snapshotCount, newestTime } = options;
  mkdirSync(scratch, { recursive: true });
  const client = { username: "maintenance", hostname: "volsync" };
  await using repository = await createFilesystemRepository({ path, password, client });
  {
    await using session = await repository.writeSession();
    await prepareNewRepository(session);
    await session.flush();
  }
  for (let round = 0; round < snapshotCount; round++) {
    writeFileSync(join(scratch, "file"), `round ${round}`);
    await using session = await repository.writeSession();
    for (let index = 0; index < sourceCount; index++) {
      const source = { userName: `app${index}-src`, host: "default", path: "/data" };
      const startTime = newestTime - BigInt(snapshotCount - 1 - round) * HOUR_NS;
      await createSnapshot(session, { source, path: scratch, startTime });
    }
    await session.flush();
  }
}
