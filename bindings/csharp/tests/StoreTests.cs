using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Grantlet.Tests
{
    /// <summary>A store of the host's.</summary>
    public sealed class MemoryStore : IRecordStore
    {
        private readonly Dictionary<string, (Record record, ulong version)> records = new Dictionary<string, (Record, ulong)>();
        private ulong versions;

        public Exception Fails { get; set; }

        public bool Insert(Record record)
        {
            lock (records)
            {
                Work();
                if (records.ContainsKey(Name(record.Key)))
                {
                    return false;
                }
                records.Add(Name(record.Key), (record, ++versions));
                return true;
            }
        }

        public bool Load(byte[] key, out byte[] body, out ulong version)
        {
            lock (records)
            {
                Work();
                var found = records.TryGetValue(Name(key), out var entry);
                body = found ? entry.record.Body : new byte[0];
                version = found ? entry.version : 0;
                return found;
            }
        }

        public bool Swap(ulong version, Record record)
        {
            lock (records)
            {
                Work();
                if (!records.TryGetValue(Name(record.Key), out var entry) || entry.version != version)
                {
                    return false;
                }
                records[Name(record.Key)] = (record, ++versions);
                return true;
            }
        }

        public IEnumerable<byte[]> OwnedBy(string clientId, string subject)
        {
            lock (records)
            {
                Work();
                return records.Values.Select(entry => entry.record)
                    .Where(record => record.ClientId.Length > 0 && (clientId.Length == 0 || record.ClientId == clientId)
                        && (subject.Length == 0 || record.Subject == subject))
                    .Select(record => record.Key).ToList();
            }
        }

        public int Sweep(ulong now, int limit)
        {
            lock (records)
            {
                Work();
                return records.Where(pair => pair.Value.record.KeepUntil <= now).Take(limit).ToList().Count(pair => records.Remove(pair.Key));
            }
        }

        private void Work()
        {
            if (Fails != null)
            {
                throw Fails;
            }
        }

        private static string Name(byte[] key)
        {
            Expect.Equal(16, key.Length);
            return Convert.ToBase64String(key);
        }
    }

    public static class StoreTests
    {
        public static readonly string SealingKey = "{\"sealing\":\"" + Convert.ToBase64String(new byte[32]).TrimEnd('=') + "\"}";

        private static Configuration Sealed()
        {
            var configuration = Fixture.Configuration();
            configuration["keys"] = SealingKey;
            return configuration;
        }

        [Test]
        public static void AStoreOfTheHostsKeepsEverything()
        {
            var store = new MemoryStore();
            var now = DateTimeOffset.UtcNow;
            var host = new EngineHost { Store = store, Clock = () => now };
            TokenResponse tokens;
            using (var engine = new Engine(Sealed(), host))
            {
                tokens = Fixture.SignIn(engine);
                Fixture.SignIn(engine, "bob");
                Expect.Equal(2, engine.GetGrants().Count);
                Expect.Equal("alice", engine.GetGrants(App.ClientId, "alice").Single().Subject);
            }
            using (var engine = new Engine(Sealed(), host))
            {
                tokens = Fixture.Refresh(engine, tokens);
                Expect.Equal("alice", Fixture.Verify(engine, tokens).Subject);
                Expect.Equal(1, engine.RevokeGrants(subject: "bob"));
                now = now.AddYears(5);
                Expect.That(engine.Sweep(10) > 0, "what has ended goes");
                Expect.Equal(0, engine.GetGrants().Count);
            }
        }

        [Test]
        public static void WhatAStoreThrewIsTheInnerException()
        {
            var store = new MemoryStore();
            using (var engine = new Engine(Sealed(), new EngineHost { Store = store }))
            {
                var tokens = Fixture.SignIn(engine);
                store.Fails = new IOException("the database is away");
                var e = Expect.Fails(Status.ServerError, () => Fixture.Refresh(engine, tokens));
                Expect.Equal(store.Fails, e.InnerException);
                Expect.Equal(store.Fails, Expect.Fails(Status.ServerError, () => engine.GetGrants()).InnerException);
                Expect.Equal(store.Fails, Expect.Fails(Status.ServerError, () => engine.Sweep(1)).InnerException);
                Expect.Equal(store.Fails, Expect.Fails(Status.ServerError, () => Fixture.Approved(engine)).InnerException);
                foreach (var status in new[] { Status.TemporarilyUnavailable, Status.StoreFull, Status.StoreReadOnly, Status.StoreCorrupt })
                {
                    store.Fails = new GrantletException(status, "ours");
                    Expect.Equal(store.Fails, Expect.Fails(status, () => Fixture.Refresh(engine, tokens)).InnerException);
                }
                store.Fails = new GrantletException(Status.NotFound, "ours");
                Expect.Fails(Status.ServerError, () => Fixture.Refresh(engine, tokens));
                store.Fails = null;
                Fixture.Refresh(engine, tokens);
            }
        }
    }
}
