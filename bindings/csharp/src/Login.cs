using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace Grantlet
{
    /// <summary>Who signed in, how, and what they consented to: your word.</summary>
    public sealed class Login
    {
        /// <summary>A user who signed in and consented to all that was asked for.</summary>
        /// <param name="subject">The user: <c>sub</c>. The same for the same user for ever; 1 to 255 bytes.</param>
        public Login(string subject)
        {
            Subject = subject ?? throw new ArgumentNullException(nameof(subject));
        }

        /// <summary>The user.</summary>
        public string Subject { get; }

        /// <summary>When the user authenticated; <c>null</c> where that is not known. A request with <c>max_age</c> needs it.</summary>
        public DateTimeOffset? AuthTime { get; set; }

        /// <summary>How strongly the user authenticated.</summary>
        [AllowNull, MaybeNull]
        public string Acr { get; set; }

        /// <summary>By which methods (RFC 8176).</summary>
        public IList<string> Amr { get; } = new List<string>();

        /// <summary>Your session.</summary>
        [AllowNull, MaybeNull]
        public string SessionId { get; set; }

        /// <summary>The scope consented to, separated by spaces; <c>null</c> means all that was asked for.</summary>
        [AllowNull, MaybeNull]
        public string Scope { get; set; }

        /// <summary>A JSON object of claims for each access token.</summary>
        [AllowNull, MaybeNull]
        public string AccessTokenClaims { get; set; }

        /// <summary>A JSON object of claims for each ID token.</summary>
        [AllowNull, MaybeNull]
        public string IdTokenClaims { get; set; }
    }
}
