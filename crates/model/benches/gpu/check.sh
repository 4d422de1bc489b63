#!/bin/sh
# Checks, times and trains on this machine's GPU, with what pack.sh put beside this script. Needs the NVIDIA driver; for the comparison a Python with torch.
#
#   ./check.sh [--out FOLDER] [--device DEVICE] [--minutes N] [--lake FOLDER] [--train-only] [--quick] [-- FLAGS]
#
#   --out FOLDER     where all results go (./results); run it again with the same to go on with the training
#   --device DEVICE  cuda or cuda:<number> (cuda)
#   --minutes N      train pipelines/paper.toml for so long (5); 0 does not train
#   --lake FOLDER    the lake to train in, to go on with an earlier one's (FOLDER/lake of --out)
#   --train-only     neither tests nor times: to go on with the training
#   --quick          tiny problems: to try this script with an emulated GPU
#   -- FLAGS         for every call of gridlake, such as --set train.precision=tf32
#
# GRIDLAKE_PYTORCH names the Python; else python3, if it has torch. Ends with 1 if any part failed, and says which; the other parts are done all the same.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=results device=cuda minutes=5 lake='' train_only='' quick=''
while [ $# -gt 0 ]; do
    case $1 in
        --out | --device | --minutes | --lake)
            if [ $# -lt 2 ]; then
                echo "$1 needs a value" >&2
                exit 2
            fi
            eval "${1#--}=\$2"
            shift
            ;;
        --train-only) train_only=yes ;;
        --quick) quick=--quick ;;
        --)
            shift
            break
            ;;
        -h | --help)
            sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *)
            echo "unknown argument $1; --help lists them" >&2
            exit 2
            ;;
    esac
    shift
done
case $minutes in
    '' | *[!0-9]*)
        echo "--minutes needs a whole number, not '$minutes'" >&2
        exit 2
        ;;
esac
# What is left are flags for gridlake.

mkdir -p "$out"
out=$(cd "$out" && pwd)
lake=${lake:-$out/lake}
case $lake in /*) ;; *) lake=$PWD/$lake ;; esac
failed=''

say() {
    echo "$(date -u '+%H:%M:%S') $*"
}

fail() {
    failed="$failed
  $*"
    say "FAILED: $*"
}

# part NAME COMMAND…: runs it, with all it says in NAME.txt.
part() {
    name=$1
    shift
    say "$name"
    code=0
    "$@" > "$out/$name.txt" 2>&1 || code=$?
    return $code
}

machine() {
    date -u '+%Y-%m-%d %H:%M UTC'
    echo "version $(cat "$here/version.txt")"
    uname -srm
    grep -m 1 'model name' /proc/cpuinfo || true
    nproc
    nvidia-smi 2> /dev/null || echo 'no nvidia-smi'
}

tests() {
    # The tests take the first GPU that they see. No compiler: the emulated one stays out.
    case $device in
        cuda:*) CUDA_VISIBLE_DEVICES=${device#cuda:} CXX=none "$here/gpu-tests" gpu:: ;;
        *) CXX=none "$here/gpu-tests" gpu:: ;;
    esac
}

benchmark() {
    "$here/gpu-bench" --device "$device" --pytorch-script "$here/step.py" --markdown "$out/tables.md" $quick
}

# stage LIMIT VERB: a stage of the pipeline, as long as LIMIT allows, with the flags for gridlake after it.
stage() {
    limit=$1 verb=$2
    shift 2
    if [ -n "$quick" ]; then
        set -- --set train.steps=12 --set train.data.batch=4 --set train.data.length=5 --set train.model.units=16 --set train.checkpoints.every=4 \
            --set 'record.boxes_m=[1.0]' --set record.trajectories=4 --set record.steps=10 "$@"
    fi
    $limit "$here/gridlake" "$verb" "$here/pipelines/paper.toml" --lake "$lake" --device "$device" --quiet "$@"
}

# Trains as long as there is time, and does the rest once all steps are done.
pipeline() {
    code=0
    part train stage "timeout -s INT -k 120 $((minutes * 60))" train "$@" || code=$?
    case $code in
        0) ;;
        # Out of time, or interrupted: a checkpoint is kept.
        124 | 130)
            say "training goes on with the next call: $("$here/gridlake" status "$lake" | tr '\n' ' ')"
            return
            ;;
        *)
            fail "training, exit code $code: $out/train.txt"
            return
            ;;
    esac
    for verb in record analyze draw; do
        if ! part "$verb" stage '' "$verb" "$@"; then
            fail "$verb: $out/$verb.txt"
            return
        fi
    done
}

# What a lake elsewhere holds of metrics, figures and records, beside the rest of the results.
collect() {
    case $lake in "$out"/*) return ;; esac
    for path in runs tables/metrics figures; do
        if [ -d "$lake/$path" ]; then
            mkdir -p "$out/collected/$path"
            (cd "$lake/$path" && find . -type f ! -name '*.safetensors' -exec sh -c 'mkdir -p "$0/$(dirname "$1")" && cp "$1" "$0/$1"' "$out/collected/$path" {} \;)
        fi
    done
}

# All but the training.
measure() {
    if ! part tests tests; then
        fail "tests: $out/tests.txt"
    elif grep -q ' 0 passed' "$out/tests.txt"; then
        fail "tests: none ran, see $out/tests.txt"
    fi
    if [ -z "${GRIDLAKE_PYTORCH:-}" ] && python3 -c 'import torch' 2> /dev/null; then
        GRIDLAKE_PYTORCH=$(command -v python3)
        export GRIDLAKE_PYTORCH
    fi
    # Not an earlier call's.
    rm -f "$out/tables.md"
    part benchmark benchmark || fail "benchmark: $out/benchmark.txt"
    # The last table is the summary.
    if [ -f "$out/tables.md" ]; then
        sed -n '/^## Summary/,$p' "$out/tables.md"
    fi
}

case $device in
    cuda | cuda:*) ;;
    *)
        echo "--device takes cuda or cuda:<number>, not '$device'" >&2
        exit 2
        ;;
esac
part machine machine || fail "facts of the machine: $out/machine.txt"
if [ -z "$train_only" ]; then
    measure
fi
if [ "$minutes" -gt 0 ]; then
    pipeline "$@"
    "$here/gridlake" status "$lake" > "$out/status.txt" 2>&1 || fail "status: $out/status.txt"
    collect
fi

say "all results are in $out"
if [ -n "$failed" ]; then
    echo "failed:$failed"
    exit 1
fi
