import {
  type ContentPlacesParts,
  type PlaceReader,
  releaseBytes,
} from "@kopia-engine/kopia-format";

/** Contents to be read, whose bytes nobody needs. */
export interface VerifyJob {
  readonly places: ContentPlacesParts;
  /** Length that each must have, -1 for any. */
  readonly lengths: Float64Array;
}

/** What came of it. */
export interface VerifyJobResult {
  readonly readBytes: number;
  /** Numbers of the places that could not be read: a reader with an index is to be asked why. */
  readonly unread: readonly number[];
}

/** Reads the contents of a job until the stop word says that nobody wants the result. */
export function runVerifyJob(
  reader: PlaceReader,
  { places, lengths }: VerifyJob,
  stop: Int32Array,
): VerifyJobResult {
  let readBytes = 0;
  const unread: number[] = [];
  reader.read(places, (number, data) => {
    const wanted = lengths[number] as number;
    if (data === undefined || (wanted >= 0 && data.length !== wanted)) unread.push(number);
    else readBytes += data.length;
    if (data !== undefined) releaseBytes(data);
    return Atomics.load(stop, 0) === 0;
  });
  return { readBytes, unread };
}
