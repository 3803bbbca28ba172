#!/bin/sh
# Gives an image that somebody else made the inference server, in its own Python, unless it has it. Runs once, in
# the build of an image of that content, with this folder mounted: it is no part of the image.
set -eu
build=/run/aml-debug/build
cache=/run/aml-debug/cache
cd "$build"
# Sets: refused (lines nobody can install), and what the index needs.
. ./settings.sh
secret=/run/aml-debug/secret
if [ ! -d "$secret" ]; then secret="$build/secret"; fi
if [ -s "$secret/settings.sh" ]; then . "$secret/settings.sh"; fi
if [ -s "$secret/netrc" ]; then export NETRC="$secret/netrc"; fi

run() {
    printf '+ %s\n' "$*"
    "$@"
}

if [ -d /var/runit ] && command -v runsvdir >/dev/null 2>&1; then
    printf 'aml-debug: %s\n' "the image has a server of its own below /var/runit"
    exit 0
fi
PATH="$PATH:/opt/miniconda/bin:/opt/conda/bin:/usr/local/bin"
python=$(command -v python || command -v python3) || {
    printf '+ %s\n' "find Python in the image"
    printf 'aml-debug: %s\n' "the image has no Python in its PATH, so the inference server cannot run in it"
    exit 1
}
if "$python" -c 'import azureml_inference_server_http' >/dev/null 2>&1; then
    printf 'aml-debug: %s\n' "the image has the inference server"
    exit 0
fi
for bundle in "$build/ca.pem" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
    if [ -n "$bundle" ] && [ -s "$bundle" ]; then
        export SSL_CERT_FILE="$bundle" PIP_CERT="$bundle" REQUESTS_CA_BUNDLE="$bundle"
        break
    fi
done
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_CACHE_DIR=1
# A distribution that guards its Python guards it from the machine's own user, and this is a copy of it.
export PIP_BREAK_SYSTEM_PACKAGES=1
# Nothing but packages is downloaded, and the cache is on another file system than the image.
export UV_CACHE_DIR="$cache/uv-cache" UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 UV_SYSTEM_CERTS=1

# A tool of the build's own, from the index like every other package, once for each folder of the cache.
machine=$(uname -m)
if [ -e "/lib/ld-musl-$machine.so.1" ]; then machine="$machine-musl"; fi
tool="$cache/uv-$machine"
if ! [ -e "$tool" ]; then
    fresh=$(mktemp -d "$tool.XXXXXX")
    run "$python" -m pip install --quiet --target "$fresh" uv || {
        printf 'aml-debug: %s\n' "the image's Python ($python) has no pip, so the inference server cannot be installed; add azureml-inference-server-http to the image"
        exit 1
    }
    # Somebody else's build may have been faster.
    if [ -e "$tool" ]; then rm -rf "$fresh"; else mv "$fresh" "$tool"; fi
fi
run "$tool/bin/uv" pip install --python "$python" --break-system-packages --requirement requirements.txt
