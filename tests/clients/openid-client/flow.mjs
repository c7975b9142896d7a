// openid-client against examples/serve: what a Node application does, checked as strictly as the
// library can. LOGIN_URL and TENANT_URL are servers that approve every request as alice.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as client from "openid-client";

const { LOGIN_URL, TENANT_URL } = process.env;
const insecure = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] };
const api = "https://api.example.com/";
const redirect_uri = "http://127.0.0.1:51004/callback";

let checks = 0;
const equal = (actual, expected, what) => {
  assert.deepEqual(actual, expected, what);
  checks += 1;
};
const ok = (value, what) => equal(Boolean(value), true, what);
/** Expects a refusal: an error whose fields are these. */
const refused = async (promise, fields, what) => {
  await assert.rejects(promise, fields, what);
  checks += 1;
};

/** Follows the authorization URL as a browser would, as far as the client's own address. */
async function visit(url) {
  const response = await fetch(url, { redirect: "manual" });
  assert.equal(response.status, 303, `${url}: ${await response.text()}`);
  return new URL(response.headers.get("location"));
}

/** A whole sign-in: state, nonce and PKCE, each fresh and each checked. */
async function signIn(config, parameters = {}, checked = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri,
    scope: "openid profile email read:notes offline_access",
    audience: api,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    ...parameters,
  });
  const expected = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, ...checked };
  return { callback: await visit(url), expected };
}

async function tokens(config, parameters, checked) {
  const { callback, expected } = await signIn(config, parameters, checked);
  return client.authorizationCodeGrant(config, callback, expected);
}

async function discovers() {
  const server = new URL(LOGIN_URL);
  for (const algorithm of ["oidc", "oauth2"]) {
    const config = await client.discovery(server, "notes-app", undefined, client.None(), { algorithm, ...insecure });
    const metadata = config.serverMetadata();
    equal(metadata.issuer, `${LOGIN_URL}/`, `${algorithm}: issuer`);
    equal(metadata.code_challenge_methods_supported, ["S256"], `${algorithm}: PKCE`);
    ok(metadata.supportsPKCE(), `${algorithm}: openid-client sees PKCE`);
    equal(metadata.authorization_response_iss_parameter_supported, true, `${algorithm}: RFC 9207`);
  }
}

async function signsInAndRefreshes(config) {
  const first = await tokens(config, { max_age: "300" }, { maxAge: 300 });
  const claims = first.claims();
  equal(first.token_type, "bearer", "token_type");
  equal(first.expiresIn() > 3500, true, "expires_in");
  equal([claims.iss, claims.sub, claims.aud], [`${LOGIN_URL}/`, "alice", config.clientMetadata().client_id], "ID token");
  equal(typeof claims.auth_time, "number", "auth_time");

  const user = await client.fetchUserInfo(config, first.access_token, claims.sub);
  equal([user.sub, user.email, user.preferred_username], ["alice", "alice@users.example.com", "alice"], "userinfo");

  const second = await client.refreshTokenGrant(config, first.refresh_token);
  equal(second.claims().sub, "alice", "the ID token of a refresh");
  equal(second.claims().auth_time, claims.auth_time, "OIDC Core §12.2: auth_time stays");
  equal(second.claims().nonce, undefined, "the ID token of a refresh has no nonce");
  ok(second.refresh_token !== first.refresh_token, "the refresh token moves on");

  const third = await client.refreshTokenGrant(config, second.refresh_token);
  const again = await client.refreshTokenGrant(config, second.refresh_token);
  equal(again.refresh_token, third.refresh_token, "a retry gets the same successor");

  const narrow = await client.refreshTokenGrant(config, third.refresh_token, { scope: "openid" });
  equal(narrow.scope, "openid", "a refresh may narrow the scope");
  const wide = await client.refreshTokenGrant(config, narrow.refresh_token);
  ok(wide.scope.includes("read:notes"), "RFC 6749 §6: the grant keeps its scope");
  const more = { scope: "openid write:notes" };
  await refused(client.refreshTokenGrant(config, wide.refresh_token, more), { error: "invalid_scope" }, "more scope");

  const stolen = client.refreshTokenGrant(config, first.refresh_token);
  await refused(stolen, { error: "invalid_grant", status: 400 }, "a spent refresh token");
  await refused(client.refreshTokenGrant(config, wide.refresh_token), { error: "invalid_grant" }, "the grant is revoked");
  await refused(
    client.fetchUserInfo(config, wide.access_token, "alice"),
    { code: "OAUTH_WWW_AUTHENTICATE_CHALLENGE", status: 401 },
    "the access token of a revoked grant",
  );
}

async function checksWhatComesBack(config) {
  const { callback, expected } = await signIn(config);
  const changed = (name, value) => {
    const url = new URL(callback);
    url.searchParams.set(name, value);
    return url;
  };
  const grant = (url, checks) => client.authorizationCodeGrant(config, url, checks);
  const invalid = { code: "OAUTH_INVALID_RESPONSE" };
  await refused(grant(changed("iss", "https://evil.example/"), expected), invalid, "RFC 9207: another issuer");
  await refused(grant(changed("state", "other"), expected), invalid, "another state");
  const wrongVerifier = { ...expected, pkceCodeVerifier: client.randomPKCECodeVerifier() };
  await refused(grant(callback, wrongVerifier), { error: "invalid_grant" }, "another verifier");
  const mangled = changed("code", `${callback.searchParams.get("code").slice(0, -2)}AA`);
  await refused(grant(mangled, expected), { error: "invalid_grant" }, "a mangled code");
  const response = await grant(callback, expected);
  ok(response.access_token, "wrong attempts did not burn the code");
  await refused(grant(callback, expected), { error: "invalid_grant" }, "a code is redeemed once");
  await refused(client.refreshTokenGrant(config, response.refresh_token), { error: "invalid_grant" }, "its grant is revoked");

  const other = await signIn(config);
  const nonce = { ...other.expected, expectedNonce: client.randomNonce() };
  await refused(grant(other.callback, nonce), { code: "OAUTH_JWT_CLAIM_COMPARISON_FAILED" }, "another nonce");

  const denied = await signIn(config, { response_type: "token" });
  await refused(grant(denied.callback, denied.expected), { error: "unsupported_response_type" }, "response_type=token");
  const api = await signIn(config, { audience: "https://other.example.com/" });
  await refused(grant(api.callback, api.expected), { error: "invalid_target" }, "an unknown API");
}

