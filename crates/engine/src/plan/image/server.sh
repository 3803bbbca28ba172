#!/bin/sh
# Gives an image that somebody else made the inference server, in its own Python, unless it has it. Runs once, in
# the build of an image of that content, with this folder mounted: it is no part of the image.
set -eu
build=/run/aml-debug/build
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
run "$python" -m pip install --quiet --requirement requirements.txt
