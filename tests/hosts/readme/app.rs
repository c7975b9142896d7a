//! The client on the other side of HTTP, for the README's first result.
#[allow(non_upper_case_globals)]
const app: App = App;

struct App;

impl App {
    /// What it asks at `/authorize`, with the challenge of RFC 7636, appendix B.
    fn query(&self) -> &'static str {
        "response_type=code&client_id=notes-app&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&state=xyz\
         &scope=openid%20offline_access%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    }

    /// What it posts to `/oauth/token` when the browser comes back to it.
    fn form(&self, location: Option<&str>) -> String {
        let code = location.and_then(|url| url.split_once("code=")).map(|(_, rest)| rest);
        let code = code.and_then(|rest| rest.split('&').next()).unwrap();
        format!(
            "grant_type=authorization_code&client_id=notes-app&code={code}\
             &redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback\
             &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        )
    }
}
