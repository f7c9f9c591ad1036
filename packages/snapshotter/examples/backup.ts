import { createFilesystemRepository, openFilesystemRepository } from "@kopia-engine/kopia-format";
import * as snapshotter from "@kopia-engine/snapshotter";

const [path, folder, target] = process.argv.slice(2) as [string, string, string];
const password = "correct horse battery staple";
await (await createFilesystemRepository({ path, password })).close();

await using repository = await openFilesystemRepository({ path, password });
await using session = await repository.writeSession();
const source = { userName: "me", host: "here", path: folder };
const { manifest } = await snapshotter.createSnapshot(session, { source });
await session.flush();

for (const { id, startTime } of await snapshotter.listSnapshots(session.manifests))
  console.log(id, new Date(Number(startTime / 1_000_000n)).toISOString());

const output = snapshotter.createLocalOutput({ targetPath: target });
await snapshotter.restoreTree({ repository, entry: manifest.rootEntry!, output });
