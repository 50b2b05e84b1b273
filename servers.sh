#!/bin/sh
# Provides the servers that the tests run for real, Redis and Prometheus: Debian's packages as root.
set -eu
missing=
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v promtool >/dev/null || missing="$missing prometheus"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests need, please install:$missing (names as in Debian)"
  exit 1
fi
echo "Installing with apt:$missing"
apt-get -qq update
# shellcheck disable=SC2086 - a list of packages
DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing >/dev/null
