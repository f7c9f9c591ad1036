/** Uploads a source in a process of its own, with a checkpoint after every pause, telling its progress. */
import { openFilesystemRepository } from "@kopia-engine/kopia-format";
import { createSnapshot } from "../src/index.ts";

const [repositoryPath = "", path = "", password = "", sourcePath = path] = process.argv.slice(2);
await using repository = await openFilesystemRepository({
  path: repositoryPath,
  password,
  client: { username: "user", hostname: "host" },
});
await using session = await repository.writeSession();
const { manifest } = await createSnapshot(session, {
  source: { userName: "user", host: "host", path: sourcePath },
  path,
  checkpointIntervalMs: 1,
  observer: { checkpointSaved: () => process.stdout.write("checkpoint\n") },
});
await session.flush();
process.stdout.write(`done ${manifest.rootEntry?.objectId}\n`);
