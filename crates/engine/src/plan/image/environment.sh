#!/bin/sh
# Makes the environment's own Python and installs its packages. Runs once, in the build of its image, with
# this folder and the cache mounted: neither is part of the image, so neither are the settings in here.
#
# Every command is shown before it runs, with "+ " before it; a build that fails names the last one.
set -eu
# One stream, so that lines arrive in the order in which they were written.
exec >&2
build=/run/aml-debug/build
cache=/run/aml-debug/cache
cd "$build"
# Sets: prefix, own (yes where packages go into the image's own Python), asked (a version, or empty), refused (lines nobody can install), conda and channels (words, or
# empty), kept (names of packages that the conda file gives a version), and what the index needs.
. ./settings.sh
# What nobody else may see: in files of the session's, or beside the others where the builder has no sessions.
secret=/run/aml-debug/secret
if [ ! -d "$secret" ]; then secret="$build/secret"; fi
if [ -s "$secret/settings.sh" ]; then . "$secret/settings.sh"; fi
requirements=requirements.txt
if [ -s "$secret/requirements.txt" ]; then requirements="$secret/requirements.txt"; fi

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

# Packages from git: the user's agent signs, and only hosts that the user knows are spoken to.
GIT_SSH_COMMAND="ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=$secret/known_hosts"
export GIT_SSH_COMMAND GIT_TERMINAL_PROMPT=0
if [ -s "$secret/netrc" ]; then
    export NETRC="$secret/netrc"
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=credential.helper
    export GIT_CONFIG_VALUE_0="!\$(command -v python3 || command -v python) -I $build/credential.py"
fi
needs() {
    if grep -q "$1" "$requirements" && ! command -v "$2" >/dev/null 2>&1; then
        printf '+ %s\n' "find $2 in the base image"
        fail "the pip section has a package that is fetched by $2, and the base image has none; take a base image that has it"
    fi
}
needs 'git+' git
needs 'git+ssh:' ssh

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

# A tool of the build's own, from the index like every other package, once for each folder of the cache.
machine=$(uname -m)
if [ -e "/lib/ld-musl-$machine.so.1" ]; then machine="$machine-musl"; fi
bring() {
    if [ -e "$1" ]; then return; fi
    any=$(first_python -V) || lacks "the base image has no Python in its PATH; take one that has, python:3.11 for instance"
    fresh=$(mktemp -d "$1.XXXXXX")
    # pip takes longer to start than to fetch one file, and not every image has it.
    code=4
    if [ "$2" = uv ]; then
        printf '+ %s\n' "$any fetch.py uv"
        code=0
        "$any" -I fetch.py uv "$fresh" "$machine" || code=$?
    fi
    case "$code" in
    0) ;;
    4)
        python=$(first_python -m pip --version) || lacks "the base image's Python ($any) has no pip; install python3-pip in the base image"
        run "$python" -m pip install --quiet --target "$fresh" "$2"
        ;;
    *)
        rm -rf "$fresh"
        exit "$code"
        ;;
    esac
    # Somebody else's build may have been faster.
    if [ -e "$1" ]; then rm -rf "$fresh"; else mv "$fresh" "$1"; fi
}
if [ -n "$own" ]; then
    python=$(first_python -V) || lacks "the image has no Python in its PATH, so nothing can be installed into it"
    if "$python" -c 'import debugpy, sys; sys.exit(debugpy.__version__.split(".")[:2] < ["1", "8"])' 2>/dev/null; then
        say "the image has a debugpy of its own"
        exit 0
    fi
    bring "$cache/uv-$machine" uv
    PATH="$PATH:$cache/uv-$machine/bin"
    run uv pip install --python "$python" --break-system-packages --requirement "$requirements"
    exit 0
fi
if [ -s "$requirements" ] || [ -z "$conda" ]; then
    bring "$cache/uv-$machine" uv
    PATH="$cache/uv-$machine/bin:$PATH"
fi

# A real solve: by the base image's own tool, or by rattler.
conda_packages() {
    # What they keep for the next build has the addresses of its channels in it.
    case "$channels $conda" in
    *://*@*) kept_for_now=$(mktemp -d) ;;
    *) kept_for_now= ;;
    esac
    for solver in micromamba mamba conda; do
        if command -v "$solver" >/dev/null 2>&1; then
            say "the conda packages are solved by the base image's $solver"
            export CONDA_PKGS_DIRS="${kept_for_now:-$cache/conda}" MAMBA_ROOT_PREFIX="${MAMBA_ROOT_PREFIX:-$cache/mamba}"
            create_with "$solver" && forget_logins
            return
        fi
    done
    say "the base image has no conda; the conda packages are solved by rattler"
    python=$(first_python -c 'import sys; sys.exit(sys.version_info < (3, 8))') ||
        lacks "the base image has neither conda nor a Python of 3.8 or newer to solve conda packages with"
    abi=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    bring "$cache/rattler-$machine-$abi" 'py-rattler<0.29'
    say_with_words rattler
    # Not as arguments, which everybody on the machine can read.
    printf '%s\n\n%s\n' "$channels" "$conda" |
        PYTHONPATH="$cache/rattler-$machine-$abi" XDG_CACHE_HOME="${kept_for_now:-$cache/rattler}" \
            "$python" "$build/conda.py" "$prefix" &&
        forget_logins
}

