# A Slurm cluster of simulated nodes on this machine, below the folder $work; its owner calls stop_cluster however it ends. To be sourced.
# Nodes have one processor each. Jobs of the partition `urgent` preempt those of `work`. What was requeued may start again after 5 s (by default 2 min).

nodes=4

# Ports that nobody listens to, one after the other.
free_ports() {
    local count=$1 first port tries
    for tries in $(seq 50); do
        first=$((20000 + (RANDOM % 200) * 50))
        for port in $(seq "$first" $((first + count - 1))); do
            if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
        done
        echo "$first"
        return
    done
    echo "error: slurm: there are no $count free ports together (looked $tries times)" >&2
    return 1
}

start_cluster() {
    local port user
    port=$(free_ports $((nodes + 1)))
    user=$(id -un)
    mkdir -p "$work/state" "$work/munge"
    chmod 755 "$work"
    chmod 700 "$work/munge"
    head -c 1024 /dev/urandom >"$work/munge/key"
    chmod 600 "$work/munge/key"
    munged --force --key-file="$work/munge/key" --socket="$work/munge/socket" --pid-file="$work/munge/pid" \
        --log-file="$work/munge/log" --seed-file="$work/munge/seed" 2>"$work/munge/said"
    cat >"$work/slurm.conf" <<CONF
ClusterName=simulated
SlurmctldHost=localhost
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket,cred_expire=5
SlurmctldPort=$port
SlurmctldPidFile=$work/slurmctld.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdPidFile=$work/%n.pid
SlurmdLogFile=$work/%n.log
SlurmdSpoolDir=$work/%n.spool
StateSaveLocation=$work/state
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
KillWait=10
SlurmdTimeout=10
NodeName=n[1-$nodes] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + nodes))] CPUs=1 Boards=1 SocketsPerBoard=1 CoresPerSocket=1 ThreadsPerCore=1 RealMemory=1000
PartitionName=work Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
CONF
    export SLURM_CONF="$work/slurm.conf"
    slurmctld -c -f "$SLURM_CONF"
    local node
    for node in $(seq "$nodes"); do slurmd -N "n$node" -f "$SLURM_CONF"; done
    wait_until 30 "all nodes to be idle" all_idle
}

all_idle() { [ "$(sinfo --noheader --Node --partition=work --format=%T | grep -c '^idle$')" = "$nodes" ]; }

# Processes of the cluster's tasks that have a variable set so, as Slurm sets them for each task.
processes_with() {
    local environment
    grep -lzxF "$1" /proc/[0-9]*/environ 2>/dev/null | while read -r environment; do
        if grep -qzxF "SLURM_CONF=$work/slurm.conf" "$environment" 2>/dev/null; then basename "$(dirname "$environment")"; fi
    done
}

# The same of a node, and what holds them.
processes_of() {
    local task parent
    processes_with "SLURMD_NODENAME=$1" | while read -r task; do
        echo "$task"
        parent=$(ps -o ppid= -p "$task" | tr -d ' ')
        if [ -n "$parent" ] && ps -o args= -p "$parent" | grep -q '^slurmstepd: '; then echo "$parent"; fi
    done
}

# A node that is there no more, at once: its daemon and everything that it has started.
kill_node() {
    # shellcheck disable=SC2046
    kill -9 "$(cat "$work/$1.pid")" $(processes_of "$1") 2>/dev/null || true
}

stop_cluster() {
    local pid node
    [ -n "${SLURM_CONF:-}" ] || return 0
    scancel --state=RUNNING --state=PENDING --user="$(id -un)" 2>/dev/null || true
    for node in $(seq "$nodes"); do
        for pid in $(processes_of "n$node"); do kill -9 "$pid" 2>/dev/null || true; done
    done
    for pid in "$work"/*.pid "$work/munge/pid"; do
        if [ -s "$pid" ]; then kill "$(cat "$pid")" 2>/dev/null || true; fi
    done
    for pid in $(pgrep -f -- "-f $work/slurm.conf") $(pgrep -f -- "--socket=$work/munge/socket"); do
        for _ in $(seq 50); do
            kill -0 "$pid" 2>/dev/null || break
            [ "$(ps -o stat= -p "$pid" | cut -c 1)" != Z ] || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
    done
}

# wait_until SECONDS WHAT COMMAND…: until the command succeeds.
wait_until() {
    local most=$1 what=$2 started=$SECONDS
    shift 2
    until "$@"; do
        if [ $((SECONDS - started)) -ge "$most" ]; then
            echo "error: slurm: waited $most s for $what" >&2
            squeue --array >&2 || true
            sinfo --Node >&2 || true
            return 1
        fi
        sleep 0.1
    done
}
