const PERMISSION_BITS = 0o777;
const POSIX_SETUID = 0o4000;
const POSIX_SETGID = 0o2000;
const POSIX_STICKY = 0o1000;
const STORED_SETUID = 2 ** 23;
const STORED_SETGID = 2 ** 22;
const STORED_STICKY = 2 ** 20;

/** Mode of an entry from `st_mode`: permissions, and setuid, setgid, sticky at Go's bits (spec 2 §6.3). */
export function entryModeFromPosix(posixMode: number): number {
  return (
    (posixMode & PERMISSION_BITS) |
    ((posixMode & POSIX_SETUID) === 0 ? 0 : STORED_SETUID) |
    ((posixMode & POSIX_SETGID) === 0 ? 0 : STORED_SETGID) |
    ((posixMode & POSIX_STICKY) === 0 ? 0 : STORED_STICKY)
  );
}

/** The twelve POSIX mode bits of an entry's mode; the inverse of `entryModeFromPosix`. */
export function entryModeToPosix(entryMode: number): number {
  return (
    (entryMode & PERMISSION_BITS) |
    ((entryMode & STORED_SETUID) === 0 ? 0 : POSIX_SETUID) |
    ((entryMode & STORED_SETGID) === 0 ? 0 : POSIX_SETGID) |
    ((entryMode & STORED_STICKY) === 0 ? 0 : POSIX_STICKY)
  );
}
