using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Threading;

namespace Grantlet.Tests
{
    /// <summary>A host's own parts: called, throwing, calling back, surviving the collector.</summary>
    public static class CallbackTests
    {
        // RFC 7517's example key; what signs in its name here makes no signature that verifies.
        public const string Jwk = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," +
            "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

        /// <summary>Every callback that leaves the engine as good as it is.</summary>
        public static EngineHost Everything()
        {
            return new EngineHost
            {
                Clock = () => DateTimeOffset.UtcNow,
                Random = bytes => RandomNumberGenerator.Create().GetBytes(bytes),
                EventSink = e => e.Name.ToString(),
                UserClaims = user => "{\"name\":\"" + user.Subject + "\",\"tier\":3}",
            };
        }

        [Test]
        public static void EachIsCalledAndMayCallBack()
        {
            Engine engine = null;
            var now = DateTimeOffset.FromUnixTimeSeconds(1700000000);
            int fills = 0, within = 0;
            var events = new List<EngineEvent>();
            Action callBack = () =>
            {
                if (engine != null && within++ == 0)
                {
                    engine.GetMetadata();
                    engine.GetGrants();
                    Expect.Fails(Status.NotFound, () => engine.RemoveApi("urn:other"));
                    within = 0;
                }
            };
            var host = new EngineHost
            {
                Clock = () =>
                {
                    callBack();
                    return now;
                },
                Random = bytes =>
                {
                    callBack();
                    for (var i = 0; i < bytes.Length; i++)
                    {
                        bytes[i] = (byte)fills++;
                    }
                },
                EventSink = e =>
                {
                    callBack();
                    events.Add(e);
                },
                UserClaims = user =>
                {
                    callBack();
                    Expect.Equal("alice", user.Subject);
                    Expect.Equal(App.ClientId, user.ClientId);
                    Expect.That(user.Scope.Contains("openid"), user.Scope);
                    return "{\"tier\":3,\"name\":\"Alice\"}";
                },
            };
            using (engine = Fixture.Engine(host))
            {
                // A copy was taken.
                host.Clock = () => throw new Exception();
                var pending = engine.Authorize(new App().Query.Replace("audience=", "x="));
                var tokens = engine.Token(new App().Form(pending.Approve(new Login("alice")).Location));
                var user = engine.GetUserInfo(tokens.AccessToken);
                Expect.Equal("alice", user.Subject);
                Expect.Equal("3", user["tier"]);
                Expect.Equal(null, user["name"]);
                Expect.That(fills > 0, "randomness was asked for");
                Expect.Equal("code_issued token_issued", string.Join(" ", events.Select(e => e.Name)));
                Expect.Equal(now, events[0].At);
                Expect.Equal("alice", events[0]["subject"]);
                now = now.AddHours(2);
                Expect.Fails(Status.InvalidTokenExpired, () => engine.GetUserInfo(tokens.AccessToken));
                engine = null;
            }
        }

        [Test]
        public static void WhatACallbackThrewIsTheInnerException()
        {
            Exception clock = null, random = null, claims = null;
            Func<Exception, bool> throws = e => e == null ? false : throw e;
            var host = new EngineHost
            {
                Clock = () => throws(clock) ? default(DateTimeOffset) : DateTimeOffset.UtcNow,
                Random = bytes =>
                {
                    throws(random);
                    RandomNumberGenerator.Create().GetBytes(bytes);
                },
                UserClaims = _ => throws(claims) ? "" : "{}",
            };
            using (var engine = Fixture.Engine(host))
            using (var pending = engine.Authorize(new App().Query))
            {
                var tokens = Fixture.SignIn(engine);
                var before = engine.GetGrantsJson();
                var ours = new InvalidDataException("ours");

                random = ours;
                var e = Expect.Fails(Status.ServerError, () => pending.Approve(new Login("alice")));
                Expect.Equal(ours, e.InnerException);
                Expect.Equal("server_error", e.OAuthCode);
                Expect.That(!e.Response.Contains("ours") && !e.Message.Contains("ours") && e.ToString().Contains("ours"), "for the log only");
                random = new GrantletException(Status.TemporarilyUnavailable, "later");
                e = Expect.Fails(Status.TemporarilyUnavailable, () => pending.Approve(new Login("alice")));
                Expect.Equal(random, e.InnerException);
                Expect.Equal(503, e.HttpStatus);
                random = null;

                clock = ours;
                Expect.Equal(ours, Expect.Fails(Status.ServerError, () => Fixture.Refresh(engine, tokens)).InnerException);
                Expect.Equal(ours, Expect.Fails(Status.ServerError, () => pending.Approve(new Login("alice"))).InnerException);
                Expect.Equal(ours, Expect.Fails(Status.ServerError, () => Fixture.Verify(engine, tokens)).InnerException);
                clock = null;

                // What failed before is not the cause of what fails now.
                e = Expect.Fails(Status.InvalidGrantMalformed, () => engine.Token(App.Refresh("grl_rt_x")));
                Expect.Equal(null, e.InnerException);
                Expect.Equal(before, engine.GetGrantsJson());
                pending.Approve(new Login("alice"));
                Fixture.Refresh(engine, tokens);

                random = ours;
                Expect.Equal(ours, Expect.Fails(Status.ServerError, () => Fixture.Engine(host)).InnerException);
            }
        }

