# Runs the command in "$@" and ends with its exit code. Where the container is asked to stop, it ends only when all
# that were asked with it have ended: a shell that the user's command is run by dies of the signal at once, its Python
# may have a checkpoint to save, and the end of a container's first program is the end of every other. Whoever takes
# longer than the grace is killed by the engine.

# The init of Docker asks the whole process group. One that asks its child alone, as Podman's does, would ask a shell
# that waits for somebody who was not asked.
read -r aml_debug_init 2>/dev/null </proc/1/comm
case $aml_debug_init in
    docker-init | tini) ;;
    *) exec "$@" ;;
esac

# A shell tells of a program that was ended by a signal; the log is the user's.
exec 9>&2 2>/dev/null
aml_debug_asked=
trap 'aml_debug_asked=yes' TERM INT HUP QUIT
(exec "$@" 2>&9 9>&-)
code=$?
[ "$aml_debug_asked" ] || exit "$code"

# State, parent and group of a process, behind its name.
facts() {
    read -r line <"/proc/$1/stat" && facts=${line##*) }
}

somebody_is_left() {
    for process in /proc/[0-9]*; do
        process=${process#/proc/}
        case $process in 1 | $$ | $PPID) continue ;; esac
        facts "$process" || continue
        set -- $facts
        [ "$1" = Z ] || [ "$3" != "$group" ] || return 0
    done
    return 1
}

facts $$
set -- $facts
group=$3
while somebody_is_left; do
    sleep 0.05 || sleep 1
done
exit "$code"
