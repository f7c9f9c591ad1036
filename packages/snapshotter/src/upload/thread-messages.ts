import type {
  ErrorWire,
  ObjectId,
  PackedContents,
  PackingGrant,
  SharedContentView,
  ThreadSetup,
} from "@kopia-engine/kopia-format";
import type { FilePiece, FilePieceResult } from "./file-piece.ts";
import type { UploadBatch, UploadItemResult } from "./upload-executor.ts";

/** What an upload thread starts with. */
export interface UploadThreadInit {
  readonly setup: ThreadSetup;
  readonly grant: PackingGrant;
  /** One word in shared memory: not 0 when the upload is to stop. */
  readonly stop: Int32Array;
}

/** From the pool to a thread. */
export type ToUploadThread =
  | { readonly type: "batch"; readonly id: number; readonly batch: UploadBatch }
  | { readonly type: "piece"; readonly id: number; readonly piece: FilePiece }
  /** The pause of a batch is over. */
  | { readonly type: "resume"; readonly id: number }
  | { readonly type: "view"; readonly view: SharedContentView }
  | ({ readonly type: "request"; readonly request: number } & UploadThreadRequest);

/** What is answered by a reply. */
export type UploadThreadRequest =
  | { readonly ask: "checkpoint"; readonly id: number }
  | { readonly ask: "handOver"; readonly next: PackingGrant | undefined }
  | { readonly ask: "abort" };

/** Values of replies, by request. */
export interface UploadThreadReplies {
  readonly checkpoint: ObjectId;
  readonly handOver: PackedContents;
  readonly abort: undefined;
}

/** From a thread to the pool. */
export type FromUploadThread =
  /** A large file is being read; the thread waits for `resume`. */
  | {
      readonly type: "pause";
      readonly id: number;
      readonly readBytes: number;
      readonly item: number;
    }
  | {
      readonly type: "result";
      readonly id: number;
      readonly readBytes: number;
      /** What the thread has packed since its last grant. */
      readonly packedBytes: number;
      readonly results: readonly UploadItemResult[];
    }
  | {
      readonly type: "piece";
      readonly id: number;
      readonly packedBytes: number;
      readonly result: FilePieceResult;
    }
  | {
      readonly type: "reply";
      readonly request: number;
      readonly value: UploadThreadReplies[keyof UploadThreadReplies];
    }
  /** The thread cannot go on. */
  | { readonly type: "failed"; readonly error: ErrorWire };
