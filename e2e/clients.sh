#!/usr/bin/env bash
# The DHCP clients of others that the end-to-end tests run: `install` brings those of `make test`. `verdict` says what was
# left out, of these tests and of those on a real control plane.
# `unpack` brings those of `make e2e-clients`, and prints where they are. They manage the network of the machine that they
# are installed on, so they are not: Debian's packages are unpacked into a folder, which tests lay over /usr and /etc of
# their own mount tables.
set -eu

declare -A package=([udhcpc]=udhcpc [dhclient]=isc-dhcp-client [dhcpcd]=dhcpcd-base [busybox]=busybox [dnsmasq]=dnsmasq-base [ip]=iproute2 [setpriv]=util-linux)
PATH=$PATH:/usr/sbin:/sbin

unpacked_packages=(systemd network-manager nmap qemu-system-x86 ipxe-qemu ipxe ovmf dbus isc-dhcp-relay)

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
unpack)
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/vmdhcp
    root=$cache/clients-$(sha256sum "$0" | cut -c1-16)
    if [ ! -d "$root" ]; then
        rm -rf "$root.new"
        mkdir -p "$root.new/archives/partial" "$root.new/usr"/{bin,sbin,lib,lib64}
        # As on the machine itself, whose /bin and /lib are in /usr.
        for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root.new/$folder"; done
        apt-get update -qq >&2
        # What is missing here, with all that it needs; nothing of it is installed, and no script of it is run.
        apt-get install -qq -y --no-install-recommends --download-only -o Dir::Cache::archives="$root.new/archives" \
            "${unpacked_packages[@]}" >&2
        for package in "$root.new"/archives/*.deb; do
            dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$root.new"
        done
        rm -rf "$root.new/archives"
        mv "$root.new" "$root" # whole or not at all
    fi
    echo "$root"
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
    echo "usage: $0 install|unpack|verdict" >&2
    exit 2
    ;;
esac
