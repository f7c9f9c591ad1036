/** Smaller memory is left to the garbage collector, which often costs less. */
const MIN_RELEASED_BYTES = 2 ** 18;
/** Shorter buffers cost more to give back than to collect. */
const MIN_PASSING_BYTES = 2 ** 12;

/**
 * Gives the memory of bytes back at once. Until the garbage collector notices that nobody needs them,
 * buffers of whole contents pile up by the dozen; their number, not their use, is then the peak of
 * the process. Only for bytes that are the caller's alone: they, and whatever else shares their
 * memory, are empty afterwards.
 */
export function releaseBytes(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength >= MIN_RELEASED_BYTES) release(bytes.buffer);
}

/**
 * As `releaseBytes`, for results that are copied at once and come by the thousand: from 4 KiB on, and only when
 * the bytes are all of their memory, so that no pool is touched. Left to the garbage collector they cost twice as
 * much as the cipher that made them.
 */
export function releasePassingBytes(bytes: Uint8Array): void {
  const isAll = bytes.length === bytes.buffer.byteLength;
  if (isAll && bytes.length >= MIN_PASSING_BYTES) release(bytes.buffer);
}

function release(buffer: ArrayBufferLike): void {
  // Node before 22 and older browsers cannot; shared memory never can.
  if (buffer instanceof ArrayBuffer) (buffer as Partial<ArrayBuffer>).transfer?.(0);
}
