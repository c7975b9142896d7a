using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;

namespace Grantlet.Tests
{
    /// <summary>Freed twice, used after it, collected in any order.</summary>
    public static class LifetimeTests
    {
        [Test]
        public static void DisposingTwiceIsFine()
        {
            var engine = Fixture.Engine();
            var pending = Fixture.Ask(engine);
            for (var i = 0; i < 2; i++)
            {
                engine.Dispose();
                pending.Dispose();
            }
            ThreadTests.Together(8, _ => engine.Dispose());
        }

        [Test]
        public static void ADisposedEngineIsRefusedByEveryCall()
        {
            var engine = Fixture.Engine();
            var tokens = Fixture.SignIn(engine);
            engine.Dispose();
            var calls = new Action[]
            {
                () => engine.Authorize("x"), () => engine.Token("x"), () => engine.Verify("x", "y"), () => engine.Revoke("x"),
                () => engine.Introspect("x"), () => engine.GetUserInfo("x"), () => engine.Handle(new EngineRequest("GET", "/")),
                () => engine.GetMetadata(), () => engine.GetJwks(), () => engine.GetGrants(), () => engine.GetGrantsJson(),
                () => engine.GetGrant("x"), () => engine.RevokeGrant("x"), () => engine.RevokeGrants("x"), () => engine.PutApi("{}"),
                () => engine.PutApi(new Api("x")), () => engine.PutClient("{}"), () => engine.PutClient(new Client("x")),
                () => engine.RemoveApi("x"), () => engine.RemoveClient("x"), () => engine.RotateKeys(),
                () => engine.Reseal(new byte[32]), () => engine.Backup("x"), () => engine.Sweep(1),
                () => engine.TokenAsync("x").GetAwaiter().GetResult(),
            };
            foreach (var call in calls)
            {
                Expect.Throws<ObjectDisposedException>(call);
            }
            // What it gave is plain data.
            Expect.That(tokens.AccessToken.StartsWith("eyJ"), "the tokens are still there");
        }

        [Test]
        public static void ADisposedAuthorizationIsRefused()
        {
            using (var engine = Fixture.Engine())
            {
                var pending = Fixture.Ask(engine);
                pending.Dispose();
                Expect.Throws<ObjectDisposedException>(() => pending.Approve(new Login("alice")));
                Expect.Throws<ObjectDisposedException>(() => pending.Deny());
                Expect.Equal(App.ClientId, pending.Request.ClientId);
            }
        }

        [Test]
        public static void AnAuthorizationOutlivesItsEngine()
        {
            Authorization pending = null;
            EngineResponse response = null;
            Garbage.Make(() => pending = Fixture.Ask(Fixture.Engine(new EngineHost { EventSink = _ => { } })));
            Garbage.Collect();
            Garbage.Make(() => response = pending.Approve(new Login("alice")));
            Expect.Fails(Status.UsageAnswered, () => pending.Approve(new Login("alice")));
            pending.Dispose();
            Garbage.Collect();
            Expect.That(response.Location.Contains("code="), "the response is plain data");
        }

        [Test]
        public static void TheCollectorMayTakeThemInAnyOrder()
        {
            var random = new Random(1);
            var kept = new List<object>();
            for (var round = 0; round < 20; round++)
            {
                Garbage.Make(() =>
                {
                    var engine = Fixture.Engine(CallbackTests.Everything());
                    var all = new List<object> { engine, Fixture.Ask(engine), Fixture.Ask(engine), Fixture.SignIn(engine) };
                    // Some are forgotten now, some in a later round, some are disposed.
                    foreach (var one in all)
                    {
                        switch (random.Next(3))
                        {
                            case 0:
                                kept.Add(one);
                                break;
                            case 1:
                                (one as IDisposable)?.Dispose();
                                break;
                        }
                    }
                });
                kept.RemoveAll(_ => random.Next(3) == 0);
                Garbage.Collect();
                foreach (var pending in kept.OfType<Authorization>().ToList())
                {
                    try
                    {
                        pending.Approve(new Login("alice"));
                    }
                    catch (GrantletException e) when (e.Status == Status.UsageAnswered)
                    {
                        // In an earlier round.
                    }
                }
            }
        }

