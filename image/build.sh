#!/usr/bin/env bash
# Puts a static binary into an image:
#   image/build.sh BINARY IMAGE:TAG [amd64|arm64]
# by buildah, podman or docker, whichever works here first; another one is named by IMAGE_BUILDER. Where there is none it
# says so, and that is no failure: the binary is what was asked for first.
set -eu
folder=${0%/*}
binary=$1 image=$2 arch=${3:-$(uname -m)}
case "$arch" in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
esac

works() { command -v "$1" >/dev/null && "$1" info >/dev/null 2>&1; }
builder=${IMAGE_BUILDER:-}
for candidate in buildah podman docker; do
    [ -n "$builder" ] || ! works "$candidate" || builder=$candidate
done
if [ -z "$builder" ]; then
    echo "$binary is built; no image was made of it, for want of a builder: install buildah (Debian: apt-get install buildah), podman or docker" >&2
    exit 0
fi

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
mkdir "$context/bin"
cp "$binary" "$context/bin/vmdhcp"
# It goes by the names of upstream's programs too, and then takes their flags.
for name in vm-dhcp-controller vm-dhcp-agent; do ln -s vmdhcp "$context/bin/$name"; done
# A layer that depends on nothing but the binary.
find "$context" -exec touch -h -d @0 {} +
chmod 755 "$context" "$context/bin" "$context/bin/vmdhcp"

case "$builder" in
docker) command=build ;;
*) command="build --format oci --timestamp 0" ;;
esac
# shellcheck disable=SC2086
"$builder" $command --quiet --platform "linux/$arch" --build-arg "VERSION=${image##*:}" --tag "$image" \
    --file "$folder/Containerfile" "$context" >/dev/null
echo "image $image (linux/$arch), made by $builder"
