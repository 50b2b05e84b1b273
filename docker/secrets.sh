#!/bin/sh
# Makes the secrets of a deployment, each in a volume of its own. Those that are there stay.
set -eu
umask 077

make() { # a file of 32 random bytes in hex, there whole or not at all
  [ -s "$1" ] && return
  od -A n -N 32 -t x1 /dev/urandom | tr -d ' \n' >"$1.new"
  [ "$(wc -c <"$1.new")" -eq 64 ]
  echo >>"$1.new"
  mv "$1.new" "$1"
}

make /secrets/redis/password
make /secrets/signing/key
# The password as Redis reads it, so that it stands on no command line. Nobody administers Redis over
# the network: whoever could do that could run programs there.
echo "user default on >$(cat /secrets/redis/password) ~* &* +@all -@admin" >/secrets/redis/redis.conf
