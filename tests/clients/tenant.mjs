// Prints a tenant without an issuer: every signing algorithm, every client authentication method, and
// policies that the demo tenant does not have. The RSA keys are made elsewhere (here, by Node), as a
// host's would be, in both of the PEM forms that OpenSSL writes.
import { generateKeyPairSync } from "node:crypto";

const rsa = (type) =>
  generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type, format: "pem" });

const algorithms = ["ES256", "ES384", "EdDSA", "RS256", "PS256"];
const api = (name, more) => ({
  identifier: `https://${name}.example.com/`,
  scopes: ["read:notes", "write:notes"],
  allow_offline_access: true,
  ...more,
});
const apis = [
  ...algorithms.map((alg) => api(alg.toLowerCase(), { signing_alg: alg })),
  api("hs256", { signing_alg: "HS256", signing_secret: "0123456789abcdef0123456789abcdef" }),
  api("auth0", { token_dialect: "access_token" }),
];
const callback = ["http://127.0.0.1/callback"];
const clients = [
  {
    client_id: "web-post",
    client_name: "Tom & Jerry's <notes>",
    client_secret: "s3cret+/=&% of web-post",
    token_endpoint_auth_method: "client_secret_post",
    redirect_uris: callback,
    refresh_token: { leeway: 0 },
  },
  {
    client_id: "web-keep",
    client_secret: "s3cret+/=&% of web-keep",
    token_endpoint_auth_method: "client_secret_basic",
    redirect_uris: callback,
    refresh_token: { rotation_type: "non-rotating" },
  },
  ...algorithms.map((alg) => ({
    client_id: `app-${alg}`,
    application_type: "native",
    token_endpoint_auth_method: "none",
    redirect_uris: callback,
    id_token_signed_response_alg: alg,
  })),
  {
    client_id: "service",
    client_secret: "s3cret+/=&% of service",
    application_type: "service",
    client_grants: apis.map(({ identifier }) => ({ audience: identifier, scope: ["read:notes"] })),
  },
];
const keys = { signing: [{ alg: "RS256", pem: rsa("pkcs8") }, { alg: "PS256", pem: rsa("pkcs1") }] };
console.log(JSON.stringify({ keys, apis, clients }, null, 2));
