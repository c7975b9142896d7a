using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace Grantlet.Tests
{
    /// <summary>One engine, many threads.</summary>
    public static class ThreadTests
    {
        private const int Threads = 16;

        /// <summary>Runs an action on so many threads at once, and throws what one of them threw.</summary>
        public static void Together(int threads, Action<int> action)
        {
            var thrown = new List<Exception>();
            using (var barrier = new Barrier(threads))
            {
                var all = Enumerable.Range(0, threads).Select(number => new Thread(() =>
                {
                    barrier.SignalAndWait();
                    try
                    {
                        action(number);
                    }
                    catch (Exception e)
                    {
                        lock (thrown)
                        {
                            thrown.Add(e);
                        }
                    }
                })).ToList();
                all.ForEach(thread => thread.Start());
                all.ForEach(thread => thread.Join());
            }
            if (thrown.Count > 0)
            {
                throw new AggregateException(thrown);
            }
        }

        [Test]
        public static void EachThreadHasSessionsOfItsOwn()
        {
            var events = 0;
            using (var engine = Fixture.Engine(new EngineHost { EventSink = _ => Interlocked.Increment(ref events) }))
            {
                Together(Threads, number =>
                {
                    var tokens = Fixture.SignIn(engine, "user " + number);
                    for (var i = 0; i < 50; i++)
                    {
                        tokens = Fixture.Refresh(engine, tokens);
                        Expect.Equal("user " + number, Fixture.Verify(engine, tokens).Subject);
                        // Errors are the thread's own, too.
                        var e = Expect.Fails(Status.InvalidGrantMalformed, () => engine.Token(App.Refresh("grl_rt_" + number)));
                        Expect.Equal("invalid_grant", e.OAuthCode);
                    }
                });
                Expect.Equal(Threads, engine.GetGrants().Count);
                Expect.That(events > Threads * 100, "events came from every thread");
            }
        }

        [Test]
        public static void OneOfManyApprovalsWins()
        {
            using (var engine = Fixture.Engine())
            {
                for (var round = 0; round < 20; round++)
                {
                    using (var pending = Fixture.Ask(engine))
                    {
                        int won = 0, lost = 0;
                        Together(Threads, number =>
                        {
                            try
                            {
                                pending.Approve(new Login("alice"));
                                Interlocked.Increment(ref won);
                            }
                            catch (GrantletException e) when (e.Status == Status.UsageAnswered)
                            {
                                Interlocked.Increment(ref lost);
                            }
                        });
                        Expect.Equal(1, won);
                        Expect.Equal(Threads - 1, lost);
                    }
                }
            }
        }

        [Test]
        public static void DisposingWhileOthersCallEndsInTheirException()
        {
            for (var round = 0; round < 30; round++)
            {
                var engine = Fixture.Engine(CallbackTests.Everything());
                var pending = Fixture.Ask(engine);
                var tokens = Fixture.SignIn(engine);
                var disposed = 0;
                Together(Threads, number =>
                {
                    if (number == 0)
                    {
                        Thread.Sleep(round % 3);
                        engine.Dispose();
                        pending.Dispose();
                        Volatile.Write(ref disposed, 1);
                        return;
                    }
                    var late = 0;
                    Expect.Throws<ObjectDisposedException>(() =>
                    {
                        while (true)
                        {
                            // Not only when nobody else is in a call any more.
                            late += Volatile.Read(ref disposed);
                            Expect.That(late < 2, "a call after Dispose is refused");
                            Fixture.Verify(engine, tokens);
                            engine.GetGrants(subject: "alice");
                            Fixture.Ask(engine).Dispose();
                        }
                    });
                });
            }
        }

        [Test]
        public static void DisposingAnAuthorizationWhileOthersAnswerIt()
        {
            using (var engine = Fixture.Engine())
            {
                for (var round = 0; round < 30; round++)
                {
                    var pending = Fixture.Ask(engine);
                    Together(Threads, number =>
                    {
                        if (number == 0)
                        {
                            pending.Dispose();
                            return;
                        }
                        try
                        {
                            pending.Deny(Status.LoginRequired);
                        }
                        catch (ObjectDisposedException)
                        {
                            // It was too late.
                        }
                    });
                }
            }
        }

        [Test]
        public static void RegistryAndKeysChangeUnderLoad()
        {
            using (var engine = Fixture.Engine())
            {
                Together(8, number =>
                {
                    for (var i = 0; i < 20; i++)
                    {
                        if (number == 0)
                        {
                            engine.RotateKeys();
                            Thread.Sleep(1);
                        }
                        else if (number == 1)
                        {
                            engine.PutApi(new Api("urn:other") { Scopes = { "x" } });
                            engine.RemoveApi("urn:other");
                            engine.Sweep(5);
                        }
                        else
                        {
                            Fixture.SignIn(engine, "user " + number);
                            engine.GetMetadata();
                            engine.GetJwks();
                        }
                    }
                });
            }
        }
    }
}
