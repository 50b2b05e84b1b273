#!/bin/sh
# The offline half of the paper, unattended: from the demo's Facts to a served Prism that a language
# model taught. Killed, it goes on where it was.
#
#   bench/oracle.sh WORK [TEXTS] [HELD_OUT] [STEPS]
#
# WORK: a folder. TEXTS, HELD_OUT: how many texts SmolLM2-135M writes to learn from, and to be
# measured by (300 and 100). STEPS: of the student on the grammar's labels (600); a quarter as many
# follow on those of SmolLM2. Its table and an answer of the service come last.
set -eu

[ $# -ge 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
work=$1 texts=${2-300} held_out=${3-100} steps=${4-600}
prism=.venv/bin/prism
mkdir -p "$work"

make --no-print-directory data
[ -d "$work/facts" ] || "$prism" facts "$work/facts" --parts 2 --k 10
oracle="--oracle hf --model smollm2 --examples 3 --longest 80"
"$prism" write "$work/facts" "$work/texts" $oracle --limit "$texts"
"$prism" write "$work/facts" "$work/texts" $oracle --limit "$held_out" --rows test
"$prism" label "$work/texts" "$work/labels" --policy factual

# So few labels cannot teach a student its language: it learns that from the grammar, in the same
# form, and only then from the Oracle.
[ -d "$work/school" ] || "$prism" label "$work/facts" "$work/school" --form titles --made-up 0
[ -d "$work/schooled" ] || "$prism" distill "$work/school" "$work/schooled" --steps "$steps"
[ -d "$work/prism" ] ||
  "$prism" distill "$work/labels" "$work/prism" --student "$work/schooled" --steps $((steps / 4))

for student in schooled prism; do
  "$prism" evaluate "$work/facts" --model "$work/$student" --texts "$work/texts"
done

PRISM_MODEL="$work/prism" PRISM_POLICY=factual "$prism" serve --port 8765 &
service=$!
trap 'kill $service' EXIT
until curl -sf http://127.0.0.1:8765/readyz > /dev/null; do sleep 1; done
curl -s 'http://127.0.0.1:8765/recommend?user_id=42&k=3&deadline_ms=5000'
echo
