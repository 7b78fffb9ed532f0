#!/usr/bin/env bash
# The control plane that tests run against, as one binary.
#   build.sh build   makes the binary of these sources, unless it is there
#   build.sh path    prints where it is, and fails if it is not there
# It is kept by a hash of its sources outside the work tree: a build takes ten minutes, and Rust's `clean` should not
# cost another one. Where it cannot be built (no Go, no modules), that is said and counts as no failure, unless
# VMDHCP_TESTCLUSTER=required.
set -eu
cd "$(dirname "$0")"

hash=$(cat build.sh go.mod go.sum ./*.go | sha256sum | cut -c1-16)
binary=${XDG_CACHE_HOME:-$HOME/.cache}/vmdhcp/testcluster-$hash

left_out() {
    echo "testcluster: $1; the tests against a real control plane are left out" >&2
    [ "${VMDHCP_TESTCLUSTER:-}" != required ]
    exit
}

case "${1:-}" in
path)
    [ -x "$binary" ] || exit 1
    echo "$binary"
    ;;
build)
    [ ! -x "$binary" ] || exit 0
    command -v go >/dev/null || left_out "there is no Go here"
    # Clients refuse the placeholder that stands for the version unless Kubernetes' own build fills it in.
    version=$(sed -n 's|^\tk8s.io/kubernetes \(v[0-9.]*\)$|\1|p' go.mod)
    minor=${version#v1.}
    package=k8s.io/component-base/version
    set -- "-X $package.gitVersion=$version" "-X $package.gitMajor=1" "-X $package.gitMinor=${minor%%.*}"
    echo "building the control plane for tests (Kubernetes $version); this takes about ten minutes, once"
    GOTOOLCHAIN=local go build -trimpath -buildvcs=false -ldflags "-s -w $*" -o "$binary.new" . ||
        left_out "it cannot be built"
    mv "$binary.new" "$binary" # whole or not at all
    ;;
*)
    echo "usage: $0 build|path" >&2
    exit 2
    ;;
esac
