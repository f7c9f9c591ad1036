import { ByteWriter } from "../base/byte-writer.ts";
import type { Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { BlobId, BlobMetadata, BlobWriter } from "./storage.ts";

/** A `BlobWriter` that collects in memory and puts once, for storage without streaming writes. */
export function collectingWriter(
  id: BlobId,
  put: (data: Bytes) => Promise<BlobMetadata>,
): BlobWriter {
  const collected = new ByteWriter(65_536);
  let open = true;
  const finish = (): void => {
    if (!open) throw writerClosed(id);
    open = false;
  };
  return {
    id,
    get lengthBytes() {
      return collected.length;
    },
    append(data) {
      if (!open) throw writerClosed(id);
      collected.bytes(data);
    },
    async commit() {
      finish();
      return put(collected.view());
    },
    async abort() {
      open = false;
    },
  };
}

/** The error of a writer that was committed or aborted before. */
export function writerClosed(id: BlobId): KopiaError {
  return new KopiaError("SESSION_BROKEN", `the writer of blob ${id} was committed or aborted`, {
    details: { blob: id },
  });
}
