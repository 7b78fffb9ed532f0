#!/usr/bin/env bash
# The DHCP clients of others that the end-to-end tests run: `install` brings them. `verdict` says what was left out, of
# these tests and of those on a real control plane.
set -eu

declare -A package=([udhcpc]=udhcpc [dhclient]=isc-dhcp-client [dhcpcd]=dhcpcd-base [busybox]=busybox [ip]=iproute2 [setpriv]=util-linux)
PATH=$PATH:/usr/sbin:/sbin

missing() {
    for program in "${!package[@]}"; do
        command -v "$program" >/dev/null || echo "$program"
    done
}

case "${1:-}" in
install)
    mapfile -t absent < <(missing)
    if [ ${#absent[@]} -eq 0 ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        exit 0
    fi
    packages=()
    for program in "${absent[@]}"; do packages+=("${package[$program]}"); done
    echo "installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # The clients are run by the tests alone: none of them may start on its own.
    apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null
    ;;
verdict)
    left_out=()
    [ "$(id -u)" = 0 ] || left_out+=("everything in network namespaces (run as root for it)")
    mapfile -t absent < <(missing)
    for program in "${absent[@]}"; do left_out+=("what runs $program (Debian's package ${package[$program]})"); done
    "$(dirname "$0")/testcluster/build.sh" path >/dev/null ||
        left_out+=("what runs on a real Kubernetes control plane: the API's definition on it, the chart and its rights, and allocation (needs Go 1.26, and its module proxy for the first build)")
    if [ ${#left_out[@]} -eq 0 ]; then
        echo "all tests have passed, and none was left out"
    else
        echo "what was run has passed; this is NOT a full pass. Left out:"
        printf '  - %s\n' "${left_out[@]}"
    fi
    ;;
*)
    echo "usage: $0 install|verdict" >&2
    exit 2
    ;;
esac
