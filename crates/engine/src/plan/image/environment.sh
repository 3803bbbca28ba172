#!/bin/sh
# Makes the environment's own Python and installs its packages. Runs once, in the build of its image, with
# this folder and the cache mounted: neither is part of the image, so neither are the settings in here.
#
# Every command is shown before it runs, with "+ " before it; a build that fails names the last one.
set -eu
build=/run/aml-debug/build
cache=/run/aml-debug/cache
cd "$build"
# Sets: prefix, asked (a version, or empty), refused (lines nobody can install), and what the index needs.
. ./settings.sh

say() { printf 'aml-debug: %s\n' "$*"; }
fail() {
    say "$@"
    exit 1
}
# For what is missing before any command could run.
lacks() {
    printf '+ %s\n' "find Python and pip in the base image"
    fail "$@"
}
run() {
    printf '+ %s\n' "$*"
    "$@"
}

if [ -n "$refused" ]; then
    printf '+ %s\n' "read the pip section of the conda file"
    fail "$refused"
fi

# The host's certificates if the host has its own, else the base image's; pip and uv would bring theirs along,
# which know nothing of a company's proxy.
for bundle in "$build/ca.pem" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt \
    /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    if [ -n "$bundle" ] && [ -s "$bundle" ]; then
        export SSL_CERT_FILE="$bundle" PIP_CERT="$bundle" REQUESTS_CA_BUNDLE="$bundle"
        export CURL_CA_BUNDLE="$bundle" GIT_SSL_CAINFO="$bundle" CONDA_SSL_VERIFY="$bundle" UV_SYSTEM_CERTS=1
        break
    fi
done

# Azure's own base images keep their Python in conda.
PATH="$PATH:/opt/miniconda/bin:/opt/conda/bin:/usr/local/bin"
export PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_CACHE_DIR=1
# Nothing but packages is downloaded, and the cache is on another file system than the image.
export UV_CACHE_DIR="$cache/uv-cache" UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1

first_python() {
    for name in python python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8; do
        if command -v "$name" >/dev/null 2>&1 && "$name" "$@" >/dev/null 2>&1; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

# uv, from the index like every other package, once for each kind of machine.
machine=$(uname -m)
if [ -e "/lib/ld-musl-$machine.so.1" ]; then machine="$machine-musl"; fi
tool="$cache/uv-$machine"
if [ ! -x "$tool/bin/uv" ]; then
    any=$(first_python -V) || lacks "the base image has no Python in its PATH; take one that has, python:3.11 for instance"
    python=$(first_python -m pip --version) || lacks "the base image's Python ($any) has no pip; install python3-pip in the base image"
    fresh=$(mktemp -d "$cache/uv.XXXXXX")
    run "$python" -m pip install --quiet --target "$fresh" uv
    # Somebody else's build may have been faster.
    if [ -e "$tool" ]; then rm -rf "$fresh"; else mv "$fresh" "$tool"; fi
fi
PATH="$tool/bin:$PATH"

have() { uv python find --no-project "$1" >/dev/null 2>&1; }
minor=$(printf '%s' "$asked" | sed -n 's/^\([0-9][0-9]*\.[0-9][0-9]*\)\.[0-9][0-9]*$/\1/p')
if [ -z "$asked" ]; then
    python=$(first_python -V) || lacks "the base image has no Python in its PATH; take one that has, python:3.11 for instance"
    run uv venv --no-project --python "$python" "$prefix"
elif have "$asked"; then
    run uv venv --no-project --python "$asked" "$prefix"
elif command -v conda >/dev/null 2>&1; then
    say "the base image has no Python $asked; its conda makes one"
    case "$asked" in
    [0-9]*) spec="python=$asked" ;;
    *) spec="python$asked" ;;
    esac
    # The channel without terms of service to be accepted first.
    export CONDA_PKGS_DIRS="$cache/conda"
    run conda create --quiet --yes --override-channels --channel conda-forge --prefix "$prefix" "$spec"
elif [ -n "$minor" ] && have "$minor"; then
    say "Python $asked was asked for; the base image's $minor is taken"
    run uv venv --no-project --python "$minor" "$prefix"
else
    has=$(uv python list --only-installed 2>/dev/null | sed 's/^[a-z]*-\([0-9.]*\)[^ ]* *\([^ ]*\).*/\1 (\2)/' | sort -u -k1,1 | tr '\n' ' ')
    run uv python find --no-project "$asked" ||
        fail "the environment asks for Python $asked; the base image has no conda to make one, and it has: ${has:-no Python that uv can use}"
fi

if [ -s requirements.txt ]; then
    run uv pip install --python "$prefix" --requirement requirements.txt
    run "$prefix/bin/python" -I bytecode.py "$cache"
fi
