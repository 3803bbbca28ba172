# Starts one command as several processes that know of each other, as a node of Azure ML does.
# $1: pytorch or mpi. $2: how many. $3: the command.
kind=$1 size=$2 command=$3
shell=/bin/sh
[ -x /bin/bash ] && shell=/bin/bash

if [ "$kind" = mpi ] && command -v mpirun >/dev/null 2>&1; then
    # An MPI program finds its peers through mpirun alone. A container has no slots to count.
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_plm_rsh_agent=
    exec mpirun -n "$size" "$shell" -c "$command"
fi

one() {
    export MASTER_ADDR=127.0.0.1 MASTER_PORT="${MASTER_PORT:-6105}"
    if [ "$kind" = mpi ]; then
        export OMPI_COMM_WORLD_RANK="$1" OMPI_COMM_WORLD_SIZE="$size" OMPI_COMM_WORLD_LOCAL_RANK="$1"
        export OMPI_COMM_WORLD_LOCAL_SIZE="$size" AZ_BATCHAI_MPI_MASTER_NODE=127.0.0.1
    else
        export WORLD_SIZE="$size" NODE_RANK=0 RANK="$1" LOCAL_RANK="$1" LOCAL_WORLD_SIZE="$size"
    fi
    exec "$shell" -c "$command"
}

# Every process tells its exit code through this pipe; output goes past it. This shell outlives the signal
# by which one that failed ends the others, to pass its code on.
trap : TERM
exec 4>&1
{
    rank=0
    while [ "$rank" -lt "$size" ]; do
        { (one "$rank" >&4 3>&- 4>&-); echo "$?" >&3; } &
        rank=$((rank + 1))
    done
    wait
} 3>&1 >/dev/null | {
    left=$size
    while [ "$left" -gt 0 ] && read -r code; do
        left=$((left - 1))
        if [ "$code" -ne 0 ]; then
            # The others would wait for it for ever.
            trap '' TERM
            kill -TERM 0
            exit "$code"
        fi
    done
}
