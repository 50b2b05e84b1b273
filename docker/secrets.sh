#!/bin/sh
# Makes the secrets of a deployment, each in a volume of its own. Those that are there stay.
set -eu
umask 077

make() { # a file of 32 random bytes in hex, there whole or not at all
  [ -s "$1" ] && return
  head -c 32 /dev/urandom | od -A n -t x1 | tr -d ' \n' >"$1.new"
  echo >>"$1.new"
  mv "$1.new" "$1"
}

make /secrets/redis/password
make /secrets/signing/key
# The same for Redis itself, which then shows it on no command line. Nobody administers Redis over
# the network: who could would run programs on it.
echo "user default on >$(cat /secrets/redis/password) ~* &* +@all -@admin" >/secrets/redis/redis.conf