async function revokesAndIntrospects(web, service) {
  const mine = await tokens(web);
  const seen = await client.tokenIntrospection(web, mine.access_token);
  equal([seen.active, seen.sub, seen.client_id, seen.aud.includes(api)], [true, "alice", "notes-web", true], "introspection");
  const serves = await client.tokenIntrospection(service, mine.access_token);
  equal(serves.active, true, "the API's own client may introspect");
  const foreign = await client.tokenIntrospection(service, mine.refresh_token);
  equal(foreign, { active: false }, "another client's refresh token");

  await client.tokenRevocation(web, mine.access_token);
  equal(await client.tokenIntrospection(web, mine.access_token), { active: false }, "a revoked access token");
  const still = await client.refreshTokenGrant(web, mine.refresh_token);
  await client.tokenRevocation(web, still.refresh_token, { token_type_hint: "refresh_token" });
  equal(await client.tokenIntrospection(web, still.access_token), { active: false }, "RFC 7009 §2.1: what came of it too");
  await refused(client.refreshTokenGrant(web, still.refresh_token), { error: "invalid_grant" }, "a revoked refresh token");
  await client.tokenRevocation(web, "not a token");
  checks += 1;
}

async function actsInItsOwnName(service, wrong) {
  const own = await client.clientCredentialsGrant(service, { audience: api, scope: "read:notes" });
  equal([own.scope, own.refresh_token], ["read:notes", undefined], "client_credentials");
  const resource = await client.clientCredentialsGrant(service, { resource: api });
  equal(resource.scope, "read:notes write:notes", "RFC 8707: resource");
  const unknown = client.clientCredentialsGrant(service, { audience: "https://other.example.com/" });
  await refused(unknown, { error: "invalid_target" }, "an unknown API");
  // RFC 6749 §5.2: a challenge is for a client that used the header; this one gets to read the body.
  const body = { error: "invalid_client", status: 401 };
  await refused(client.clientCredentialsGrant(wrong, { audience: api }), body, "a wrong secret");
}

async function takesEveryAlgorithm(alg) {
  const server = new URL(TENANT_URL);
  const metadata = { id_token_signed_response_alg: alg };
  const config = await client.discovery(server, `app-${alg}`, metadata, client.None(), insecure);
  const audience = `https://${alg.toLowerCase()}.example.com/`;
  const response = await tokens(config, { audience, scope: "openid offline_access read:notes" });
  equal(response.claims().sub, "alice", `${alg}: ID token`);
  const header = JSON.parse(Buffer.from(response.id_token.split(".")[0], "base64url"));
  equal(header.alg, alg, `${alg}: its header`);
  const refreshed = await client.refreshTokenGrant(config, response.refresh_token);
  equal(refreshed.claims().sub, "alice", `${alg}: ID token of a refresh`);
}

/** OAuth 2.0 Form Post Response Mode: the page posts itself; its fields reach the client's server. */
async function takesAFormPost(config) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = `"><script>'&amp;`;
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri,
    scope: "openid",
    response_mode: "form_post",
    state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const page = await (await fetch(url)).text();
  const text = (escaped) =>
    escaped.replace(/&(quot|lt|gt|#39|amp);/g, (_, name) => ({ quot: '"', lt: "<", gt: ">", "#39": "'", amp: "&" })[name]);
  const fields = [...page.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, text(value)]);
  equal(text(page.match(/action="([^"]*)"/)[1]), redirect_uri, "the page posts to the client");
  const request = new Request(redirect_uri, { method: "POST", body: new URLSearchParams(fields) });
  const checks = { pkceCodeVerifier, expectedState, idTokenExpected: true };
  const response = await client.authorizationCodeGrant(config, request, checks);
  equal(response.refresh_token, undefined, "no offline_access, no refresh token");
  equal(response.claims().sub, "alice", "form_post");
}

const discover = (id, secret, method) => client.discovery(new URL(LOGIN_URL), id, secret, method, insecure);
const app = await discover("notes-app", undefined, client.None());
const web = await discover("notes-web", undefined, client.ClientSecretBasic("notes-web-secret"));
const service = await discover("notes-service", undefined, client.ClientSecretPost("notes-service-secret"));
const wrong = await discover("notes-service", undefined, client.ClientSecretPost("wrong"));
await discovers();
await signsInAndRefreshes(app);
await signsInAndRefreshes(web);
await checksWhatComesBack(app);
await revokesAndIntrospects(web, service);
await actsInItsOwnName(service, wrong);
await takesAFormPost(app);
for (const alg of ["ES256", "ES384", "EdDSA", "RS256", "PS256"]) await takesEveryAlgorithm(alg);

const installed = new URL("./node_modules/openid-client/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(installed, "utf8"));
console.log(`openid-client ${version}, node ${process.versions.node}: ${checks} checks`);
