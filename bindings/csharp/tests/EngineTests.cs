using System;
using System.IO;
using System.Linq;
using System.Text;

namespace Grantlet.Tests
{
    /// <summary>Every public call, on the paved path.</summary>
    public static class EngineTests
    {
        [Test]
        public static void AWholeFlow()
        {
            using (var engine = Fixture.Engine())
            using (var pending = Fixture.Ask(engine))
            {
                var request = pending.Request;
                Expect.Equal(App.ClientId, request.ClientId);
                Expect.Equal(null, request.ClientName);
                Expect.Equal("openid read:notes", string.Join(" ", request.Scopes.Select(scope => scope.Value).OrderBy(s => s)
                    .Where(scope => scope != "offline_access")));
                Expect.Equal(App.Audience, request.Audience.Single());
                Expect.That(request.OfflineAccess && request.Prompt.Count == 0 && request.MaxAge == null, "the request");
                Expect.Equal("xyz", request["state"]);

                var response = pending.Approve(new Login("alice") { AuthTime = DateTimeOffset.UtcNow, Amr = { "pwd", "otp" }, SessionId = "s1" });
                Expect.Equal(303, response.Status);
                Expect.Equal("xyz", App.Parameter(response.Location, "state"));
                var tokens = engine.Token(new App().Form(response.Location));
                Expect.Equal("Bearer", tokens.TokenType);
                Expect.Equal(TimeSpan.FromHours(1), tokens.ExpiresIn);
                Expect.That(tokens.IdToken != null && tokens.Scope.Contains("read:notes"), "an ID token and the scope");

                var claims = Fixture.Verify(engine, tokens);
                Expect.Equal("alice", claims.Subject);
                Expect.Equal(App.ClientId, claims.ClientId);
                Expect.Equal("http://127.0.0.1:8080/", claims.Issuer);
                Expect.That(claims.Scopes.Contains("read:notes") && claims.Audience.Contains(App.Audience), "scope and audience");
                Expect.Equal(TimeSpan.FromHours(1), claims.ExpiresAt - claims.IssuedAt);
                Expect.Equal(claims["jti"], claims.TokenId);
                Expect.Equal(null, claims["no such claim"]);

                var next = Fixture.Refresh(engine, tokens);
                Expect.That(next.RefreshToken != tokens.RefreshToken, "a refresh token rotates");
                Fixture.Refresh(engine, next);
                var reused = Expect.Fails(Status.InvalidGrantReused, () => Fixture.Refresh(engine, tokens));
                Expect.Equal(Status.InvalidGrant, reused.Class);
                Expect.Fails(Status.InvalidTokenRevoked, () => Fixture.Verify(engine, next));
            }
        }

        [Test]
        public static void WhatAnAnswerWritesIsItsJson()
        {
            using (var engine = Fixture.Engine())
            {
                var tokens = Fixture.SignIn(engine);
                var stream = new MemoryStream();
                tokens.WriteTo(stream);
                Expect.Equal(tokens.Json, Encoding.UTF8.GetString(stream.ToArray()));
                Expect.That(tokens.Json.StartsWith("{\"access_token\":\""), "JSON");
                Expect.Throws<ArgumentNullException>(() => tokens.WriteTo(null));
                Expect.Throws<ArgumentNullException>(() => tokens[null].ToString());
            }
        }

        [Test]
        public static void GrantsAreListedAndRevoked()
        {
            using (var engine = Fixture.Engine())
            {
                Expect.Equal(0, engine.GetGrants().Count);
                Fixture.SignIn(engine, "alice");
                Fixture.SignIn(engine, "bob \"the [builder]\" }, {");
                var grants = engine.GetGrants();
                Expect.Equal("alice bob \"the [builder]\" }, {", string.Join(" ", grants.Select(grant => grant.Subject).OrderBy(s => s)));
                var alice = engine.GetGrants(subject: "alice").Single();
                Expect.Equal(alice.Json, engine.GetGrant(alice.Id).Json);
                Expect.That(alice.Refreshable && alice.State == "active" && alice.Generation == 1, "an active grant");
                Expect.That(alice.Scopes.Contains("read:notes") && alice.Audience.Single() == App.Audience, "its scope and API");
                Expect.That(alice.SessionId == null && alice.ApprovedAt <= alice.IssuedAt && alice.ExpiresAt > alice.IssuedAt, "its times");
                Expect.That(engine.RevokeGrant(alice.Id), "it was live");
                Expect.That(!engine.RevokeGrant(alice.Id), "it was not");
                Expect.Equal(1, engine.RevokeGrants(clientId: App.ClientId));
                Expect.Fails(Status.Usage, () => engine.RevokeGrants());
                Expect.Fails(Status.NotFound, () => engine.GetGrant("nothing"));
                Expect.Equal("[", engine.GetGrantsJson().Substring(0, 1));
            }
        }

