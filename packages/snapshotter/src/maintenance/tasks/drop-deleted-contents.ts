import { KopiaError, formatGoTime, toUnixSeconds, type TimeNs } from "@kopia-engine/kopia-format";
import type { MaintenanceTask } from "../maintenance-task.ts";
import { assertOnlyMaintainer, refreshTrusted } from "../trusted-storage.ts";

/** From one candidate on: everything is compacted (spec 3 §1.14). */
const ALL_INDEXES = { maxSmallBlobs: 1, allIndexes: true } as const;

/** Forgets contents that were marked deleted before a time that a second collection confirmed (spec 3 §1.9). */
export function dropDeletedContents(dropTime: TimeNs): MaintenanceTask<TimeNs> {
  return {
    name: "full-drop-deleted-content",
    kind: "compactIndexesStats",
    isVerified: true,
    plan: () => Promise.resolve(dropTime),
    describe(time, { repository, supposed }) {
      const seconds = toUnixSeconds(time);
      supposed.dropSeconds = seconds;
      const { count, bytes } = countDropped(repository.contents, seconds);
      return {
        lines: [
          `forget contents that were marked deleted before ${formatGoTime(time)}: ${count} now (${bytes} bytes)`,
        ],
        details: {
          droppedContentsDeletedBefore: formatGoTime(time),
          droppedContentCount: count,
          droppedContentSize: bytes,
        },
      };
    },
    async execute(time, cycle) {
      const { repository, upkeep, safetyName } = cycle;
      const seconds = toUnixSeconds(time);
      await assertOnlyMaintainer(cycle);
      if (upkeep.scheme === "epoch") {
        await upkeep.epochs.advanceWatermark(seconds);
        await refreshTrusted(cycle);
        if (repository.contents.watermarkSeconds < seconds) {
          throw new KopiaError(
            "MAINTENANCE_REFUSED",
            `the storage's listing does not show the deletion watermark ${seconds} that was just written: it is too old to decide by`,
          );
        }
      } else {
        const result = await upkeep.v0.compact({
          ...ALL_INDEXES,
          dropDeletedBeforeSeconds: seconds,
          safety: safetyName,
        });
        await refreshTrusted(cycle, new Set(result?.inputs.map(({ id }) => id)));
      }
      return { droppedContentsDeletedBefore: formatGoTime(time) };
    },
  };
}

function countDropped(
  contents: { visitContents: import("@kopia-engine/kopia-format").ContentManager["visitContents"] },
  seconds: number,
): { count: number; bytes: number } {
  const total = { count: 0, bytes: 0 };
  contents.visitContents(
    (reader, position) => {
      if (!reader.isDeletedAt(position) || reader.timestampSecondsAt(position) > seconds) return;
      total.count++;
      total.bytes += reader.packedLengthAt(position);
    },
    { includeDeleted: true },
  );
  return total;
}
