import { bytesEqual, utf8Encode, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../blob/storage.ts";
import { FORMAT_BLOB_ID, decodeFormatBlob, openContentFormat } from "./format-blob.ts";
import { openFormatBlobs, readFormatBlobs, type OpenedFormat } from "./format-blobs.ts";
import { DEFAULT_EPOCH_PARAMETERS } from "./format-parameters.ts";
import type { ContentFormat, UpgradeLock } from "./repository-format.ts";
import { UPGRADED_FORMAT_VERSION, upgradeInProgress } from "./upgrade-lock.ts";
import { writeFormatBlobs } from "./write-format.ts";

/** Prefix of the copies of the format blob that upgrades make; the owner ID follows (spec 1 §2.6). */
export const FORMAT_BACKUP_PREFIX = "kopia.repository.backup.";

/** Index blob that no client of the older scheme can decrypt, so that each of them stops (spec 1 §2.6). */
export const POISON_BLOB_ID: BlobId =
  "n00000000000000000000000000000000-repository_unreadable_by_this_kopia_version_upgrade_required";

const POISON_TEXT =
  "The format of this repository has been upgraded and cannot be read by old clients";

/** What changes of the format during an upgrade work with. */
export interface UpgradeFormatContext {
  readonly storage: BlobStorage;
  /** Key that opens both format blobs. */
  readonly formatKey: Bytes;
  readonly random: RandomBytes;
}

/** Reads the format as it is now. @throws KopiaError as `openFormatBlobs`. */
export async function loadFormatNow(context: UpgradeFormatContext): Promise<OpenedFormat> {
  return openFormatBlobs(await readFormatBlobs(context.storage), context.formatKey);
}

/**
 * Keeps a copy of the format blob, then sets the lock and the version that the upgrade leads to (spec 1
 * §2.6). A lock of the same owner stays as it is, so that an interrupted upgrade goes on.
 * @throws KopiaError `REPOSITORY_UPGRADING` when somebody else has the lock.
 */
export async function placeUpgradeLock(
  context: UpgradeFormatContext,
  lock: UpgradeLock,
): Promise<OpenedFormat> {
  const opened = await loadFormatNow(context);
  const present = opened.format.content.upgradeLock;
  if (present !== undefined) {
    if (present.ownerId !== lock.ownerId) throw upgradeInProgress(present);
    return opened;
  }
  await keepBackups(context.storage, FORMAT_BACKUP_PREFIX + lock.ownerId, opened);
  await rewrite(context, opened, { version: UPGRADED_FORMAT_VERSION, upgradeLock: lock });
  // Two that began at once have both written: the later one has the lock.
  return requireOwnLock(context, lock.ownerId);
}

/**
 * The format while we hold the lock.
 * @throws KopiaError `REPOSITORY_UPGRADING` or `UPGRADE_NOT_RUNNING` when we do not.
 */
export async function requireOwnLock(
  context: UpgradeFormatContext,
  ownerId: string,
): Promise<OpenedFormat> {
  const opened = await loadFormatNow(context);
  const lock = opened.format.content.upgradeLock;
  if (lock === undefined) throw new KopiaError("UPGRADE_NOT_RUNNING", "no upgrade in progress");
  if (lock.ownerId !== ownerId) throw upgradeInProgress(lock);
  return opened;
}

/** Switches to epochs, all index entries being in them already (spec 1 §8.5). */
export async function enableEpochs(context: UpgradeFormatContext): Promise<void> {
  const opened = await loadFormatNow(context);
  await rewrite(context, opened, {
    version: Math.max(opened.format.content.version, 2),
    indexVersion: 2,
    epochParameters: DEFAULT_EPOCH_PARAMETERS,
  });
}

/** Stores the blob at which clients of the older scheme stop. */
export async function writePoisonBlob(storage: BlobStorage): Promise<void> {
  await storage.put(POISON_BLOB_ID, utf8Encode(POISON_TEXT));
}

/** Ends a finished upgrade: poison first, then the lock goes. The backup stays (spec 1 §2.6). */
export async function commitFormatUpgrade(
  context: UpgradeFormatContext,
  ownerId: string,
): Promise<void> {
  const opened = await requireOwnLock(context, ownerId);
  await writePoisonBlob(context.storage);
  const { upgradeLock: _lock, ...content } = opened.format.content;
  await writeFormatBlobs(context.storage, context.random, { ...partsOf(opened), content });
}

/** The backup that a rollback restores. */
export interface FormatBackup {
  readonly id: BlobId;
  readonly formatBlob: Bytes;
  readonly content: ContentFormat;
}

/**
 * Finds and proves the format blob from before the upgrade. The original takes the oldest backup there
 * is, which may be of an earlier upgrade; here it is that of the lock's owner, when there is one.
 * @throws KopiaError `UPGRADE_UNSAFE` when there is none, or it is not of this repository.
 */
export async function findFormatBackup(
  context: UpgradeFormatContext,
  opened: OpenedFormat,
): Promise<FormatBackup> {
  const backups = await listBackups(context.storage);
  const own = FORMAT_BACKUP_PREFIX + (opened.format.content.upgradeLock?.ownerId ?? "");
  const oldest = backups.reduce<BlobMetadata | undefined>(
    (best, blob) => (best === undefined || blob.timestamp < best.timestamp ? blob : best),
    undefined,
  );
  const chosen = backups.find((blob) => blob.id === own) ?? oldest;
  if (chosen === undefined) throw unsafe(`there is no ${FORMAT_BACKUP_PREFIX}… blob to restore`);
  const formatBlob = await context.storage.get(chosen.id);
  const document = decodeFormatBlob(formatBlob);
  const content = openContentFormat(document, context.formatKey)?.content;
  const now = opened.format.content;
  const isSame =
    content !== undefined &&
    bytesEqual(document.uniqueId, opened.format.uniqueId) &&
    bytesEqual(content.masterKey, now.masterKey) &&
    bytesEqual(content.secret, now.secret) &&
    content.hash === now.hash &&
    content.encryption === now.encryption &&
    content.upgradeLock === undefined;
  if (!isSame) throw unsafe(`${chosen.id} does not hold the format of this repository`);
  return { id: chosen.id, formatBlob, content };
}

/**
 * Brings the format from before the upgrade back. The poison blob goes first: while it is there no client
 * of the older scheme opens the repository.
 */
export async function restoreFormatBackup(
  context: UpgradeFormatContext,
  backup: FormatBackup,
): Promise<void> {
  const { storage } = context;
  if (!backup.content.epochParameters.enabled) await storage.delete(POISON_BLOB_ID);
  await storage.put(FORMAT_BLOB_ID, backup.formatBlob);
  for (const { id } of await listBackups(storage)) await storage.delete(id);
}

/** All backups get the same bytes: the original's rollback takes the oldest, whoever made it. */
async function keepBackups(
  storage: BlobStorage,
  ownId: BlobId,
  opened: OpenedFormat,
): Promise<void> {
  const { formatBlob } = opened.format;
  if (formatBlob === undefined) throw unsafe("the format blob was not read from storage");
  const ids = new Set([...(await listBackups(storage)).map(({ id }) => id), ownId]);
  for (const id of ids) {
    await storage.put(id, formatBlob);
    if (!bytesEqual(await storage.get(id), formatBlob)) throw unsafe(`${id} does not read back`);
  }
}

async function listBackups(storage: BlobStorage): Promise<BlobMetadata[]> {
  const found: BlobMetadata[] = [];
  for await (const blob of storage.list(FORMAT_BACKUP_PREFIX)) found.push(blob);
  return found;
}

async function rewrite(
  context: UpgradeFormatContext,
  opened: OpenedFormat,
  change: Partial<ContentFormat>,
): Promise<void> {
  const content = { ...opened.format.content, ...change };
  await writeFormatBlobs(context.storage, context.random, { ...partsOf(opened), content });
}

function partsOf({ format, document, contentSource }: OpenedFormat) {
  const { formatKey, blobRetention, content } = format;
  return { formatKey, blobRetention, content, document, contentSource };
}

function unsafe(problem: string): KopiaError {
  return new KopiaError("UPGRADE_UNSAFE", problem);
}