        [Test]
        public static void CallsWithinCallbacksKeepTheirExceptionsApart()
        {
            var ours = new InvalidDataException("ours");
            using (var inner = Fixture.Engine(new EngineHost { Clock = () => { throw ours; } }))
            {
                var passOn = false;
                var host = new EngineHost
                {
                    Random = bytes =>
                    {
                        try
                        {
                            Fixture.Ask(inner).Approve(new Login("alice"));
                        }
                        catch (GrantletException e) when (!passOn && e.InnerException == ours)
                        {
                            // Dealt with.
                        }
                        RandomNumberGenerator.Create().GetBytes(bytes);
                    },
                };
                using (var engine = Fixture.Engine(host))
                using (var pending = Fixture.Ask(engine))
                {
                    passOn = true;
                    var e = Expect.Fails(Status.ServerError, () => pending.Approve(new Login("alice")));
                    Expect.Equal(ours, e.InnerException?.InnerException);
                    passOn = false;
                    pending.Approve(new Login("alice"));
                    Expect.Equal(null, Expect.Fails(Status.UsageAnswered, () => pending.Approve(new Login("alice"))).InnerException);
                }
            }
        }

        [Test]
        public static void OfAnUnknownUserTheTokenIsNoLongerValid()
        {
            Func<string> claims = () => null;
            using (var engine = Fixture.Engine(new EngineHost { UserClaims = _ => claims() }))
            using (var pending = engine.Authorize(new App().Query.Replace("audience=", "x=")))
            {
                var access = engine.Token(new App().Form(pending.Approve(new Login("alice")).Location)).AccessToken;
                Expect.Fails(Status.InvalidToken, () => engine.GetUserInfo(access));
                // A call of the host's own that fails says nothing of the user.
                claims = () => engine.GetGrant("nothing").Json;
                var e = Expect.Fails(Status.ServerError, () => engine.GetUserInfo(access));
                Expect.Equal(Status.NotFound, ((GrantletException)e.InnerException).Status);
                claims = () => "no JSON";
                Expect.Fails(Status.ServerError, () => engine.GetUserInfo(access));
                claims = () => "{\"x\":\"\ud800\"}";
                e = Expect.Fails(Status.ServerError, () => engine.GetUserInfo(access));
                Expect.That(e.InnerException is EncoderFallbackException, "half a surrogate pair");
                claims = () => "{\"x\":\"" + new string('x', 1 << 17) + "\"}";
                Expect.Fails(Status.ServerError, () => engine.GetUserInfo(access));
                claims = () => "{}";
                engine.GetUserInfo(access);
            }
        }

        /// <summary>The event that tells of a failure asks the clock, too.</summary>
        [Test]
        public static void TheFirstThatThrewIsTheCause()
        {
            var ours = new TimeoutException("the directory does not answer");
            var asked = false;
            var host = new EngineHost
            {
                Clock = () => asked ? throw new InvalidOperationException("the clock stopped") : DateTimeOffset.UtcNow,
                EventSink = e => e.Name.ToString(),
                UserClaims = user =>
                {
                    asked = true;
                    throw ours;
                },
            };
            using (var engine = Fixture.Engine(host))
            {
                var access = Fixture.SignIn(engine).AccessToken;
                Expect.Equal(ours, Expect.Fails(Status.ServerError, () => engine.GetUserInfo(access)).InnerException);
            }
        }

