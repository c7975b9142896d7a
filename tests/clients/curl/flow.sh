#!/usr/bin/env bash
# curl against examples/serve: what goes over the wire, byte for byte where it matters.
# LOGIN_URL and TENANT_URL approve every request as alice; PAGE_URL shows the sign-in page.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0

api=https://api.example.com/
callback=http://127.0.0.1:51004/callback
web=(-u notes-web:notes-web-secret)
# The pair of RFC 7636, appendix B.
verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
pkce=(code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM code_challenge_method=S256)

is() { # WHAT EXPECTED ACTUAL
    if [[ "$2" != "$3" ]]; then
        echo "curl: $1: expected '$2', got '$3'" >&2
        cat "$work/head" "$work/body" >&2
        exit 1
    fi
    checks=$((checks + 1))
}
has() { # WHAT EXPECTED_PART ACTUAL
    [[ "$3" == *"$2"* ]] || is "$1" "…$2…" "$3"
    checks=$((checks + 1))
}
lacks() { # WHAT UNEXPECTED_PART ACTUAL
    [[ "$3" != *"$2"* ]] || is "$1" "nothing like '$2'" "$3"
    checks=$((checks + 1))
}

# Sends a request, and leaves $status, and the answer for `header`, `member`, `body` and `sent_back`.
request() {
    : >"$work/head" && : >"$work/body"
    status=$(curl -sS --max-time 20 -D "$work/head" -o "$work/body" -w '%{http_code}' "$@")
}
header() { tr -d '\r' <"$work/head" | grep -i "^$1: " | cut -d ' ' -f 2- || true; }
body() { cat "$work/body"; }
# One member of the JSON answer; nothing where there is none.
member() {
    python3 -c 'import json, sys
value = json.load(open(sys.argv[1])).get(sys.argv[2], "")
print(value if isinstance(value, str) else json.dumps(value))' "$work/body" "$1"
}
# One parameter of the redirect's query.
sent_back() {
    python3 -c 'import sys, urllib.parse
query = urllib.parse.parse_qs(urllib.parse.urlsplit(sys.argv[1]).query)
print(*query.get(sys.argv[2], []))' "$(header location)" "$1"
}

authorize() { # SERVER NAME=VALUE…
    local server=$1 arguments=()
    shift
    for pair in "$@"; do arguments+=(--data-urlencode "$pair"); done
    request -G "$server/authorize" "${arguments[@]}"
}
# The authorization request of a client, with parameters that add to the usual ones.
ask() { # SERVER CLIENT NAME=VALUE…
    local server=$1 client=$2
    shift 2
    authorize "$server" response_type=code "client_id=$client" "redirect_uri=$callback" "audience=$api" \
        "scope=openid read:notes offline_access" "state=a b&c" "$@"
}
redeem() { # URL CODE CURL_ARGUMENT…
    local url=$1 code=$2
    shift 2
    request "$url/oauth/token" -d grant_type=authorization_code --data-urlencode "code=$code" \
        --data-urlencode "redirect_uri=$callback" "$@"
}
refresh() { # URL REFRESH_TOKEN CURL_ARGUMENT…
    local url=$1 token=$2
    shift 2
    request "$url/oauth/token" -d grant_type=refresh_token -d "refresh_token=$token" "$@"
}
userinfo() { request "$LOGIN_URL/userinfo" -H "Authorization: Bearer $1"; }
refused() { # WHAT STATUS ERROR
    is "$1: status" "$2" "$status"
    is "$1" "$3" "$(member error)"
    is "$1: not cached" no-store "$(header cache-control)"
}

public_documents() {
    request "$LOGIN_URL/.well-known/openid-configuration" -H 'Origin: https://app.example.com'
    is 'discovery: status' 200 "$status"
    is 'discovery: type' application/json "$(header content-type)"
    is 'discovery: CORS' '*' "$(header access-control-allow-origin)"
    is 'discovery: issuer' "$LOGIN_URL/" "$(member issuer)"
    local document
    document=$(body)
    request "$LOGIN_URL/.well-known/oauth-authorization-server"
    is 'RFC 8414: the same document' "$document" "$(body)"
    request "$(member jwks_uri)"
    is 'jwks: cached' 'public, max-age=300' "$(header cache-control)"
    lacks 'jwks: no private member' '"d":' "$(body)"
}

