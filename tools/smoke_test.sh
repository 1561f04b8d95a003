#!/usr/bin/env bash
# Build the wheel and the sdist into dist/, install each into an empty environment, and use it.
#
# usage: tools/smoke_test.sh [PYTHON]
set -euo pipefail
python=${1:-python3}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of the checkout or of the user's environment may stand in for what is installed.
unset PYTHONPATH KERAS_BACKEND
export ALEXNET_CACHE_DIR=$work/cache MPLBACKEND=Agg
pip_options=(--disable-pip-version-check --quiet --constraint "$root/constraints.txt")

create() { # an empty environment
  "$python" -m venv "$1"
  [ -x "$1/bin/python" ] || { echo "no $1/bin/python: on Windows, run this under WSL" >&2; exit 1; }
}

use() { # what a new user does first, away from the checkout
  local bin=$1/bin out=$1/runs
  cd "$work"
  "$bin/alexnet" --version
  "$bin/alexnet" info paper | tail -n 3
  "$bin/alexnet" train digits --epochs 1 --image-size 64 --set widths=8 --set hidden=16 --output-dir "$out"
  "$bin/alexnet" evaluate "$out" digits | grep top-1
  "$bin/alexnet" report "$out" >/dev/null
  "$bin/python" - "$out" <<'PYTHON'
import sys

import alexnet

assert not {"torch", "keras", "tensorflow"} & set(sys.modules), "import alexnet loads a framework"
run = alexnet.Run.open(sys.argv[1])
assert alexnet.AlexNet(run.architecture).load_weights(run.weights()) is None
print("alexnet", alexnet.__version__, "from", alexnet.__file__)
PYTHON
  cd "$root"
}

cd "$root"
rm -rf dist
create "$work/build"
"$work/build/bin/python" -m pip install "${pip_options[@]}" build
"$work/build/bin/python" -m build --outdir dist . >/dev/null
ls -l dist
for package in dist/*.whl dist/*.tar.gz; do
  echo "== $package"
  create "$work/venv"
  "$work/venv/bin/python" -m pip install "${pip_options[@]}" "$root/$package"
  use "$work/venv"
  rm -rf "$work/venv"
done
echo "smoke test passed"