        /// <summary>Somebody whose finalizer still has something to do.</summary>
        private sealed class Owner
        {
            internal static int Done;
            internal static Engine Back;

            private readonly Engine engine = Fixture.Engine(CallbackTests.Everything());

            ~Owner()
            {
                Fixture.SignIn(engine);
                Done++;
                Back = engine;
            }
        }

        [Test]
        public static void AFinalizerMayCallAnEngineThatIsForgottenWithIt()
        {
            Owner.Done = 0;
            Garbage.Make(() =>
            {
                for (var i = 0; i < 20; i++)
                {
                    new Owner().ToString();
                }
            });
            Garbage.Collect();
            Expect.That(Owner.Done >= 15, "finalizers ran: " + Owner.Done);
            try
            {
                Owner.Back.GetMetadata();
            }
            catch (ObjectDisposedException)
            {
                // Who is brought back from the dead finds it freed, unless a stray pointer kept it.
            }
            Owner.Back = null;
        }

        [Test]
        public static void ACallKeepsItsEngineFromTheCollector()
        {
            using (var stop = new ManualResetEventSlim())
            {
                var collector = new Thread(() =>
                {
                    while (!stop.Wait(1))
                    {
                        Garbage.Collect();
                    }
                });
                collector.Start();
                for (var i = 0; i < 300; i++)
                {
                    // Nothing refers to the engine any more while the call is under way.
                    new Engine("{\"issuer\":\"http://127.0.0.1:8080/\"}", CallbackTests.Everything()).GetMetadata();
                }
                stop.Set();
                collector.Join();
            }
        }

        [Test]
        public static void WhatIsForgottenIsFreed()
        {
            WithFile(file =>
            {
                Authorization pending = null;
                WeakReference seen = null;
                Garbage.Make(() =>
                {
                    // A circle: the engine, the callback, the engine.
                    Engine engine = null;
                    var host = new EngineHost { EventSink = _ => engine?.GetMetadata() };
                    engine = Engine.Open(Fixture.Configuration(), file, new byte[32], host);
                    Fixture.SignIn(engine);
                    pending = Fixture.Ask(engine);
                    seen = new WeakReference(engine);
                });
                Expect.That(OpenFiles(file) > 0, "the file is open");
                Garbage.Make(() => pending.Approve(new Login("alice")));
                Garbage.Make(() =>
                {
                    pending.Dispose();
                    pending = null;
                });
                for (var i = 0; i < 20 && OpenFiles(file) > 0; i++)
                {
                    Garbage.Make(() => new byte[1 << 16].ToString());
                    Garbage.Collect();
                }
                Expect.Equal(0, OpenFiles(file), "open files of an engine that nobody refers to");
                Expect.That(!seen.IsAlive, "the engine was collected");
            });
        }

        [Test]
        public static void DisposingWithinACallbackFreesAtOnce()
        {
            WithFile(file =>
            {
                var other = Engine.Open(Fixture.Configuration(), file, new byte[32], CallbackTests.Everything());
                Expect.That(OpenFiles(file) > 0, "the file is open");
                var left = -1;
                using (var engine = Fixture.Engine(new EngineHost
                {
                    EventSink = _ =>
                    {
                        other.Dispose();
                        left = OpenFiles(file);
                    },
                }))
                {
                    Fixture.Approved(engine);
                }
                Expect.Equal(0, left, "open files behind Dispose");
            });
        }

        private static void WithFile(Action<string> test)
        {
            var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "grantlet-" + Guid.NewGuid())).FullName;
            try
            {
                test(Path.Combine(folder, "grants.db"));
            }
            finally
            {
                Directory.Delete(folder, true);
            }
        }

        private static int OpenFiles(string file)
        {
            return Directory.GetFiles("/proc/self/fd").Count(fd => Link(fd).StartsWith(file));
        }

        /// <summary>Where a link leads; .NET Core 3.1 and mono have no call of theirs in common.</summary>
        private static string Link(string path)
        {
            var target = new byte[4096];
            var length = readlink(path, target, (UIntPtr)4096u).ToInt64();
            return length < 0 ? "" : System.Text.Encoding.UTF8.GetString(target, 0, (int)length);
        }

        [System.Runtime.InteropServices.DllImport("libc")]
        private static extern IntPtr readlink(string path, byte[] target, UIntPtr size);
    }
}