without_logins='s#://[^/@" ]*@#://#g'
# A prefix knows where each of its packages came from, and of conda's own what it was called with.
forget_logins() {
    sed -i "$without_logins" "$prefix"/conda-meta/*
    rm -rf "$kept_for_now"
}
say_with_words() (
    set -f
    for word in $channels; do set -- "$@" --channel "$word"; done
    # shellcheck disable=SC2086
    printf '+ %s\n' "$* $(echo $conda)" | sed "$without_logins"
)

# The channels, each behind --channel, and then the packages: one a line, blanks and all.
create_with() {
    set -- "$1" create --quiet --yes --override-channels --prefix "$prefix"
    say_with_words "$@"
    set -f
    IFS='
'
    for word in $channels; do set -- "$@" --channel "$word"; done
    for word in $conda; do set -- "$@" "$word"; done
    unset IFS
    set +f
    "$@"
}

# Wheels stay in the cache as they came, and uv unpacks them where they belong: its own cache has them unpacked, on another
# file system, so that everything is written twice. Whatever goes wrong here is left to uv, which has the words for it.
work="$prefix.wheels"
fetch_wheels() {
    UV_HTTP_RETRIES=0 uv pip compile --no-header --python "$1" --format pylock.toml "$requirements" 2>/dev/null |
        "$1" -I fetch.py wheels "$cache/wheels" "$work"
}

fetching=
make_venv() {
    if [ -s "$requirements" ]; then
        mkdir -p "$work"
        fetch_wheels "$1" &
        fetching=$!
    fi
    run uv venv --no-project --python "$1" "$prefix"
}
find_python() { python=$(uv python find --no-project "$1" 2>/dev/null); }
minor=$(printf '%s' "$asked" | sed -n 's/^\([0-9][0-9]*\.[0-9][0-9]*\)\.[0-9][0-9]*$/\1/p')
if [ -x "$prefix/bin/python" ]; then
    say "the packages that are there already stay as they are"
elif [ -n "$conda" ]; then
    conda_packages
elif [ -z "$asked" ]; then
    python=$(first_python -V) || lacks "the base image has no Python in its PATH; take one that has, python:3.11 for instance"
    make_venv "$python"
elif find_python "$asked"; then
    make_venv "$python"
elif command -v conda >/dev/null 2>&1; then
    say "the base image has no Python $asked; its conda makes one"
    case "$asked" in
    [0-9]*) spec="python=$asked" ;;
    *) spec="python$asked" ;;
    esac
    # The channel without terms of service to be accepted first.
    export CONDA_PKGS_DIRS="$cache/conda"
    run conda create --quiet --yes --override-channels --channel conda-forge --prefix "$prefix" "$spec"
elif [ -n "$minor" ] && find_python "$minor"; then
    say "Python $asked was asked for; the base image's $minor is taken"
    make_venv "$python"
else
    has=$(uv python list --only-installed 2>/dev/null | sed 's/^[a-z]*-\([0-9.]*\)[^ ]* *\([^ ]*\).*/\1 (\2)/' | sort -u -k1,1 | tr '\n' ' ')
    say "the base image has no Python $asked and no conda; rattler makes one from conda-forge"
    case "$asked" in
    [0-9]*) conda="python=$asked" ;;
    *) conda="python$asked" ;;
    esac
    channels=conda-forge
    conda_packages ||
        fail "the environment asks for Python $asked; the base image has no conda to make one, conda-forge gave none, and the base image has: ${has:-no Python that uv can use}"
fi

if [ -n "$fetching" ]; then
    left=0
    wait "$fetching" || left=$?
    case "$left" in
    0 | 5)
        TMPDIR="$work" run uv pip install --no-cache --link-mode hardlink --python "$prefix/bin/python" --no-index --no-deps \
            --find-links "$work" --requirement "$work/pinned.txt" || left=1
        ;;
    esac
    if [ "$left" = 0 ]; then requirements=/dev/null; fi
    rm -rf "$work"
fi
if [ -s "$requirements" ]; then
    pins=
    set -- uv pip install --python "$prefix/bin/python" --requirement "$requirements"
    if [ -n "$conda" ]; then
        # One name is one word.
        # shellcheck disable=SC2086
        pins=$("$prefix/bin/python" -I pinned.py "$prefix" $kept)
        printf '%s\n' "$pins" >"$prefix/.conda-pins"
        set -- "$@" --constraint "$prefix/.conda-pins"
    fi
    run "$@" || {
        code=$?
        if [ -n "$pins" ]; then say "pip's part has to leave as they are, since the conda file asks for them: $(echo $pins)"; fi
        exit "$code"
    }
    rm -f "$prefix/.conda-pins"
fi
