#!/bin/sh
# Makes .venv, with the two things that pip cannot install and a bare Debian lacks: Python's own
# ensurepip, and OpenMP (libgomp, which the ALS library is linked to). As root they are installed
# with apt; without root they are unpacked into .venv, and nothing outside it is touched.
set -eu
python=$1

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Prism needs Python 3.11 or newer. Choose one: make PYTHON=python3.12 run"
  exit 1
}
has_pip() { "$python" -c 'import ensurepip' 2>/dev/null; }
has_openmp() { "$python" -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null; }
missing=
has_pip || missing="$missing python3-venv"
has_openmp || [ "$(uname)" != Linux ] || missing="$missing libgomp1"

if [ -n "$missing" ] && ! command -v apt-get >/dev/null; then
  echo "Missing on this system, please install:$missing (names as in Debian)"
  exit 1
fi
if [ -n "$missing" ] && [ "$(id -u)" = 0 ]; then
  echo "Installing with apt:$missing"
  apt-get -qq update
  # shellcheck disable=SC2086 - a list of packages
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing >/dev/null
  missing=
fi

rm -rf .venv
trap 'status=$?; [ $status = 0 ] || rm -rf .venv' EXIT
if [ -z "$missing" ]; then
  "$python" -m venv .venv
  touch .venv/.made # last, so that a half-made environment is made again
  exit
fi

echo "Unpacking into .venv, as there is no root to install them:$missing"
"$python" -m venv --without-pip .venv
work=$PWD/.venv/debian
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
apt="apt-get -qq -o Dir::State=$work/state -o Dir::Cache=$work/cache"
$apt update
(cd "$work" && $apt download python3-pip-whl libgomp1 && for deb in *.deb; do dpkg -x "$deb" .; done)
pip=$(echo "$work"/usr/share/python-wheels/pip-*.whl)
.venv/bin/python "$pip/pip" install --quiet --no-index "$pip"
openmp=$(echo "$work"/usr/lib/*/libgomp.so.1)
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "import ctypes; ctypes.CDLL('$openmp', mode=ctypes.RTLD_GLOBAL)" >"$site/openmp.pth"
rm -rf "$work"/*.deb "$work/state" "$work/cache"
touch .venv/.made
