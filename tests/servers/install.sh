#!/usr/bin/env bash
# Installs the programs of packages.txt that are missing, if root runs it and apt-get is there; otherwise it says how
# to get them, and fails.
set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

packages=$(while read -r program package; do
    command -v "$program" >/dev/null || echo "$package"
done <"$(dirname "$0")/packages.txt" | sort -u | tr '\n' ' ')
if [ -z "$packages" ]; then
    echo "All real servers of the tests are installed."
    exit 0
fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086 # one word for each package
    apt-get install -qq -y --no-install-recommends $packages >/dev/null
    echo "Installed for the tests: $packages"
    exit 0
fi
echo "Tests that need real servers will be skipped, or fail in CI. On Debian and Ubuntu:"
echo "  sudo apt-get install --no-install-recommends $packages"
exit 1
