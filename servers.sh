#!/bin/sh
# Provides what the tests run for real, Redis, Prometheus, Node, curl and Chromium: Debian's packages
# as root.
set -eu
missing=
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v node >/dev/null || missing="$missing nodejs"
command -v curl >/dev/null || missing="$missing curl"
command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null ||
  missing="$missing chromium-headless-shell"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests need, please install:$missing (names as in Debian)"
  exit 1
fi
echo "Installing with apt:$missing"
apt-get -qq update
# shellcheck disable=SC2086 - a list of packages
DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing >/dev/null
