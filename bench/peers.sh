#!/usr/bin/env bash
# The DHCP servers of others that the bench runs, and the tools that it measures with: Debian's packages. None of them is
# started: the bench starts what it needs, in namespaces of its own.
set -eu

declare -A package=(
    [kea-dhcp4]=kea-dhcp4-server [dhcpd]=isc-dhcp-server [dnsmasq]=dnsmasq-base
    [ip]=iproute2 [taskset]=util-linux [setpriv]=util-linux [perf]=linux-perf [strace]=strace [valgrind]=valgrind
)
PATH=$PATH:/usr/sbin:/sbin

absent=()
for program in "${!package[@]}"; do
    command -v "$program" >/dev/null || absent+=("${package[$program]}")
done
if [ ${#absent[@]} -eq 0 ]; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "the bench needs ${absent[*]}: install them, or run this as root on Debian" >&2
    exit 1
fi
echo "installing ${absent[*]}, without starting any of them"
export DEBIAN_FRONTEND=noninteractive
# What Debian's maintainer scripts ask before they start a service (invoke-rc.d): 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
fi
apt-get update -qq
apt-get install -qq -y --no-install-recommends "${absent[@]}" >/dev/null
for service in kea-dhcp4 dhcpd dnsmasq; do
    if pgrep -x "$service" >/dev/null; then
        echo "a $service runs on this machine: stop it, or what it answers is measured too" >&2
        exit 1
    fi
done
