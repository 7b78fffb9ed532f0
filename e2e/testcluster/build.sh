#!/usr/bin/env bash
# What tests on a real cluster run: the control plane as one binary, and helm and kubectl.
#   build.sh build         makes the binaries of these sources, unless they are there
#   build.sh path [NAME]   prints where the control plane is (or helm, or kubectl), and fails unless all are there
# They are kept by a hash of their sources outside the work tree: a build takes ten minutes, and Rust's `clean` should
# not cost another one. Where they cannot be built (no Go, no modules), that is said and counts as no failure, unless
# VMDHCP_TESTCLUSTER=required.
set -eu
cd "$(dirname "$0")"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vmdhcp
hash_of() { cat "$@" | sha256sum | cut -c1-16; }
testcluster=$cache/testcluster-$(hash_of build.sh go.mod go.sum ./*.go)
tools=$cache/kube-tools-$(hash_of build.sh tools/go.mod tools/go.sum tools/kubectl/*.go)

left_out() {
    echo "testcluster: $1; the tests against a real control plane are left out" >&2
    [ "${VMDHCP_TESTCLUSTER:-}" != required ]
    exit
}

case "${1:-}" in
path)
    [ -x "$testcluster" ] && [ -d "$tools" ] || exit 1
    case "${2:-}" in
    "") echo "$testcluster" ;;
    helm | kubectl) echo "$tools/$2" ;;
    *) exit 2 ;;
    esac
    ;;
build)
    [ ! -x "$testcluster" ] || [ ! -d "$tools" ] || exit 0
    command -v go >/dev/null || left_out "there is no Go here"
    export GOTOOLCHAIN=local GOFLAGS="-trimpath -buildvcs=false"
    # Clients refuse the placeholders that stand for versions unless Kubernetes' own build, or helm's, fills them in.
    version=$(sed -n 's|^\tk8s.io/kubernetes \(v[0-9.]*\)$|\1|p' go.mod)
    minor=${version#v1.}
    minor=${minor%%.*}
    version_is() { echo "-X $1.gitVersion=$version -X $1.gitMajor=1 -X $1.gitMinor=$minor"; }
    helm_knows() { echo "-X helm.sh/helm/v3/pkg/$1.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$1.k8sVersionMinor=$minor"; }
    flags="-s -w $(version_is k8s.io/component-base/version)"
    if [ ! -x "$testcluster" ]; then
        echo "building the control plane for tests (Kubernetes $version); this takes about ten minutes, once"
        go build -ldflags "$flags" -o "$testcluster.new" . || left_out "it cannot be built"
        mv "$testcluster.new" "$testcluster" # whole or not at all
    fi
    if [ ! -d "$tools" ]; then
        echo "building helm and kubectl for tests; this takes about two minutes, once"
        rm -rf "$tools.new"
        flags="$flags $(helm_knows chartutil) $(helm_knows lint/rules)"
        go -C tools build -ldflags "$flags" -o "$tools.new/" tool ./kubectl || left_out "helm and kubectl cannot be built"
        mv "$tools.new" "$tools"
    fi
    ;;
*)
    echo "usage: $0 build | path [helm|kubectl]" >&2
    exit 2
    ;;
esac
