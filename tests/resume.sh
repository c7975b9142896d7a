#!/usr/bin/env bash
# What is killed goes on: the quickstart at each of its steps and just before each of its notes, a server
# between two refreshes, and two servers that share a store.
#
#     tests/resume.sh        (Linux; needs gcc and curl)
#
# Prints a line for each thing that ran, and stops at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "resume: $*"; }
fail() {
    echo "resume: FAILED: $*" >&2
    exit 1
}
for tool in cargo gcc curl; do
    command -v "$tool" >/dev/null || fail "$tool is missing (apt-get install gcc curl)"
done

cargo build -q --release --example quickstart --example serve
examples=$(realpath "${CARGO_TARGET_DIR:-target}")/release/examples
quickstart=$examples/quickstart serve=$examples/serve

work=$(mktemp -d)
running=()
clean_up() {
    for pid in ${running[@]+"${running[@]}"}; do kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

# Kills what `start` or `tell_slowly` left in $pid, and sees that it was alive until then.
kill_it() {
    kill -9 "$pid" || fail "it had ended already"
    local code=0
    wait "$pid" 2>/dev/null || code=$?
    [[ $code == 137 ]] || fail "it ended with $code, not by SIGKILL"
    running=()
}

# Tries for twenty seconds.
until_so() { # WHAT OUTPUT COMMAND…
    local what=$1 output=$2
    shift 2
    for _ in {1..2000}; do
        ! "$@" || return 0
        sleep 0.01
    done
    cat "$output" >&2
    fail "$what"
}

is() { # WHAT EXPECTED ACTUAL
    [[ $2 == "$3" ]] || fail "$1: expected '$2', got '$3'"
}

mode_is_600() { # FILE…
    for file in "$@"; do is "the mode of $file" 600 "$(stat -c %a "$file")"; done
}

# ---- The quickstart ---------------------------------------------------------------------------------

# The numbers of the steps that an output tells, on one line.
steps() { sed -n 's/^\([0-9]*\)\. .*/\1/p' "$1" | paste -sd ' '; }

# Goes on with a story that was killed, to its end.
go_on() { # NAME
    timeout 20 "$quickstart" --store "$work/$1.db" >"$work/$1.rest" 2>&1 || {
        cat "$work/$1.rest" >&2
        fail "$1: it does not go on"
    }
    grep -q '^That was the story\.' "$work/$1.rest" || fail "$1: the story has no end"
    [[ ! -e $work/$1.db.app ]] || fail "$1: the app has not forgotten its story"
}

has_paused() { # NAME TIMES
    (($(grep -c '^\[Enter\]' "$work/$1.out") == $2))
}

# Tells the story up to this step, and waits there.
tell_slowly() { # NAME STEP
    local step
    mkfifo "$work/$1.keys"
    : >"$work/$1.out"
    exec {keys}<>"$work/$1.keys"
    "$quickstart" --store "$work/$1.db" --pause <"$work/$1.keys" >"$work/$1.out" 2>&1 &
    pid=$!
    running=("$pid")
    for ((step = 1; step <= $2; step++)); do
        until_so "$1: there is no step $step" "$work/$1.out" has_paused "$1" "$step"
        ((step == $2)) || echo >&"$keys"
    done
    exec {keys}>&-
}

timeout 20 "$quickstart" >"$work/memory.out" || fail "the quickstart in memory"
is "the steps" "$(seq -s ' ' 10)" "$(steps "$work/memory.out")"

go_on whole
is "the steps with a store" "$(seq -s ' ' 10)" "$(steps "$work/whole.rest")"
cp "$work/whole.db.key" "$work/whole.key"
go_on whole
is "the steps, once more" "$(seq -s ' ' 10)" "$(steps "$work/whole.rest")"
cmp "$work/whole.db.key" "$work/whole.key" || fail "the sealing key is another one"
mode_is_600 "$work/whole.db" "$work/whole.db.key"
say "the quickstart in memory, with a store, and once more with the same store"

for step in {1..9}; do
    name=step$step
    tell_slowly "$name" "$step"
    is "$name: the steps before" "$(seq -s ' ' "$step")" "$(steps "$work/$name.out")"
    kill_it
    mode_is_600 "$work/$name".db*
    go_on "$name"
    is "$name: the steps after" "$(echo 1 $(seq $((step + 1)) 10))" "$(steps "$work/$name.rest")"
done
say "killed after each of its steps, the quickstart goes on with the next one"

# Kills the process at the n-th time that it is about to change the app's notes: then the engine has
# answered, and the app does not know. And shows it a later hour.
cat >"$work/fate.c" <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void about_to_change(const char *path)
{
    static int times;
    const char *fatal = getenv("KILL_AT_NOTE");
    size_t length = strlen(path);
    if (fatal && length > 4 && strcmp(path + length - 4, ".app") == 0 && ++times == atoi(fatal)) {
        raise(SIGKILL);
    }
}

int rename(const char *from, const char *to)
{
    about_to_change(to);
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char *path)
{
    about_to_change(path);
    return unlinkat(AT_FDCWD, path, 0);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    const char *later = getenv("SECONDS_LATER");
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME && later) time->tv_sec += atol(later);
    return failed;
}
END
gcc -shared -fPIC -O2 -Wall -Wextra -Werror "$work/fate.c" -o "$work/fate.so"

