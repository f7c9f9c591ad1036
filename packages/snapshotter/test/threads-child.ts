/** Uploads a source with upload threads in a process of its own, telling when they have begun. */
import { openFilesystemRepository } from "@kopia-engine/kopia-format";
import { createSnapshot } from "../src/index.ts";
import { createAdaptiveExecutor } from "../src/upload/adaptive-executor.ts";

const [repositoryPath = "", path = "", password = ""] = process.argv.slice(2);
await using repository = await openFilesystemRepository({
  path: repositoryPath,
  password,
  client: { username: "user", hostname: "host" },
});
await using session = await repository.writeSession();
const executor = createAdaptiveExecutor({ session, maxThreads: 2, itemsBeforeThreads: 1 });
await createSnapshot(session, {
  source: { userName: "user", host: "host", path },
  executor,
  checkpointIntervalMs: 50,
  observer: { progress: ({ hashedBytes }) => void process.stdout.write(`${hashedBytes}\n`) },
});
await session.flush();
process.stdout.write("done\n");
