/** Memory that a pool of small buffers may share is never so long. */
const MIN_SHARED_BYTES = 2 ** 18;
/** Shorter memory costs more to give back than to collect. */
const MIN_OWN_BYTES = 2 ** 12;

/**
 * Gives the memory of bytes, or of other numbers, back at once. Until the garbage collector notices that nobody needs them,
 * buffers of contents pile up by the dozen; their number, not their use, is then the peak of the
 * process, and collecting those of a few KiB costs twice as much as the cipher that made them.
 *
 * Only for bytes that are the caller's alone: they, and whatever else shares their memory, are empty
 * afterwards. Parts of memory below 256 KiB stay, as they may lie in a pool, and so does all memory below 4 KiB.
 */
export function releaseBytes({ buffer, byteLength: lengthBytes }: ArrayBufferView): void {
  const { byteLength } = buffer;
  const isLong = byteLength >= MIN_SHARED_BYTES;
  if (isLong || (byteLength >= MIN_OWN_BYTES && byteLength === lengthBytes)) release(buffer);
}

function release(buffer: ArrayBufferLike): void {
  // Node before 22 and older browsers cannot; shared memory never can.
  if (buffer instanceof ArrayBuffer) (buffer as Partial<ArrayBuffer>).transfer?.(0);
}