refresh_tokens() { sed -n 's/^   refresh token //p' "$1"; }

# Whether it was killed, and did not come to its end.
killed_at_note() { # NAME NOTE
    local code=0
    LD_PRELOAD=$work/fate.so KILL_AT_NOTE=$2 "$quickstart" --store "$work/$1.db" >"$work/$1.out" 2>&1 &
    wait "$!" 2>/dev/null || code=$?
    ((code == 0 || code == 137)) || fail "$1 ends with $code: $(cat "$work/$1.out")"
    ((code == 137))
}
has_the_same_successor() { # NAME
    is "$1: the successor" "$(refresh_tokens "$work/$1.out" | tail -1)" "$(refresh_tokens "$work/$1.rest" | head -1)"
}

note=1
while killed_at_note "note$note" "$note"; do
    name=note$note
    last=$(steps "$work/$name.out" | tail -c 3)
    go_on "$name"
    grep -q 'sign in again' "$work/$name.rest" && signs_in=yes || signs_in=no
    case ${last// /} in
    4)
        is "$name: the steps after a lost code" "1 4 $(seq -s ' ' 2 10)" "$(steps "$work/$name.rest")"
        is "$name: it signs in again" yes "$signs_in"
        ;;
    6)
        has_the_same_successor "$name"
        ;;&
    *)
        is "$name: it signs in again" no "$signs_in"
        is "$name: the last step of all" 10 "$(steps "$work/$name.rest" | tail -c 3)"
        ;;
    esac
    note=$((note + 1))
done
((note > 10)) || fail "there are but $((note - 1)) notes to be killed at"
say "killed before each of its $((note - 1)) notes, it has the same answer again; for a lost code, the user signs in again"

later() { # SECONDS STEP HAS_TO_SIGN_IN
    local name=later$1 signs_in
    tell_slowly "$name" "$2"
    kill_it
    LD_PRELOAD=$work/fate.so SECONDS_LATER=$1 go_on "$name"
    grep -q 'sign in again' "$work/$name.rest" && signs_in=yes || signs_in=no
    is "$name: it signs in again" "$3" "$signs_in"
}
later 120 3 yes
later 7200 4 no
later 864000 6 no
later 1728000 5 yes
for note in 6 7; do
    name=lost$note
    killed_at_note "$name" "$note" || fail "there is no note $note"
    LD_PRELOAD=$work/fate.so SECONDS_LATER=864000 go_on "$name"
    has_the_same_successor "$name"
done
say "it goes on minutes, hours and days later; when its code or its session has ended, with a new sign-in"

