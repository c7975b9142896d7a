using System;
using System.Collections.Generic;

namespace Grantlet
{
    /// <summary>Where records are kept, by means of your own: a database that is there already.</summary>
    /// <remarks>
    /// A store holds, for each key, one record and its version. Versions are yours to give: any number but 0, another one with each
    /// change, and never the same one twice for a key, not even when its record was swept and came again. A change touches one
    /// record, and is atomic: of all who insert one key, or swap one version, exactly one gets it done. What was done is there for
    /// good. Text is compared byte for byte.
    /// <para>Several threads call at once. A method must not call the engine. It may throw: <see cref="GrantletException"/> with
    /// <see cref="Status.TemporarilyUnavailable"/>, <see cref="Status.StoreFull"/>, <see cref="Status.StoreReadOnly"/> or
    /// <see cref="Status.StoreCorrupt"/> for what they say; after anything else the call ends with
    /// <see cref="Status.ServerError"/>. Nothing is issued then. Nothing is swept unless you call <see cref="Engine.Sweep"/>.</para>
    /// </remarks>
    public interface IRecordStore
    {
        /// <summary>Puts a record where none of its key is.</summary>
        /// <param name="record">The record.</param>
        /// <returns>Whether it was put; if there is one, that stays.</returns>
        bool Insert(Record record);

        /// <summary>Gives a record's body and version.</summary>
        /// <param name="key">16 bytes.</param>
        /// <param name="body">The body, byte for byte as it was put; empty if there is none.</param>
        /// <param name="version">Its version; 0 if there is none.</param>
        /// <returns>Whether there is one.</returns>
        bool Load(byte[] key, out byte[] body, out ulong version);

        /// <summary>Puts a record in the place of the one of its key, all fields anew, if that has this version.</summary>
        /// <param name="version">The version.</param>
        /// <param name="record">The record.</param>
        /// <returns>Whether it was put; if there is none, or it has another version, it stays.</returns>
        bool Swap(ulong version, Record record);

        /// <summary>Lists the keys of the grants of a client and user, in any order; what is no grant is not listed.</summary>
        /// <param name="clientId">The client; empty means anybody's.</param>
        /// <param name="subject">The user; empty means anybody's.</param>
        /// <returns>The keys, 16 bytes each.</returns>
        IEnumerable<byte[]> OwnedBy(string clientId, string subject);

        /// <summary>Removes records whose <see cref="Record.KeepUntil"/> is not after a moment.</summary>
        /// <param name="now">The moment, in seconds since 1970.</param>
        /// <param name="limit">How many at most.</param>
        /// <returns>How many went.</returns>
        int Sweep(ulong now, int limit);
    }

    /// <summary>A record, as a store is given it to keep.</summary>
    public sealed class Record
    {
        internal Record(byte[] key, string clientId, string subject, ulong keepUntil, byte[] body)
        {
            Key = key;
            ClientId = clientId;
            Subject = subject;
            KeepUntil = keepUntil;
            Body = body;
        }

        /// <summary>16 bytes, random or a hash: no text.</summary>
        public byte[] Key { get; }

        /// <summary>The client whose grant it is; empty where it is no grant.</summary>
        public string ClientId { get; }

        /// <summary>The user whose grant it is; empty where it is no grant.</summary>
        public string Subject { get; }

        /// <summary>From when on it may be swept, in seconds since 1970; <see cref="ulong.MaxValue"/>: never.</summary>
        public ulong KeepUntil { get; }

        /// <summary>All of it. It names the user; no token can be made of it.</summary>
        public byte[] Body { get; }
    }
}
