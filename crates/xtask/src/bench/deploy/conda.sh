#!/bin/sh
# What the comparison needs of conda: an environment of pip packages, and running in it.
set -e
case "$1 $2" in
"env create")
    python3 -m venv "/opt/miniconda/envs/$4"
    sed -n 's/^ *- *\([A-Za-z][^:=]*\(==.*\)\{0,1\}\)$/\1/p' "$6" | grep -v -x -e pip >/tmp/requirements.txt
    exec "/opt/miniconda/envs/$4/bin/pip" install --quiet --requirement /tmp/requirements.txt ;;
"run "*)
    shift
    if [ "$1" = --no-capture-output ]; then shift; fi
    PATH="/opt/miniconda/envs/$2/bin:$PATH"; shift 2
    exec "$@" ;;
esac
