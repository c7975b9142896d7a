using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Grantlet.Tests
{
    /// <summary>The forms that do not hold the caller up.</summary>
    public static class AsyncTests
    {
        [Test]
        public static void AWholeFlow()
        {
            Flow().GetAwaiter().GetResult();
        }

        private static async Task Flow()
        {
            using (var engine = Fixture.Engine(CallbackTests.Everything()))
            using (var pending = await engine.AuthorizeAsync(new App().Query))
            using (var refused = await engine.AuthorizeAsync(new App().Query))
            {
                Expect.That((await refused.DenyAsync()).Location.Contains("error=access_denied"), "denied");
                var tokens = await engine.TokenAsync(new App().Form((await pending.ApproveAsync(new Login("alice"))).Location));
                var claims = await engine.VerifyAsync(tokens.AccessToken, App.Audience, new[] { "read:notes" });
                Expect.Equal("alice", claims.Subject);
                Expect.Equal(404, (await engine.HandleAsync(new EngineRequest("GET", "/nowhere"))).Response.Status);
                Expect.Equal(0, await engine.SweepAsync(1));
                var body = new AsyncOnly();
                await tokens.WriteToAsync(body);
                Expect.Equal(tokens.Json, Encoding.UTF8.GetString(body.ToArray()));
                await engine.TokenAsync(Fixture.Approved(engine, "bob"));
                var grant = (await engine.GetGrantsAsync(subject: "bob")).Single();
                Expect.That(await engine.RevokeGrantAsync(grant.Id), "it was live");
                try
                {
                    await engine.IntrospectAsync("token=x");
                    Expect.That(false, "introspection needs a client");
                }
                catch (GrantletException e)
                {
                    Expect.Equal(Status.InvalidClient, e.Class);
                }
                await engine.RevokeAsync("client_id=" + App.ClientId + "&token=" + tokens.RefreshToken);
                Expect.Equal(0, await engine.RevokeGrantsAsync(subject: "alice"));
            }
        }

        /// <summary>A response of ASP.NET Core's.</summary>
        private sealed class AsyncOnly : MemoryStream
        {
            public override void Write(byte[] buffer, int offset, int count)
            {
                throw new InvalidOperationException("synchronous operations are disallowed");
            }

            public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            {
                base.Write(buffer, offset, count);
                return Task.CompletedTask;
            }
        }

        [Test]
        public static void WhatIsCancelledBeforeItStartsDoesNothing()
        {
            using (var engine = Fixture.Engine())
            {
                var form = Fixture.Approved(engine);
                var before = engine.GetGrantsJson();
                var cancelled = new CancellationToken(true);
                var task = engine.TokenAsync(form, null, cancelled);
                Expect.Throws<TaskCanceledException>(() => task.GetAwaiter().GetResult());
                Expect.That(task.IsCanceled, "a cancelled task");
                Expect.That(engine.VerifyAsync("x", "y", null, cancelled).IsCanceled, "another one");
                Expect.Equal(before, engine.GetGrantsJson());
                engine.Token(form);
            }
        }

        [Test]
        public static void SignersThatBlockTakeNoThreadOfThePool()
        {
            const int Users = 64;
            using (var go = new ManualResetEventSlim())
            {
                var waiting = 0;
                var host = new EngineHost
                {
                    Signer = new Signer(CallbackTests.Jwk, input =>
                    {
                        Expect.That(!Thread.CurrentThread.IsThreadPoolThread, "not a thread of the pool");
                        Interlocked.Increment(ref waiting);
                        go.Wait();
                        return Enumerable.Repeat((byte)1, 64).ToArray();
                    }),
                };
                using (var engine = Fixture.Engine(host))
                {
                    var forms = Enumerable.Range(0, Users).Select(i => Fixture.Approved(engine, "user " + i)).ToList();
                    var tasks = forms.Select(form => engine.TokenAsync(form)).ToArray();
                    Expect.That(tasks.All(task => !task.IsCompleted), "the caller was not held up");
                    SpinWait.SpinUntil(() => Volatile.Read(ref waiting) >= Users, 20000);
                    Expect.Equal(Users, waiting, "all of them wait at once");
                    // The pool would be full: it grows by one or two a second.
                    Expect.That(Task.Run(() => 1).Wait(2000), "the pool still works");
                    go.Set();
                    Expect.That(Task.WhenAll(tasks).Wait(20000), "everybody got an answer");
                }
            }
        }

        [Test]
        public static void ManyAtOnce()
        {
            using (var engine = Fixture.Engine())
            {
                var tasks = Enumerable.Range(0, 200).Select(async i =>
                {
                    var tokens = await engine.TokenAsync(Fixture.Approved(engine, "user " + i));
                    return (await engine.VerifyAsync(tokens.AccessToken, App.Audience)).Subject;
                }).ToArray();
                Task.WaitAll(tasks);
                Expect.Equal(200, tasks.Select(task => task.Result).Distinct().Count());
            }
        }
    }
}
