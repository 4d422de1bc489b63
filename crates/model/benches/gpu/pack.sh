#!/bin/sh
# Packs what a machine with a GPU, but without network or Rust, needs to check this project: the program, the GPU's tests, the benchmark, the pipelines and check.sh.
#
#   crates/model/benches/gpu/pack.sh [FOLDER]
#
# FOLDER, by default target/gpu-check, is made anew; FOLDER.tar.gz holds the same. There, run ./check.sh (its head says how).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
folder=${1:-$root/target/gpu-check}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
cd "$root"

# The program that a build leaves, by what cargo says of it.
built() {
    "$@" --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

# Only an earlier pack is ever replaced.
if [ -e "$folder" ] && [ ! -e "$folder/check.sh" ]; then
    echo "$folder is there and is no earlier pack; remove it, or name another" >&2
    exit 1
fi
rm -rf "$folder"
mkdir -p "$folder/pipelines"
for name in gridlake gpu-tests gpu-bench; do
    case $name in
        gridlake) program=$(built cargo build --release --bin gridlake) ;;
        gpu-tests) program=$(built cargo test --release --workspace --test gpu --no-run) ;;
        gpu-bench) program=$(built cargo bench --workspace --bench gpu --no-run) ;;
    esac
    if [ ! -x "$program" ]; then
        echo "$name was not built" >&2
        exit 1
    fi
    strip -o "$folder/$name" "$program"
done
cp pipelines/*.toml "$folder/pipelines/"
cp "$here/check.sh" crates/model/benches/pytorch/step.py "$folder/"
git describe --always --dirty > "$folder/version.txt" 2> /dev/null || echo unknown > "$folder/version.txt"
tar -czf "$folder.tar.gz" -C "$(dirname "$folder")" "$(basename "$folder")"
du -sh "$folder" "$folder.tar.gz"