bad_authorization_requests() {
    ask "$LOGIN_URL" nobody
    is 'an unknown client: status' 400 "$status"
    is 'an unknown client is not sent anywhere' '' "$(header location)"
    authorize "$LOGIN_URL" response_type=code client_id=notes-web redirect_uri=https://evil.example/ scope=openid
    is 'RFC 6749 §4.1.2.1: a foreign redirect_uri: status' 400 "$status"
    is 'a foreign redirect_uri is not followed' '' "$(header location)"
    ask "$LOGIN_URL" notes-app
    is 'a public client without PKCE' invalid_request "$(sent_back error)"
    is 'its state' 'a b&c' "$(sent_back state)"
    is 'RFC 9207: its issuer' "$LOGIN_URL/" "$(sent_back iss)"
    ask "$LOGIN_URL" notes-app code_challenge=$verifier code_challenge_method=plain
    is 'PKCE plain' invalid_request "$(sent_back error)"
    ask "$LOGIN_URL" notes-web response_mode=form_post prompt=none\ login
    is 'an error by form_post: status' 200 "$status"
    has 'an error by form_post' 'value="invalid_request"' "$(body)"
}

confidential_client() {
    ask "$LOGIN_URL" notes-web
    is 'authorize: status' 303 "$status"
    is 'authorize: not cached' no-store "$(header cache-control)"
    is 'authorize: no referrer' no-referrer "$(header referrer-policy)"
    local code
    code=$(sent_back code)
    redeem "$LOGIN_URL" "$code" -u notes-web:wrong
    refused 'a wrong secret' 401 invalid_client
    has 'RFC 6749 §5.2: a challenge' Basic "$(header www-authenticate)"
    redeem "$LOGIN_URL" "$code" -d client_id=notes-web -d client_secret=notes-web-secret
    refused 'client_secret_post of a client_secret_basic client' 401 invalid_client
    redeem "$LOGIN_URL" "$code" "${web[@]}"
    is 'RFC 6749 §5.1: status' 200 "$status"
    is 'RFC 6749 §5.1: Cache-Control' no-store "$(header cache-control)"
    is 'RFC 6749 §5.1: Pragma' no-cache "$(header pragma)"
    is 'RFC 6749 §5.1: type' application/json "$(header content-type)"
    is 'RFC 6749 §5.1: token_type' Bearer "$(member token_type)"
    is 'scope' 'openid read:notes offline_access' "$(member scope)"
    local access_token first
    access_token=$(member access_token) first=$(member refresh_token)
    userinfo "$access_token"
    is 'userinfo' alice "$(member sub)"
    redeem "$LOGIN_URL" "$code" "${web[@]}"
    refused 'a code comes twice' 400 invalid_grant
    userinfo "$access_token"
    is 'RFC 6749 §4.1.2: and its tokens are revoked' 401 "$status"
    has 'RFC 6750 §3: a challenge' 'Bearer realm="oauth", error="invalid_token"' "$(header www-authenticate)"
    refresh "$LOGIN_URL" "$first" "${web[@]}"
    refused 'and its refresh token too' 400 invalid_grant
}

public_client() {
    ask "$LOGIN_URL" notes-app "${pkce[@]}"
    local code first second third
    code=$(sent_back code)
    redeem "$LOGIN_URL" "$code" -d client_id=notes-app -d code_verifier=${verifier/d/e}
    refused 'RFC 7636 §4.6: another verifier' 400 invalid_grant
    redeem "$LOGIN_URL" "$code" -d client_id=notes-app -d code_verifier=$verifier -H 'Origin: https://app.example.com'
    is 'the right verifier' 200 "$status"
    is 'the token endpoint and pages' '*' "$(header access-control-allow-origin)"
    first=$(member refresh_token)
    refresh "$LOGIN_URL" "$first" "${web[@]}"
    refused 'another client has the refresh token' 400 invalid_grant
    refresh "$LOGIN_URL" "$first" -d client_id=notes-app
    second=$(member refresh_token)
    refresh "$LOGIN_URL" "$second" -d client_id=notes-app
    third=$(member refresh_token)
    refresh "$LOGIN_URL" "$second" -d client_id=notes-app
    is 'a retry gets the same successor' "$third" "$(member refresh_token)"
    local access_token
    access_token=$(member access_token)
    refresh "$LOGIN_URL" "$first" -d client_id=notes-app
    refused 'a thief comes' 400 invalid_grant
    refresh "$LOGIN_URL" "$third" -d client_id=notes-app
    refused 'the grant is revoked' 400 invalid_grant
    userinfo "$access_token"
    is 'and its access token' 401 "$status"
}

client_secret_post() {
    local secret=(-d client_id=web-post --data-urlencode 'client_secret=s3cret+/=&% of web-post') code first
    ask "$TENANT_URL" web-post audience= resource=https://es256.example.com/
    is 'two audiences, one of them empty' 303 "$status"
    authorize "$TENANT_URL" response_type=code client_id=web-post "redirect_uri=$callback" \
        resource=https://es256.example.com/ 'scope=read:notes offline_access'
    code=$(sent_back code)
    redeem "$TENANT_URL" "$code" "${secret[@]}"
    is 'client_secret_post' 200 "$status"
    is 'no openid, no ID token' '' "$(member id_token)"
    first=$(member refresh_token)
    refresh "$TENANT_URL" "$first" "${secret[@]}"
    is 'a refresh' 200 "$status"
    refresh "$TENANT_URL" "$first" "${secret[@]}"
    refused 'leeway 0: a retry counts as theft' 400 invalid_grant
}

