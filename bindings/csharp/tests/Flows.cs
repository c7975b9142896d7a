using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace Grantlet.Tests
{
    /// <summary>Replays tests/vectors/flows.json: what goes in is written there, and what comes out has to be that, byte for byte.</summary>
    public static class Flows
    {
        public static int Replayed { get; private set; }

        [Test]
        public static void EveryFlowReplays()
        {
            var flows = (List<object>)Json.Parse(File.ReadAllText(Files.Vectors("flows.json")))["flows"];
            Expect.That(flows.Count > 0, "there are flows");
            foreach (Dictionary<string, object> flow in flows)
            {
                using (var replay = new Replay(flow))
                {
                    replay.Run();
                }
                Replayed++;
            }
        }
    }

    /// <summary>One flow on its way.</summary>
    internal sealed class Replay : IDisposable
    {
        private readonly Dictionary<string, object> flow;
        private readonly Dictionary<string, Authorization> pending = new Dictionary<string, Authorization>();
        private readonly List<string> events = new List<string>();
        private readonly string folder = Path.Combine(Path.GetTempPath(), "grantlet-" + Guid.NewGuid());
        private Engine engine;
        private long clock;
        private uint seed;
        private bool randomFails;

        internal Replay(Dictionary<string, object> flow)
        {
            this.flow = flow;
            clock = (long)flow["clock"];
            seed = (uint)(long)flow["seed"];
            Directory.CreateDirectory(folder);
            engine = Open();
            events.Clear();
        }

        internal void Run()
        {
            var number = 0;
            foreach (Dictionary<string, object> step in (List<object>)flow["steps"])
            {
                var what = flow["name"] + ", step " + number++ + " (" + step["call"] + "): ";
                try
                {
                    Step(step, what);
                }
                catch (GrantletException e)
                {
                    throw new Exception(what, e);
                }
            }
        }

        public void Dispose()
        {
            Close();
            Directory.Delete(folder, true);
        }

        private Engine Open()
        {
            var host = new EngineHost
            {
                Clock = () => DateTimeOffset.FromUnixTimeSeconds(clock),
                Random = Fill,
                EventSink = e => events.Add(e.Json),
            };
            // Without `users` there is nobody.
            var users = flow.TryGetValue("users", out var known) ? (Dictionary<string, object>)known : new Dictionary<string, object>();
            host.UserClaims = request => Optional(users, request.Subject);
            if (flow.TryGetValue("signing_key", out var key))
            {
                var signatures = (Dictionary<string, object>)flow["signatures"];
                host.Signer = new Signer((string)key, input => Base64Url(Optional(signatures, Encoding.ASCII.GetString(input))
                    ?? throw new OperationCanceledException("the user said no")));
            }
            var configuration = (string)flow["config"];
            return flow.ContainsKey("store")
                ? Engine.Open(configuration, Path.Combine(folder, "grants.db"), Hex((string)flow["sealing_key"]), host)
                : new Engine(configuration, host);
        }

        private void Close()
        {
            engine.Dispose();
            foreach (var one in pending.Values)
            {
                one.Dispose();
            }
            pending.Clear();
        }

        private void Fill(byte[] bytes)
        {
            if (randomFails)
            {
                throw new IOException("no randomness");
            }
            for (var i = 0; i < bytes.Length; i++)
            {
                seed = unchecked(seed * 1103515245 + 12345);
                bytes[i] = (byte)(seed >> 16);
            }
        }

        private void Step(Dictionary<string, object> step, string what)
        {
            if (step.TryGetValue("at", out var at))
            {
                clock = (long)at;
            }
            randomFails = step.TryGetValue("random", out var random) && !(bool)random;
            if (step.TryGetValue("fails", out var fails))
            {
                Failed((Dictionary<string, object>)fails, Expect.Throws<GrantletException>(() => Call(step)), what);
            }
            else
            {
                var expected = step.TryGetValue("gives", out var gives) ? (Dictionary<string, object>)gives : new Dictionary<string, object>();
                var given = Call(step);
                Expect.Equal(string.Join(" ", expected.Keys.OrderBy(k => k)), string.Join(" ", given.Keys.OrderBy(k => k)), what);
                foreach (var member in expected)
                {
                    Expect.Equal(Flat(member.Value), Flat(given[member.Key]), what + member.Key);
                }
            }
            var told = step.TryGetValue("events", out var list) ? ((List<object>)list).Cast<string>() : new string[0];
            Expect.Equal(string.Join("\n", told), string.Join("\n", events), what + "events");
            events.Clear();
        }

        private static void Failed(Dictionary<string, object> expected, GrantletException e, string what)
        {
            Expect.Equal(HeaderFile.Statuses()[(string)expected["status"]], (int)e.Status, what + "status");
            Expect.Equal(expected["oauth_code"], e.OAuthCode, what + "oauth_code");
            Expect.Equal(expected["description"], e.Description, what + "description");
            Expect.Equal(expected["detail"], e.Detail, what + "detail");
            Expect.Equal(expected["http_status"], (long)e.HttpStatus, what + "http_status");
            Expect.Equal(expected["response"], e.Response, what + "response");
            Expect.Equal(Optional(expected, "redirect"), e.Redirect?.Location, what + "redirect");
        }

        /// <summary>Makes a step's call, and gives what `gives` is compared with.</summary>
        private Dictionary<string, object> Call(Dictionary<string, object> step)
        {
            Func<string, string> Text = name => (string)step[name];
            Func<string, string> Name = name => Text(name).Length > 0 ? Text(name) : null;
            switch (Text("call"))
            {
                case "authorize":
                    var authorization = engine.Authorize(Text("query"));
                    Keep(Text("as"), authorization);
                    return Gives("request", authorization.Request.Json);
                case "approve":
                    return Gives(pending[Text("pending")].Approve(LoginOf((Dictionary<string, object>)step["login"])));
                case "deny":
                    return Gives(pending[Text("pending")].Deny((Status)HeaderFile.Statuses()[Text("denial")]));
                case "token":
                    return Gives("json", engine.Token(Text("form"), Text("authorization")).Json);
                case "introspect":
                    return Gives("json", engine.Introspect(Text("form"), Text("authorization")).Json);
                case "revoke":
                    engine.Revoke(Text("form"), Text("authorization"));
                    return Gives();
                case "verify":
                    return Gives("json", engine.Verify(Text("access_token"), Text("audience"), (Optional(step, "scope") ?? "").Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries)).Json);
                case "userinfo":
                    return Gives("json", engine.GetUserInfo(Text("access_token")).Json);
                case "metadata":
                    return Gives("json", engine.GetMetadata().Json);
                case "jwks":
                    return Gives("json", engine.GetJwks().Json);
                case "grants":
                    return Gives("json", engine.GetGrantsJson(Name("client_id"), Name("subject")));
                case "grant":
                    return Gives("json", engine.GetGrant(Text("grant_id")).Json);
                case "revoke_grant":
                    return Gives("count", engine.RevokeGrant(Text("grant_id")) ? 1L : 0L);
                case "revoke_grants":
                    return Gives("count", (long)engine.RevokeGrants(Name("client_id"), Name("subject")));
                case "put_api":
                    engine.PutApi(Text("json"));
                    return Gives();
                case "put_client":
                    engine.PutClient(Text("json"));
                    return Gives();
                case "remove_api":
                    engine.RemoveApi(Text("identifier"));
                    return Gives();
                case "remove_client":
                    return Gives("count", (long)engine.RemoveClient(Text("client_id")));
                case "sweep":
                    return Gives("count", (long)engine.Sweep((int)(long)step["limit"]));
                case "handle":
                    return Handle(step);
                case "restart":
                    Close();
                    engine = Open();
                    return Gives();
                default:
                    throw new Exception("no such call: " + step["call"]);
            }
        }

        /// <summary>A name may be given again.</summary>
        private void Keep(string name, Authorization authorization)
        {
            if (pending.TryGetValue(name, out var before))
            {
                before.Dispose();
            }
            pending[name] = authorization;
        }

        private Dictionary<string, object> Handle(Dictionary<string, object> step)
        {
            var request = new EngineRequest((string)step["method"], (string)step["target"])
            {
                Body = Encoding.UTF8.GetBytes(Optional(step, "body") ?? ""),
            };
            if (step.TryGetValue("headers", out var headers))
            {
                foreach (List<object> header in (List<object>)headers)
                {
                    request.Headers.Add((string)header[0], (string)header[1]);
                }
            }
            var result = engine.Handle(request);
            if (result.Authorization != null)
            {
                var name = (string)((Dictionary<string, object>)step["gives"])["pending"];
                Keep(name, result.Authorization);
                return new Dictionary<string, object> { { "pending", name }, { "request", result.Authorization.Request.Json } };
            }
            return new Dictionary<string, object>
            {
                { "status", (long)result.Response.Status },
                { "headers", result.Response.Headers.Select(h => (object)new List<object> { h.Key, h.Value }).ToList() },
                { "body", result.Response.BodyText },
            };
        }

        private static Login LoginOf(Dictionary<string, object> given)
        {
            var login = new Login((string)given["subject"])
            {
                Acr = Optional(given, "acr"),
                SessionId = Optional(given, "sid"),
                Scope = Optional(given, "scope"),
                AccessTokenClaims = Optional(given, "access_token_claims"),
                IdTokenClaims = Optional(given, "id_token_claims"),
            };
            if (given.TryGetValue("auth_time", out var time))
            {
                login.AuthTime = DateTimeOffset.FromUnixTimeSeconds((long)time);
            }
            if (given.TryGetValue("amr", out var methods))
            {
                foreach (string method in (List<object>)methods)
                {
                    login.Amr.Add(method);
                }
            }
            return login;
        }

        private static Dictionary<string, object> Gives()
        {
            return new Dictionary<string, object>();
        }

        private static Dictionary<string, object> Gives(string name, object value)
        {
            return new Dictionary<string, object> { { name, value } };
        }

        private static Dictionary<string, object> Gives(EngineResponse response)
        {
            return new Dictionary<string, object> { { "status", (long)response.Status }, { "location", response.Location } };
        }

        private static string Optional(Dictionary<string, object> members, string name)
        {
            return members.TryGetValue(name, out var value) ? (string)value : null;
        }

        private static string Flat(object value)
        {
            return value is List<object> list ? string.Join("\n", list.Select(Flat)) : Convert.ToString(value);
        }

        private static byte[] Base64Url(string text)
        {
            return Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - text.Length % 4) % 4));
        }

        private static byte[] Hex(string text)
        {
            return Enumerable.Range(0, text.Length / 2).Select(i => Convert.ToByte(text.Substring(2 * i, 2), 16)).ToArray();
        }
    }
}