        [Test]
        public static void ApisAndClientsComeAndGo()
        {
            using (var engine = new Engine("{\"issuer\":\"http://127.0.0.1:8080/\"}"))
            {
                engine.PutApi(Fixture.Configuration().Apis[0]);
                engine.PutApi("{\"identifier\":\"urn:other\"}");
                engine.PutClient(Fixture.Configuration().Clients[0]);
                engine.PutClient("{\"client_id\":\"other\",\"redirect_uris\":[]}");
                var tokens = Fixture.SignIn(engine);
                engine.RemoveApi("urn:other");
                Expect.Equal(0, engine.RemoveClient("other"));
                Expect.Equal(1, engine.RemoveClient(App.ClientId));
                Expect.Fails(Status.InvalidClientUnknown, () => Fixture.Refresh(engine, tokens));
                Expect.Fails(Status.NotFound, () => engine.RemoveClient(App.ClientId));
                Expect.Fails(Status.NotFound, () => engine.RemoveApi("urn:other"));
            }
        }

        [Test]
        public static void KeysMoveOn()
        {
            using (var engine = Fixture.Engine())
            {
                var tokens = Fixture.SignIn(engine);
                var before = engine.GetJwks().Json;
                engine.RotateKeys();
                Expect.That(engine.GetJwks().Json != before, "other keys");
                Fixture.Verify(engine, tokens);
                Expect.Equal("http://127.0.0.1:8080/", engine.GetMetadata()["issuer"]);
                Expect.Equal(0, engine.Sweep(10));
                Expect.Throws<ArgumentOutOfRangeException>(() => engine.Sweep(-1));
            }
        }

        [Test]
        public static void TokensAreRevokedAndIntrospected()
        {
            var configuration = Fixture.Configuration();
            configuration.Apis[0].IntrospectionClients.Add("api");
            configuration.Clients.Add(new Client("api") { Secret = "a secret of 128 bits", ApplicationType = "service" });
            using (var engine = new Engine(configuration))
            {
                var tokens = Fixture.SignIn(engine);
                var header = "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("api:a+secret+of+128+bits"));
                var about = engine.Introspect("token=" + tokens.AccessToken, header);
                Expect.That(about.Active && about.Subject == "alice" && about.ClientId == App.ClientId, "an active token");
                Expect.That(about.ExpiresAt != null && about.Scopes.Contains("read:notes") && about.Audience.Contains(App.Audience), "the rest");
                engine.Revoke("client_id=" + App.ClientId + "&token=" + tokens.RefreshToken);
                about = engine.Introspect("token=" + tokens.AccessToken, header);
                Expect.Equal("{\"active\":false}", about.Json);
                Expect.That(!about.Active && about.Subject == null && about.ExpiresAt == null && about.Scopes.Count == 0, "nothing of it");
                Expect.Fails(Status.InvalidClientSecret, () => engine.Introspect("token=x&client_id=api", "Basic YXBpOndyb25n"));
            }
        }

