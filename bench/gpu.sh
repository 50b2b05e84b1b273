#!/bin/sh
# What a GPU does for a BART-Base, in under 8 minutes, on a machine that need reach nothing.
#
#   bench/gpu.sh FACTS OUT [WHEELS] [--small]
#
# FACTS: a folder of `prism facts`, made anywhere. OUT: a new folder; OUT/report.txt is the table.
# WHEELS: a folder of wheels for what this machine's python3 lacks, made where there is a network:
#   pip download --no-deps --only-binary=:all: --python-version 3.12 --dest WHEELS \
#     --platform manylinux_2_28_x86_64 --constraint constraints.txt \
#     pydantic pydantic-core annotated-types typing-inspection ctranslate2 structlog
# --small: tries everything on a CPU, with a tiny model.
set -eu

usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2; }
[ $# -ge 2 ] || usage
facts=$1 out=$2; shift 2
wheels=
case ${1-} in '' | --*) ;; *) wheels=$1; shift ;; esac
python=${PYTHON:-python3}
[ -d "$facts" ] || { echo "$facts is no folder of Facts: prism facts $facts makes one"; exit 2; }
[ ! -e "$out" ] || { echo "$out is there already: name a new folder"; exit 2; }
mkdir -p "$out"

export PYTHONPATH="$PWD"
if [ -n "$wheels" ]; then
  "$python" -m pip install --quiet --no-index --no-deps --target "$out/site" "$wheels"/*.whl
  PYTHONPATH="$out/site:$PWD"
fi
# CTranslate2 asks for the cuBLAS of CUDA 12 by name. Where there is only that of CUDA 13, it gets
# that one: the few functions it calls are the same in both.
cublas=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nvidia/cu13/lib
if [ -e "$cublas/libcublas.so.13" ] && ! ldconfig -p | grep -q libcublas.so.12; then
  mkdir -p "$out/cuda"
  ln -sf "$cublas/libcublas.so.13" "$out/cuda/libcublas.so.12"
  ln -sf "$cublas/libcublasLt.so.13" "$out/cuda/libcublasLt.so.12"
  export LD_LIBRARY_PATH="$out/cuda:$cublas:${LD_LIBRARY_PATH-}"
fi
exec "$python" -m bench.gpu "$facts" "$out/work" "$@"
