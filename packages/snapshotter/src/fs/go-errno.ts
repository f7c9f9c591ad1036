/** Text of system errors as they are stored in directory summaries (spec 2 §6.7). */
const ERRNO_TEXT: ReadonlyMap<string, string> = new Map([
  ["EPERM", "operation not permitted"],
  ["ENOENT", "no such file or directory"],
  ["EINTR", "interrupted system call"],
  ["EIO", "input/output error"],
  ["ENXIO", "no such device or address"],
  ["EBADF", "bad file descriptor"],
  ["EAGAIN", "resource temporarily unavailable"],
  ["ENOMEM", "cannot allocate memory"],
  ["EACCES", "permission denied"],
  ["EBUSY", "device or resource busy"],
  ["EEXIST", "file exists"],
  ["EXDEV", "invalid cross-device link"],
  ["ENODEV", "no such device"],
  ["ENOTDIR", "not a directory"],
  ["EISDIR", "is a directory"],
  ["EINVAL", "invalid argument"],
  ["ENFILE", "too many open files in system"],
  ["EMFILE", "too many open files"],
  ["ETXTBSY", "text file busy"],
  ["EFBIG", "file too large"],
  ["ENOSPC", "no space left on device"],
  ["EROFS", "read-only file system"],
  ["EMLINK", "too many links"],
  ["ENAMETOOLONG", "file name too long"],
  ["ENOTEMPTY", "directory not empty"],
  ["ELOOP", "too many levels of symbolic links"],
  ["EOVERFLOW", "value too large for defined data type"],
  ["ENOTSUP", "operation not supported"],
  ["EOPNOTSUPP", "operation not supported"],
  ["ENOTCONN", "transport endpoint is not connected"],
  ["ECONNRESET", "connection reset by peer"],
  ["ECONNREFUSED", "connection refused"],
  ["ECONNABORTED", "software caused connection abort"],
  ["EHOSTDOWN", "host is down"],
  ["EHOSTUNREACH", "no route to host"],
  ["ENETUNREACH", "network is unreachable"],
  ["ETIMEDOUT", "connection timed out"],
  ["ESTALE", "stale NFS file handle"],
  ["EREMOTEIO", "remote I/O error"],
  ["EDQUOT", "disk quota exceeded"],
]);

/** `code` of a system error, empty for anything else. */
export function errorCodeOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** What the system said, in the words that Kopia stores: `permission denied` for EACCES. */
export function errnoText(error: unknown): string {
  const known = ERRNO_TEXT.get(errorCodeOf(error));
  if (known !== undefined) return known;
  return error instanceof Error ? error.message : String(error);
}
