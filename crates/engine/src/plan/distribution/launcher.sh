# Starts one command as several processes that know of each other, as a node of Azure ML does.
# $1: pytorch, mpi or tensorflow. $2: how many. $3: the command. $4: how many parameter servers beside them.
kind=$1 size=$2 command=$3 servers=${4:-0}
shell=/bin/sh
[ -x /bin/bash ] && shell=/bin/bash

# Passes whole lines of rank $1 on: the processes share one output, and Python writes a line and its end apart. What it
# still has when the others are ended, the last words of the one that failed, is passed on all the same. Each line is
# marked with the rank; whoever writes the log takes the mark away.
lines='
lines() {
    trap "" TERM
    export LC_ALL=C
    mark=$(printf "\036aml-debug-rank %s\036" "$1")
    # Written for GNU, which has the faster of the two.
    printf "x\n" | grep -aH --line-buffered --label=x "" >/dev/null 2>&1 &&
        exec grep -aH --line-buffered --label="$mark" ""
    exec sed -u "s/^/$mark:/"
}
'
eval "$lines"

if [ "$kind" = mpi ] && command -v mpirun >/dev/null 2>&1; then
    # An MPI program finds its peers through mpirun alone. A container has no slots to count.
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_plm_rsh_agent=
    # Between its polite signal and the other one. Of itself it waits a second, in which no checkpoint is saved.
    export OMPI_MCA_odls_base_sigkill_timeout="${OMPI_MCA_odls_base_sigkill_timeout:-3}"
    # What mpirun starts for each rank: the command, whose exit code it has to be.
    exec mpirun -n "$size" /bin/sh -c "$lines"'
rank=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}
[ "$rank" ] || exec "$1" -c "$2"
# A shell that waits outlives the signal that the command is ended by, so that its last words find their way.
trap : TERM
exec 4>&1
code=$(
    trap : TERM
    {
        {
            trap : TERM
            {
                trap : TERM
                ("$1" -c "$2" 3>&- 4>&- 5>&-)
                echo "$?" >&3
            } 2>&1 >&5 | lines "$rank" >&2 3>&- 4>&- 5>&-
        } 5>&1 | lines "$rank" >&4 3>&- 4>&-
    } 3>&1
)
exit "${code:-143}"' aml-debug "$shell" "$command"
fi

# The first port, and how many.
addresses() {
    all='' at=0
    while [ "$at" -lt "$2" ]; do
        all="$all${all:+, }\"127.0.0.1:$(($1 + at))\""
        at=$((at + 1))
    done
    echo "$all"
}

one() {
    export MASTER_ADDR=127.0.0.1 MASTER_PORT="${MASTER_PORT:-6105}"
    if [ "$kind" = mpi ]; then
        export OMPI_COMM_WORLD_RANK="$1" OMPI_COMM_WORLD_SIZE="$size" OMPI_COMM_WORLD_LOCAL_RANK="$1"
        export OMPI_COMM_WORLD_LOCAL_SIZE="$size" AZ_BATCHAI_MPI_MASTER_NODE=127.0.0.1
    elif [ "$kind" = tensorflow ]; then
        role=worker index=$1
        [ "$1" -lt "$size" ] || role=ps index=$(($1 - size))
        cluster="\"worker\": [$(addresses 6106 "$size")]"
        [ "$servers" -eq 0 ] || cluster="$cluster, \"ps\": [$(addresses $((6106 + size)) "$servers")]"
        export TF_CONFIG="{\"cluster\": {$cluster}, \"task\": {\"type\": \"$role\", \"index\": $index}}"
    else
        export WORLD_SIZE="$size" NODE_RANK=0 RANK="$1" LOCAL_RANK="$1" LOCAL_WORLD_SIZE="$size"
    fi
    exec "$shell" -c "$command"
}

# Every process tells its exit code through this pipe, which stays open until all of its lines are passed on. This
# shell outlives the signal by which one that failed ends the others, to pass its code on.
trap : TERM
exec 4>&1
{
    trap 'exit 0' TERM
    rank=0
    while [ "$rank" -lt $((size + servers)) ]; do
        {
            {
                { (one "$rank" 3>&- 4>&- 5>&-); echo "$? $rank" >&3; } 2>&1 >&5 | lines "$rank" >&2 4>&- 5>&-
            } 5>&1 | lines "$rank" >&4 4>&-
        } &
        rank=$((rank + 1))
    done
    wait
} 3>&1 >/dev/null | {
    # Ended by it, it would be told of in the user's log.
    trap 'exit 143' TERM
    left=$size
    while [ "$left" -gt 0 ] && read -r code rank; do
        [ "$rank" -ge "$size" ] || left=$((left - 1))
        if [ "$code" -ne 0 ]; then
            # The others would wait for it for ever.
            trap '' TERM
            exec 6<&0
            kill -TERM 0
            # A process that does not end holds its output open.
            cat <&6 >/dev/null &
            rest=$!
            { sleep 2; kill -KILL "$rest"; } >/dev/null 2>&1 &
            wait "$rest" 2>/dev/null
            exit "$code"
        fi
    done
    if [ "$servers" -gt 0 ]; then
        # A parameter server serves for ever.
        trap '' TERM
        kill -TERM 0
    fi
    exit 0
}