http() {
    request "$LOGIN_URL/oauth/token"
    is 'GET of the token endpoint' 405 "$status"
    is 'what it takes' 'POST, OPTIONS' "$(header allow)"
    request "$LOGIN_URL/oauth/token" "${web[@]}" -H 'Content-Type: application/json' -d '{}'
    is 'JSON' 415 "$status"
    head -c 40000 /dev/zero | tr '\0' a >"$work/long"
    request "$LOGIN_URL/oauth/token" "${web[@]}" -d "@$work/long"
    is 'a form of 40,000 bytes' 413 "$status"
    head -c 400000 /dev/zero | tr '\0' a >"$work/long"
    request "$LOGIN_URL/oauth/token" "${web[@]}" -H 'Expect:' -d "@$work/long"
    is 'a form of 400,000 bytes' 413 "$status"
    request "$LOGIN_URL/oauth/token" "${web[@]}" -d grant_type=refresh_token -d refresh_token=x -d refresh_token=x
    refused 'RFC 6749 §3.2: a parameter twice' 400 invalid_request
    request "$LOGIN_URL/oauth/token" "${web[@]}" -d grant_type=password
    refused 'an unknown grant_type' 400 unsupported_grant_type
    request "$LOGIN_URL/nowhere"
    is 'an unknown path' 404 "$status"
    request -X OPTIONS "$LOGIN_URL/oauth/token" -H 'Origin: https://app.example.com' \
        -H 'Access-Control-Request-Method: POST'
    is 'a preflight' '204 *' "$status $(header access-control-allow-origin)"
    request "$LOGIN_URL/userinfo"
    is 'RFC 6750 §3: no token, no error code' '401 Bearer realm="oauth"' "$status $(header www-authenticate)"
}

sign_in() { # CURL_ARGUMENT…
    request "$PAGE_URL/sign-in" --data-urlencode "request=$query" "$@"
}
sign_in_page() {
    ask "$PAGE_URL" notes-web 'login_hint="><script>alert(1)</script>'
    is 'the page: status' 200 "$status"
    has 'the page names the client' 'Notes on the web' "$(body)"
    has 'the page says what a scope allows' 'Read your notes' "$(body)"
    lacks 'the page escapes what it is given' '<script' "$(body)"
    is 'no frames' DENY "$(header x-frame-options)"
    has 'no scripts' "default-src 'none'" "$(header content-security-policy)"
    local query origin=(-H "Origin: $PAGE_URL")
    query=$(sed -n 's/.*name="request" value="\([^"]*\)".*/\1/p' "$work/body" | sed 's/&amp;/\&/g')
    sign_in -d user=bob -d answer=allow
    is 'an answer from nowhere' 403 "$status"
    sign_in -d user=bob -d answer=allow -H 'Origin: https://evil.example'
    is 'an answer from another origin' 403 "$status"
    is 'goes nowhere' '' "$(header location)"
    sign_in -d user= -d answer=allow "${origin[@]}"
    is 'without a name, the page comes again' 422 "$status"
    has 'and says why' 'role="alert"' "$(body)"
    sign_in -d user=bob -d answer=deny "${origin[@]}"
    is 'denied: status' 303 "$status"
    is 'denied' 'access_denied a b&c' "$(sent_back error) $(sent_back state)"
    sign_in -d user=bob -d answer=allow "${origin[@]}"
    is 'allowed: status' 303 "$status"
    redeem "$PAGE_URL" "$(sent_back code)" "${web[@]}"
    is 'allowed' 200 "$status"
    request "$PAGE_URL/userinfo" -H "Authorization: Bearer $(member access_token)"
    is 'the user who signed in' bob "$(member sub)"
    query='response_type=code&client_id=notes-web&redirect_uri=https%3A%2F%2Fevil.example%2F'
    sign_in -d user=bob -d answer=allow "${origin[@]}"
    is 'a request that was tampered with' '400 ' "$status $(header location)"
    ask "$PAGE_URL" notes-web prompt=none
    is 'prompt=none' 'login_required a b&c' "$(sent_back error) $(sent_back state)"
    request "$PAGE_URL/authorize" -d response_type=code -d client_id=notes-web -d scope=openid \
        --data-urlencode "redirect_uri=$callback"
    has 'OIDC Core §3.1.2.1: a request that is posted' "redirect_uri=http%3A%2F%2F127.0.0.1" "$(body)"
}

public_documents
bad_authorization_requests
confidential_client
public_client
client_secret_post
http
sign_in_page
echo "curl $(curl --version | sed -n '1s/curl \([^ ]*\).*/\1/p'): $checks checks"
