#!/usr/bin/env bash
# Makes windows, training set and model of the shipped sample with Leat and compares
# the model with scikit-learn's fit of the same training set (compare.py). Python
# packages go into a virtual environment in a temporary folder, removed at the end.
# Needs Go, and Python 3.10 or newer with venv; PYTHON names another than python3.
set -euo pipefail
cd "$(dirname "$0")/../../.."

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"${PYTHON:-python3}" -m venv "$dir/venv"
"$dir/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r examples/flights/oracle/requirements.txt

go run ./examples/flights -out "$dir/out"
echo
compare() { "$dir/venv/bin/python" examples/flights/oracle/compare.py "$dir/out/training" "$1"; }
compare "$dir/out/model.json"

# The comparison must be able to fail: it has to when the model claims another AUC.
sed 's/"auc": 0\.7/"auc": 0.6/' "$dir/out/model.json" > "$dir/broken.json"
if said=$(compare "$dir/broken.json"); then
  echo "compare.py found nothing wrong with a model that claims another AUC"
  exit 1
fi
grep -q FAILED <<< "$said" || { echo "$said"; echo "compare.py ended before it compared the model that claims another AUC"; exit 1; }
echo "a model that claims another AUC is found out"
