/** Uploads a source with a checkpoint after every pause, telling its progress: to be killed by a test. */
import { openFilesystemRepository } from "@kopia-engine/kopia-format";
import { createSnapshot } from "../src/index.ts";

const [repositoryPath = "", sourcePath = "", password = ""] = process.argv.slice(2);
await using repository = await openFilesystemRepository({
  path: repositoryPath,
  password,
  client: { username: "user", hostname: "host" },
});
await using session = await repository.writeSession();
await createSnapshot(session, {
  source: { userName: "user", host: "host", path: sourcePath },
  checkpointIntervalMs: 1,
  observer: { checkpointSaved: () => process.stdout.write("checkpoint\n") },
});
await session.flush();
process.stdout.write("done\n");
