using System;
using System.Diagnostics.CodeAnalysis;

namespace Grantlet
{
    /// <summary>Parts of the engine that are yours. Set what you need; <c>null</c> leaves the engine's own.</summary>
    /// <remarks>
    /// A callback runs on the thread that called the engine, whichever that is, and several may run at once; never under a lock of
    /// the engine's, so it may call the engine, and dispose it. It may throw: nothing is issued then, nothing has changed, and the call throws a
    /// <see cref="GrantletException"/> whose <see cref="Exception.InnerException"/> is what was thrown. Its status is
    /// <see cref="Status.ServerError"/>, or <see cref="Status.TemporarilyUnavailable"/> where a <see cref="GrantletException"/> with
    /// that status was thrown (not by a clock).
    /// <para>The engine takes a copy: what is changed here later changes nothing. Callbacks that refer to the engine do not keep it
    /// from the garbage collector.</para>
    /// </remarks>
    public sealed class EngineHost
    {
        /// <summary>Tells the time; the system's unless set. The engine counts in whole seconds.</summary>
        [AllowNull, MaybeNull]
        public Func<DateTimeOffset> Clock { get; set; }

        /// <summary>Fills bytes with randomness that nobody can predict; the system's unless set. Elliptic-curve keys and signatures
        /// and the salts of client secrets take the system's all the same.</summary>
        [AllowNull, MaybeNull]
        public Action<byte[]> Random { get; set; }

        /// <summary>Takes events for the audit log. The change is stored already, so an answer is not lost where this throws: what
        /// it threw goes to <see cref="EventSinkFailed"/>.</summary>
        [AllowNull, MaybeNull]
        public Action<EngineEvent> EventSink { get; set; }

        /// <summary>Takes what <see cref="EventSink"/> threw; unless set, and of what it throws itself,
        /// <see cref="System.Diagnostics.Trace.TraceError(string)"/> is told.</summary>
        [AllowNull, MaybeNull]
        public Action<Exception> EventSinkFailed { get; set; }

        /// <summary>Gives what is known of a user, one JSON object; of <c>null</c> the client learns that its token is no longer valid.
        /// Claims that need a scope which the token lacks are left out for you (OIDC Core §5.4).</summary>
        [AllowNull, MaybeNull]
#if __MonoCS__ // Has no other way to say that a delegate may give null.
        public Func<UserClaimsRequest, string> UserClaims { get; set; }
#else
        public Func<UserClaimsRequest, string?> UserClaims { get; set; }
#endif

        /// <summary>Signs with a key that you hold: in a TPM, an HSM, a KMS.</summary>
        [AllowNull, MaybeNull]
        public Signer Signer { get; set; }

        /// <summary>Keeps the records in a database of yours. The configuration then names no other store, but
        /// <c>keys.sealing</c>.</summary>
        [AllowNull, MaybeNull]
        public IRecordStore Store { get; set; }
    }

    /// <summary>Whose claims are asked for, and by whom.</summary>
    public sealed class UserClaimsRequest
    {
        internal UserClaimsRequest(string subject, string clientId, string scope)
        {
            Subject = subject;
            ClientId = clientId;
            Scope = scope;
        }

        /// <summary>The user.</summary>
        public string Subject { get; }

        /// <summary>The client that asks.</summary>
        public string ClientId { get; }

        /// <summary>The scope of its token, separated by spaces.</summary>
        public string Scope { get; }
    }

    /// <summary>Something for the audit log. Holds no token, no secret and no claim's value.</summary>
    public sealed class EngineEvent : JsonAnswer
    {
        internal EngineEvent(byte[] utf8) : base(utf8)
        {
        }

        /// <summary>When.</summary>
        public DateTimeOffset At => Time("at").GetValueOrDefault();

        /// <summary>What, such as <c>token_issued</c>, <c>rotated</c>, <c>replayed</c>, <c>refused</c>.</summary>
        public string Name => Text("event");
    }
}
