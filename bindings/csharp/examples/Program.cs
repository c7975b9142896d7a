using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;

namespace Grantlet.Examples
{
    /// <summary>A client that does the whole flow with the platform's <see cref="HttpClient"/>.</summary>
    public static class Program
    {
        private const string RedirectUri = "http://127.0.0.1/callback";

        public static int Main()
        {
            var issuer = "http://127.0.0.1:" + FreePort() + "/";
            Task serving;
            using (var server = new LocalServer(issuer))
            {
                serving = server.RunAsync();
                new Flow(issuer).RunAsync().GetAwaiter().GetResult();
            }
            serving.GetAwaiter().GetResult();
            return 0;
        }

        private static int FreePort()
        {
            var socket = new TcpListener(IPAddress.Loopback, 0);
            socket.Start();
            var port = ((IPEndPoint)socket.LocalEndpoint).Port;
            socket.Stop();
            return port;
        }

        private sealed class Flow
        {
            private readonly HttpClient http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
            private readonly string issuer;
            private readonly string verifier = RandomText();

            internal Flow(string issuer)
            {
                this.issuer = issuer;
                // mono's HttpListener now and then answers badly on a connection that it keeps.
                http.DefaultRequestHeaders.ConnectionClose = true;
            }

            internal async Task RunAsync()
            {
                Console.WriteLine("1. The app opens /authorize; Alice signs in and consents.");
                var redirect = await http.GetAsync(issuer + "authorize?response_type=code&client_id=notes-app&state=xyz&scope=" +
                    "openid%20offline_access%20read%3Anotes&audience=https%3A%2F%2Fapi.example.com%2F&redirect_uri=" +
                    Uri.EscapeDataString(RedirectUri) + "&code_challenge_method=S256&code_challenge=" + Challenge());
                var location = redirect.Headers.Location;
                Check(redirect.StatusCode == HttpStatusCode.SeeOther && location != null, "a redirect");
                var code = (location?.Query ?? "").Split('?', '&').Single(pair => pair.StartsWith("code=", StringComparison.Ordinal)).Substring(5);

                Console.WriteLine("2. The app redeems the code.");
                var tokens = await PostAsync(HttpStatusCode.OK, "authorization_code", "code", code);

                Console.WriteLine("3. The API takes the access token, and no other.");
                Check((await NotesAsync(Member(tokens, "access_token"))).Contains("a note of alice"), "Alice's notes");
                Check((await NotesAsync("nonsense")).Contains("\"invalid_token\""), "nothing for nonsense");

                Console.WriteLine("4. The app refreshes, twice.");
                var first = Member(tokens, "refresh_token");
                var second = Member(await PostAsync(HttpStatusCode.OK, "refresh_token", "refresh_token", first), "refresh_token");
                tokens = await PostAsync(HttpStatusCode.OK, "refresh_token", "refresh_token", second);
                Check((await NotesAsync(Member(tokens, "access_token"))).Contains("a note of alice"), "the new token does, too");

                Console.WriteLine("5. A thief presents the first refresh token, long replaced: the whole grant is over.");
                Check((await PostAsync(HttpStatusCode.BadRequest, "refresh_token", "refresh_token", first)).Contains("\"invalid_grant\""), "refused");
                await PostAsync(HttpStatusCode.BadRequest, "refresh_token", "refresh_token", Member(tokens, "refresh_token"));
                Check((await NotesAsync(Member(tokens, "access_token"))).Contains("\"invalid_token\""), "the access token ended with it");
            }

            private async Task<string> PostAsync(HttpStatusCode expected, string grantType, string name, string value)
            {
                var response = await http.PostAsync(issuer + "oauth/token", new FormUrlEncodedContent(new Dictionary<string, string>
                {
                    { "grant_type", grantType },
                    { "client_id", "notes-app" },
                    { name, value },
                    { "redirect_uri", RedirectUri },
                    { "code_verifier", verifier },
                }));
                var body = await response.Content.ReadAsStringAsync();
                Check(response.StatusCode == expected, response.StatusCode + " " + body);
                return body;
            }

            private async Task<string> NotesAsync(string accessToken)
            {
                var request = new HttpRequestMessage(HttpMethod.Get, issuer + "notes");
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
                return await (await http.SendAsync(request)).Content.ReadAsStringAsync();
            }

            private string Challenge()
            {
                using (var sha256 = SHA256.Create())
                {
                    return Base64Url(sha256.ComputeHash(Encoding.ASCII.GetBytes(verifier)));
                }
            }

            private static string RandomText()
            {
                var bytes = new byte[32];
                using (var random = RandomNumberGenerator.Create())
                {
                    random.GetBytes(bytes);
                }
                return Base64Url(bytes);
            }

            private static string Base64Url(byte[] bytes)
            {
                return Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
            }

            /// <summary>A text of a flat JSON object; an app has a JSON library.</summary>
            private static string Member(string json, string name)
            {
                var start = json.IndexOf("\"" + name + "\":\"", StringComparison.Ordinal) + name.Length + 4;
                return json.Substring(start, json.IndexOf('"', start) - start);
            }

            private static void Check(bool holds, string what)
            {
                if (!holds)
                {
                    throw new InvalidOperationException("expected " + what);
                }
            }
        }
    }
}