        [Test]
        public static void AnEventSinkThatThrowsLosesNoAnswer()
        {
            var ours = new InvalidDataException("ours");
            var told = new List<Exception>();
            // (mono's compiler makes bad code of a lambda that is a throw expression.)
            var host = new EngineHost { EventSink = _ => { throw ours; }, EventSinkFailed = told.Add };
            using (var engine = Fixture.Engine(host))
            {
                Fixture.Refresh(engine, Fixture.SignIn(engine));
                Expect.That(told.Count >= 4 && told.All(e => e == ours), "the host is told of each");
                // Nor is it the cause of another failure.
                Expect.Equal(null, Expect.Fails(Status.InvalidGrantMalformed, () => engine.Token(App.Refresh("grl_rt_x"))).InnerException);
            }
            var trace = new StringWriter();
            var listener = new TextWriterTraceListener(trace);
            Trace.Listeners.Add(listener);
            try
            {
                foreach (var failed in new Action<Exception>[] { null, _ => { throw new InvalidOperationException("of its own"); } })
                {
                    host.EventSinkFailed = failed;
                    using (var engine = Fixture.Engine(host))
                    {
                        Fixture.SignIn(engine);
                    }
                }
            }
            finally
            {
                Trace.Listeners.Remove(listener);
            }
            Expect.That(trace.ToString().Contains("ours") && trace.ToString().Contains("of its own"), trace.ToString());
        }

        [Test]
        public static void ASignerMayFailAndNothingHasChanged()
        {
            Exception thrown = null;
            byte[] signature = null;
            Func<byte[], byte[]> sign = input => thrown == null ? signature : throw thrown;
            using (var engine = Fixture.Engine(new EngineHost { Signer = new Signer(Jwk, sign) }))
            {
                var form = Fixture.Approved(engine);
                var before = engine.GetGrantsJson();
                thrown = new OperationCanceledException("the user said no");
                Expect.Equal(thrown, Expect.Fails(Status.ServerError, () => engine.Token(form)).InnerException);
                thrown = new GrantletException(Status.TemporarilyUnavailable, "the KMS is away");
                Expect.Equal(thrown, Expect.Fails(Status.TemporarilyUnavailable, () => engine.Token(form)).InnerException);
                thrown = null;
                Expect.That(Expect.Fails(Status.ServerError, () => engine.Token(form)).InnerException is InvalidOperationException, "null");
                signature = new byte[1 << 17];
                Expect.Fails(Status.ServerError, () => engine.Token(form));
                Expect.Equal(before, engine.GetGrantsJson());
                // One and another make R and S.
                signature = Enumerable.Range(0, 64).Select(i => (byte)(i % 32 == 31 ? 1 : 0)).ToArray();
                var tokens = engine.Token(form);
                thrown = new OperationCanceledException();
                Expect.Equal(thrown, Expect.Fails(Status.ServerError, () => Fixture.Refresh(engine, tokens)).InnerException);
                thrown = null;
                Fixture.Refresh(engine, tokens);
            }
            Expect.Fails(Status.ConfigKey, () => Fixture.Engine(new EngineHost { Signer = new Signer("{}", input => input) }));
        }

        [Test]
        public static void DisposingTheEngineFromWithinACallback()
        {
            Engine engine = null;
            Authorization pending = null;
            var disposed = 0;
            var host = new EngineHost
            {
                EventSink = _ =>
                {
                    engine.Dispose();
                    pending.Dispose();
                    disposed++;
                },
            };
            for (var i = 0; i < 20; i++)
            {
                engine = Fixture.Engine(host);
                pending = Fixture.Ask(engine);
                // The engine's own handle is not in use by this call.
                Expect.That(pending.Approve(new Login("alice")).Location.Contains("code="), "the answer is there");
                Expect.Throws<ObjectDisposedException>(() => engine.GetMetadata());
                Expect.Throws<ObjectDisposedException>(() => pending.Deny());
                Garbage.Collect();
            }
            Expect.Equal(20, disposed);
        }

        [Test]
        public static void CallbacksSurviveTheCollector()
        {
            Engine engine = null;
            Garbage.Make(() =>
            {
                var host = Everything();
                host.Store = new MemoryStore();
                var configuration = Fixture.Configuration();
                configuration["keys"] = StoreTests.SealingKey;
                host.Signer = new Signer(Jwk, input => Enumerable.Repeat((byte)1, 64).ToArray());
                engine = new Engine(configuration, host);
            });
            using (engine)
            {
                TokenResponse tokens = null;
                Garbage.Make(() => tokens = Fixture.SignIn(engine));
                ThreadTests.Together(4, number =>
                {
                    for (var i = 0; i < 60; i++)
                    {
                        if (number == 0)
                        {
                            Garbage.Collect();
                            Thread.Sleep(1);
                        }
                        else
                        {
                            Fixture.Refresh(engine, Fixture.SignIn(engine, "user " + number));
                        }
                    }
                });
                Garbage.Make(() => Fixture.Refresh(engine, tokens));
            }
        }
    }
}