mkdir "$work/wrong"
cp "$work/whole.db" "$work/whole.db.key" "$work/wrong/"
refuses() { # WHAT MESSAGE COMMAND…
    local what=$1 message=$2 code=0
    shift 2
    timeout 20 "$@" >"$work/refusal" 2>&1 || code=$?
    ((code != 0 && code < 100)) || fail "$what ends with $code"
    grep -qF -- "$message" "$work/refusal" || { cat "$work/refusal" >&2; fail "$what does not say so"; }
}
each_refuses() { # WHAT MESSAGE
    refuses "$1" "$2" "$quickstart" --store "$work/wrong/whole.db"
    refuses "$1" "$2" "$serve" --listen 127.0.0.1:0 --store "$work/wrong/whole.db"
}
head -c 32 /dev/urandom >"$work/wrong/whole.db.key"
each_refuses "a wrong key" "the store's keys are sealed under another key"
head -c 31 /dev/urandom >"$work/wrong/whole.db.key"
each_refuses "half a key" "the sealing key must have 32 bytes, not 31"
rm "$work/wrong/whole.db.key"
each_refuses "a missing key" "whole.db is there, but $work/wrong/whole.db.key is not"
[[ ! -e $work/wrong/whole.db.key ]] || fail "another key was made for a store that is there"
cp "$work/whole.db.key" "$work/wrong/"
cmp "$work/whole.db" "$work/wrong/whole.db" || fail "the refused store was changed"
go_on wrong/whole
say "with the wrong key, half of one or none, quickstart and serve say so and touch nothing"

# ---- A server ---------------------------------------------------------------------------------------

# Starts a server, and leaves its process in $pid; then its address, once it has one, in $url.
start() { # NAME ADDRESS ARGUMENT…
    local name=$1 address=$2
    shift 2
    # Made here: the server might not be so quick.
    : >"$work/$name.out"
    "$serve" --listen "$address" --login alice "$@" >"$work/$name.out" 2>>"$work/$name.log" &
    pid=$!
    running+=("$pid")
}
listens() { # NAME
    until_so "$1 does not start" "$work/$1.log" grep -q '^grantlet: listening on ' "$work/$1.out"
    url=$(sed -n 's/^grantlet: listening on //p' "$work/$1.out")
}

ask() { curl -sS --max-time 20 "$@"; }
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "${2:-/dev/stdin}"; }

api=https://api.example.com/
callback=http://127.0.0.1:51004/callback
# The pair of RFC 7636, appendix B.
verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM

sign_in() { # URL FILE
    local code
    code=$(ask -o /dev/null -w '%{redirect_url}' -G "$1/authorize" -d response_type=code -d client_id=notes-app \
        --data-urlencode "redirect_uri=$callback" --data-urlencode "audience=$api" \
        --data-urlencode 'scope=openid read:notes offline_access' -d "code_challenge=$challenge" \
        -d code_challenge_method=S256 | sed -n 's/.*[?&]code=\([^&]*\).*/\1/p')
    ask "$1/oauth/token" -d grant_type=authorization_code -d client_id=notes-app -d "code=$code" \
        --data-urlencode "redirect_uri=$callback" -d "code_verifier=$verifier" >"$2"
    [[ -n $(member refresh_token "$2") ]] || fail "no tokens: $(cat "$2")"
}
refresh() { # URL REFRESH_TOKEN
    ask "$1/oauth/token" -d grant_type=refresh_token -d client_id=notes-app -d "refresh_token=$2"
}
userinfo() { # URL ACCESS_TOKEN
    ask "$1/userinfo" -H "Authorization: Bearer $2"
}