        [Test]
        public static void HttpRequestsGetTheirAnswers()
        {
            using (var engine = Fixture.Engine())
            {
                var result = engine.Handle(new EngineRequest("GET", "/authorize?" + new App().Query));
                Expect.That(result.Response == null, "no response yet");
                string form;
                using (result.Authorization)
                {
                    form = new App().Form(result.Authorization.Approve(new Login("alice")).Location);
                }
                var request = new EngineRequest("POST", "/oauth/token")
                {
                    Headers = { { "Content-Type", "application/x-www-form-urlencoded" }, { "Authorization", null } },
                    Body = Encoding.ASCII.GetBytes(form),
                };
                Expect.Equal(1, request.Headers.Count);
                var response = engine.Handle(request).Response;
                Expect.Equal(200, response.Status);
                Expect.That(response.BodyText.StartsWith("{\"access_token\""), response.BodyText);
                Expect.That(response.Headers.Any(header => header.Key == "Cache-Control" && header.Value == "no-store"), "no-store");
                Expect.That(response.Location == null, "no redirect");
                // Whatever came over the wire.
                response = engine.Handle(new EngineRequest("GET", "/\ud800\0")
                {
                    Headers = { { "\udc00", "\ud800" } },
                    Body = new byte[] { 0xff, 0, 0x80 },
                }).Response;
                Expect.Equal(404, response.Status);
                response = engine.Handle(new EngineRequest("POST", "/oauth/token")
                {
                    Headers = { { "Content-Type", "application/x-www-form-urlencoded" } },
                    Body = new byte[Library.MaxRequestBytes + 1],
                }).Response;
                Expect.Equal(413, response.Status);
            }
        }

        [Test]
        public static void AnEngineOnAFileGoesOn()
        {
            var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "grantlet-" + Guid.NewGuid())).FullName;
            var file = Path.Combine(folder, "grants.db");
            var key = Enumerable.Repeat((byte)7, 32).ToArray();
            var other = Enumerable.Repeat((byte)8, 32).ToArray();
            try
            {
                TokenResponse tokens;
                using (var engine = Engine.Open(Fixture.Configuration(), file, key))
                {
                    tokens = Fixture.SignIn(engine);
                    Expect.Fails(Status.ConfigKey, () => engine.Reseal(new byte[3]));
                    engine.Reseal(other);
                    engine.Backup(file + ".copy");
                    Expect.Fails(Status.ServerError, () => engine.Backup(file + ".copy"));
                }
                Expect.Fails(Status.StoreSealed, () => Engine.Open(Fixture.Configuration().ToJson(), file, key));
                foreach (var path in new[] { file, file + ".copy" })
                {
                    using (var engine = Engine.Open(Fixture.Configuration(), path, other))
                    {
                        Fixture.Refresh(engine, tokens);
                    }
                }
                Expect.Fails(Status.ConfigKey, () => Engine.Open(Fixture.Configuration(), file, new byte[31]));
                using (var engine = Fixture.Engine())
                {
                    Expect.Fails(Status.StoreUnsupported, () => engine.Backup(file + ".2"));
                    Expect.Fails(Status.StoreUnsupported, () => engine.Reseal(key));
                }
            }
            finally
            {
                Directory.Delete(folder, true);
            }
        }

#if NETCOREAPP3_0_OR_GREATER
        [Test]
        public static void BytesDoAsTextDoes()
        {
            using (var engine = Fixture.Engine())
            using (var pending = engine.Authorize(Encoding.ASCII.GetBytes(new App().Query).AsSpan()))
            {
                var form = new App().Form(pending.Approve(new Login("alice")).Location);
                var tokens = engine.Token(Encoding.ASCII.GetBytes(form).AsSpan());
                var access = Encoding.ASCII.GetBytes(tokens.AccessToken);
                Expect.Equal("alice", engine.Verify(access, Encoding.ASCII.GetBytes(App.Audience), Encoding.ASCII.GetBytes("read:notes")).Subject);
                Expect.Fails(Status.InvalidTokenAudience, () => engine.Verify(access.AsSpan(), Encoding.ASCII.GetBytes("urn:other")));
                Expect.Fails(Status.UsageUtf8, () => engine.Token(new byte[] { 0xff }.AsSpan()));
                Expect.Fails(Status.InvalidClientMethod, () => engine.Introspect(Encoding.ASCII.GetBytes("client_id=notes-app&token=x").AsSpan()));
                Expect.Fails(Status.InvalidClientMissing, () => engine.Revoke(Encoding.ASCII.GetBytes("token=x").AsSpan()));
                Expect.Fails(Status.InvalidToken, () => engine.GetUserInfo(Encoding.ASCII.GetBytes("x").AsSpan()));
            }
        }
#endif
    }
}
