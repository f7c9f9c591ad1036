#!/usr/bin/env bash
# Builds the mover's image from Debian packages, the npm package `node` and the bundle. Needs root, debootstrap and
# podman; no network besides a Debian mirror for the base, which is kept between builds.
#   packages/mover/image/build-image.sh [TAG]
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
tag=${1:-localhost/kopia-engine-mover:latest}
work=${KOPIA_IMAGE_WORK:-/var/tmp/kopia-engine-image}
base=localhost/kopia-engine-base:bookworm
# Works in containers and virtual machines without systemd, too.
podman=(podman --storage-driver=vfs --runtime "$(command -v runc)" --cgroup-manager=cgroupfs)

mkdir -p "$work"
if ! "${podman[@]}" image exists "$base"; then
  rm -rf "$work/base"
  debootstrap --variant=minbase --include=libatomic1,ca-certificates,jq,acl,openssl,rsync bookworm "$work/base" >"$work/debootstrap.log"
  # Package lists and documentation are of no use at run time; dpkg's status stays for scanners.
  rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/* "$work"/base/usr/share/{doc,man,locale,info}/*
  tar -C "$work/base" -c . | "${podman[@]}" import - "$base" >/dev/null
  rm -rf "$work/base"
fi

cd "$root"
# Chunks of earlier builds have other names, and would be copied along.
rm -rf dist/cli dist/mover
npx -y pnpm@12 bundle >/dev/null
version=$(node -p 'require("./package.json").version')
tree=$work/tree
rm -rf "$tree"
home=$tree/usr/lib/kopia-engine
mkdir -p "$home/bin" "$home/node_modules/node/bin" "$home/dist" "$tree/mover-kopia" "$tree/usr/local/bin" \
  "$tree"/{data,cache,repository,restore,kopia,mnt} "$tree/usr/share/kopia-engine"
cp bin/kopia bin/mover "$home/bin/"
cp node_modules/node/bin/node "$home/node_modules/node/bin/"
for program in cli mover; do
  mkdir -p "$home/dist/$program"
  find "dist/$program" -maxdepth 1 -name '*.js' -exec cp {} "$home/dist/$program/" \;
done
printf '{"name":"kopia-engine","version":"%s","type":"module"}\n' "$version" >"$home/package.json"
install -m 755 packages/mover/image/entry.sh "$tree/mover-kopia/entry.sh"
ln -s ../../lib/kopia-engine/bin/kopia "$tree/usr/local/bin/kopia"
ln -s ../../lib/kopia-engine/node_modules/node/bin/node "$tree/usr/local/bin/node"
cp LICENSE "$tree/usr/share/kopia-engine/"
# The compiled form of the programs is part of the image, whose root is read-only at run time. A small backup,
# restore and maintenance run makes it, and shows that the tree works.
export NODE_COMPILE_CACHE=$home/compile-cache NODE_COMPILE_CACHE_PORTABLE=1
trial=$(mktemp -d)
mkdir -p "$trial"/{data,cache,volume,restored}
cp README.md "$trial/data/"
job=(env "KOPIA_CACHE_DIR=$trial/cache" KOPIA_PASSWORD=trial "KOPIA_REPOSITORY=filesystem://$trial/volume/repository"
  KOPIA_SOURCE_PATH_OVERRIDE=/data KOPIA_OVERRIDE_USERNAME=trial KOPIA_OVERRIDE_HOSTNAME=image)
"${job[@]}" "DATA_DIR=$trial/data" "$home/bin/mover" backup >"$work/trial.log"
"${job[@]}" "DATA_DIR=$trial/restored" "$home/bin/mover" restore >>"$work/trial.log"
"${job[@]}" DIRECTION=maintenance "$home/bin/mover" >>"$work/trial.log"
cmp "$trial/data/README.md" "$trial/restored/README.md"
KOPIA_CONFIG_PATH=$trial/cache/kopia.config KOPIA_PASSWORD=trial "$home/bin/kopia" snapshot list --all >>"$work/trial.log"
"$home/bin/kopia" --version >>"$work/trial.log" 2>&1
rm -rf "$trial"
unset NODE_COMPILE_CACHE NODE_COMPILE_CACHE_PORTABLE
"$home/node_modules/node/bin/node" packages/mover/src/image/write-sbom.ts "$root" \
  <("${podman[@]}" run --rm --network=none --ulimit nofile=1024:4096 --ulimit nproc=1024:4096 "$base" dpkg-query -W -f '${Package} ${Version} ${Architecture}\n') \
  >"$tree/usr/share/kopia-engine/sbom.cdx.json"
sed "s/@VERSION@/$version/" packages/mover/image/Containerfile >"$work/Containerfile"
"${podman[@]}" build --isolation=chroot -q -t "$tag" -f "$work/Containerfile" "$work" >/dev/null
"${podman[@]}" image inspect --format '{{.Id}} {{.Size}} bytes' "$tag"
