#!/bin/sh
# The commands that the original mover gives the real program (spec 4 §2.4, §2.7 to §2.9), from the same Job's
# environment. For tests and benches that compare; KOPIA_EXE names the real program.
#   original-commands.sh backup | restore | maintenance
set -u
logs=$KOPIA_CACHE_DIR/logs
export KOPIA_CACHE_DIRECTORY="$KOPIA_CACHE_DIR" KOPIA_LOG_DIR="$logs" KOPIA_CHECK_FOR_UPDATES=false
export KOPIA_CONTENT_LOG_DIR_MAX_FILES=3 KOPIA_CONTENT_LOG_DIR_MAX_AGE=4h
mkdir -p "$logs"

kopia() {
  timeout "${limit:-86400}" "$KOPIA_EXE" --config-file="$KOPIA_CACHE_DIR/kopia.config" --log-dir="$logs" \
    --log-level=info --file-log-level=info --log-dir-max-files=3 --log-dir-max-age=4h "$@"
}

fail() {
  echo "ERROR: $1"
  exit 1
}

user=$KOPIA_OVERRIDE_USERNAME
host=$KOPIA_OVERRIDE_HOSTNAME
if [ "$1" = maintenance ]; then
  user=maintenance
  host=volsync
fi
place=${KOPIA_REPOSITORY#filesystem://}
source=${KOPIA_SOURCE_PATH_OVERRIDE:-$DATA_DIR}

kopia --version
if ! limit=10 kopia repository status; then
  kopia repository connect filesystem --path="$place" ||
    kopia repository create filesystem --path="$place" --cache-directory="$KOPIA_CACHE_DIR" ||
    fail "Failed to create repository"
fi
kopia repository set-client --username="$user" --hostname="$host" || echo "WARN: set-client failed"
kopia repository status
kopia cache set --cache-directory="$KOPIA_CACHE_DIR" \
  ${KOPIA_METADATA_CACHE_SIZE_LIMIT_MB:+--metadata-cache-size-limit-mb="$KOPIA_METADATA_CACHE_SIZE_LIMIT_MB"} \
  ${KOPIA_CONTENT_CACHE_SIZE_LIMIT_MB:+--content-cache-size-limit-mb="$KOPIA_CONTENT_CACHE_SIZE_LIMIT_MB"} ||
  fail "Failed to set cache directory"

case $1 in
  backup)
    if [ -n "${KOPIA_COMPRESSION:-}" ]; then
      kopia policy set "$source" --compression="$KOPIA_COMPRESSION" || fail "Failed to apply compression policy"
    fi
    kopia snapshot create "$DATA_DIR" ${KOPIA_PARALLELISM:+--parallel="$KOPIA_PARALLELISM"} \
      ${KOPIA_SOURCE_PATH_OVERRIDE:+--override-source="$KOPIA_SOURCE_PATH_OVERRIDE"} ||
      fail "Failed to create snapshot"
    echo "INFO: Snapshot created successfully"
    kopia policy set "$DATA_DIR" ${KOPIA_RETAIN_HOURLY:+--keep-hourly="$KOPIA_RETAIN_HOURLY"} \
      ${KOPIA_RETAIN_DAILY:+--keep-daily="$KOPIA_RETAIN_DAILY"} \
      ${KOPIA_RETAIN_LATEST:+--keep-latest="$KOPIA_RETAIN_LATEST"} ||
      echo "Warning: Failed to set retention policy, continuing with defaults"
    ;;
  restore)
    id=$(kopia snapshot list "$user@$host:${KOPIA_SOURCE_PATH_OVERRIDE:-/data}" --json |
      sed -n 's/^[[ ,]*{"id":"\([0-9a-f]*\)".*/\1/p' | tail -n 1)
    echo "Selected snapshot with id: $id"
    cd "$DATA_DIR" || exit 1
    kopia snapshot restore "$id" . --write-files-atomically --ignore-permission-errors ||
      fail "Failed to restore snapshot: $id"
    echo "INFO: Snapshot restore completed successfully"
    ;;
  maintenance)
    kopia maintenance info
    kopia maintenance set --owner="$user@$host" || exit 1
    kopia maintenance set --enable-quick=true
    kopia maintenance run
    kopia maintenance run --full
    ;;
esac