start one 127.0.0.1:0 --store "$work/one.db"
listens one
address=${url#http://}
is "serve says of the new key" 1 "$(grep -c "^serve: made $work/one.db.key" "$work/one.log")"
jwks=$(ask "$url/.well-known/jwks.json")
sign_in "$url" "$work/before"
old_access=$(member access_token "$work/before") old_refresh=$(member refresh_token "$work/before")
mode_is_600 "$work/one.db"*
kill_it

start one "$address" --store "$work/one.db"
listens one
is "a second start makes no key" 1 "$(grep -c '^serve: made' "$work/one.log")"
is "the keys after a restart" "$jwks" "$(ask "$url/.well-known/jwks.json")"
is "an access token from before" alice "$(userinfo "$url" "$old_access" | member sub)"
refresh "$url" "$old_refresh" >"$work/after"
new_refresh=$(member refresh_token "$work/after")
[[ -n $new_refresh && $new_refresh != "$old_refresh" ]] || fail "a refresh token from before: $(cat "$work/after")"
is "the access token from after" alice "$(userinfo "$url" "$(member access_token "$work/after")" | member sub)"
ask "$url/oauth/revoke" -d client_id=notes-app -d "token=$new_refresh" -o /dev/null
kill_it

start one "$address" --store "$work/one.db"
listens one
is "a revoked session after a restart" invalid_grant "$(refresh "$url" "$new_refresh" | member error)"
is "its access token" invalid_token "$(userinfo "$url" "$old_access" | member error)"
kill "$pid"
wait "$pid" || fail "the server ended with $? on SIGTERM"
running=()
[[ ! -e $work/one.db-wal ]] || fail "a server that ends leaves its log in the store"
say "killed, a server goes on: its keys, its sessions, the tokens that are out, and what was revoked"

start memory 127.0.0.1:0
listens memory
sign_in "$url" "$work/before"
address=${url#http://}
kill_it
start memory "$address"
listens memory
is "without a store" invalid_grant "$(refresh "$url" "$(member refresh_token "$work/before")" | member error)"
kill_it
say "without a store, it forgets"

# ---- Two servers ------------------------------------------------------------------------------------

cat >"$work/tenant.json" <<END
{"issuer": "http://127.0.0.1:8080/",
 "apis": [{"identifier": "$api", "scopes": ["read:notes"], "allow_offline_access": true}],
 "clients": [{"client_id": "notes-app", "application_type": "native", "token_endpoint_auth_method": "none",
              "redirect_uris": ["http://127.0.0.1/callback"], "refresh_token": {"leeway": "until_used"}}]}
END
for own in '"store": "memory"' '"keys": {"sealing": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'; do
    sed "1s/{/{$own, /" "$work/tenant.json" >"$work/own.json"
    refuses "--store beside $own" "own.json: has a store or a sealing key of its own" \
        "$serve" --listen 127.0.0.1:0 --config "$work/own.json" --store "$work/other.db"
    [[ ! -e $work/other.db && ! -e $work/other.db.key ]] || fail "what was refused has left files"
done
say "--store and a tenant with a store of its own are too much"

# Both at once on a file that is not there yet: one key, one set of keys.
shared=(--config "$work/tenant.json" --store "$work/shared.db")
start left 127.0.0.1:0 "${shared[@]}"
start right 127.0.0.1:0 "${shared[@]}"
listens left && left=$url
listens right && right=$url
is "one set of keys" "$(ask "$left/.well-known/jwks.json")" "$(ask "$right/.well-known/jwks.json")"

sign_in "$left" "$work/tokens"
token=$(member refresh_token "$work/tokens")
for round in {1..20}; do
    refresh "$left" "$token" >"$work/left.json" &
    refresh "$right" "$token" >"$work/right.json"
    wait "$!" || fail "round $round: curl"
    next=$(member refresh_token "$work/left.json")
    [[ -n $next && $next != "$token" ]] || fail "round $round: $(cat "$work/left.json")"
    is "round $round: the successor" "$next" "$(member refresh_token "$work/right.json")"
    is "round $round: left's token at right" alice "$(userinfo "$right" "$(member access_token "$work/left.json")" | member sub)"
    is "round $round: right's token at left" alice "$(userinfo "$left" "$(member access_token "$work/right.json")" | member sub)"
    token=$next
done
ask "$left/oauth/revoke" -d client_id=notes-app -d "token=$token" -o /dev/null
is "revoked at left, refused at right" invalid_grant "$(refresh "$right" "$token" | member error)"
say "two servers on one store hand out the same successor, and know at once what the other revoked"
