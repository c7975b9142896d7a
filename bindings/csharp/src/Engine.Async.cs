using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Grantlet
{
    // The forms that do not hold the caller up. A call is work for a processor, or waits for a disk or for the host's own signer
    // or store; what waits does so on a thread of its own, and never on one of the pool's. A token that is cancelled before the
    // work starts cancels it; work that has started ends, so that no answer is lost.
    public sealed partial class Engine
    {
        /// <summary><see cref="Authorize(string)"/>, without holding the caller up.</summary>
        /// <param name="query">The query.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>The request, which waits for the user.</returns>
        public Task<Authorization> AuthorizeAsync(string query, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => Authorize(query), cancellationToken);
        }

        /// <summary><see cref="Token(string, string)"/>, without holding the caller up.</summary>
        /// <param name="form">The body.</param>
        /// <param name="authorization">The value of the <c>Authorization</c> header, if there is one.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>The tokens.</returns>
        public Task<TokenResponse> TokenAsync(
            string form, [AllowNull] string authorization = null, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => Token(form, authorization), cancellationToken);
        }

        /// <summary><see cref="Verify(string, string, string[])"/>, without holding the caller up.</summary>
        /// <param name="accessToken">The token.</param>
        /// <param name="audience">The API that asks.</param>
        /// <param name="scopes">What the token must have; <c>null</c>: nothing.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>Its claims.</returns>
        public Task<AccessClaims> VerifyAsync(
            string accessToken,
            string audience,
            [AllowNull] IEnumerable<string> scopes = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            var all = scopes == null ? new string[0] : scopes.ToArray();
            return Work.Start(mayBlock, () => Verify(accessToken, audience, all), cancellationToken);
        }

        /// <summary><see cref="Revoke(string, string)"/>, without holding the caller up.</summary>
        /// <param name="form">The body.</param>
        /// <param name="authorization">The value of the <c>Authorization</c> header, if there is one.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>A task that ends when the token is revoked.</returns>
        public Task RevokeAsync(
            string form, [AllowNull] string authorization = null, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => Revoke(form, authorization), cancellationToken);
        }

        /// <summary><see cref="Introspect(string, string)"/>, without holding the caller up.</summary>
        /// <param name="form">The body.</param>
        /// <param name="authorization">The value of the <c>Authorization</c> header, if there is one.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>What the token means now.</returns>
        public Task<Introspection> IntrospectAsync(
            string form, [AllowNull] string authorization = null, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => Introspect(form, authorization), cancellationToken);
        }

        /// <summary><see cref="GetUserInfo(string)"/>, without holding the caller up.</summary>
        /// <param name="accessToken">The token.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>The user's claims.</returns>
        public Task<UserInfo> GetUserInfoAsync(string accessToken, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => GetUserInfo(accessToken), cancellationToken);
        }

        /// <summary><see cref="Handle"/>, without holding the caller up.</summary>
        /// <param name="request">The request.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>The response to send; or what waits for the user.</returns>
        public Task<HandleResult> HandleAsync(EngineRequest request, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => Handle(request), cancellationToken);
        }

        /// <summary><see cref="GetGrants"/>, without holding the caller up.</summary>
        /// <param name="clientId">The client; <c>null</c> means anybody's.</param>
        /// <param name="subject">The user; <c>null</c> means anybody's.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>The grants, the oldest first.</returns>
        public Task<IReadOnlyList<GrantInfo>> GetGrantsAsync(
            [AllowNull] string clientId = null,
            [AllowNull] string subject = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => GetGrants(clientId, subject), cancellationToken);
        }

        /// <summary><see cref="RevokeGrant"/>, without holding the caller up.</summary>
        /// <param name="grantId">Its id.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>Whether it was live until now.</returns>
        public Task<bool> RevokeGrantAsync(string grantId, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => RevokeGrant(grantId), cancellationToken);
        }

        /// <summary><see cref="RevokeGrants"/>, without holding the caller up.</summary>
        /// <param name="clientId">The client; <c>null</c> means anybody's.</param>
        /// <param name="subject">The user; <c>null</c> means anybody's.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>How many were live until now.</returns>
        public Task<int> RevokeGrantsAsync(
            [AllowNull] string clientId = null,
            [AllowNull] string subject = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => RevokeGrants(clientId, subject), cancellationToken);
        }

        /// <summary><see cref="Backup"/>, without holding the caller up.</summary>
        /// <param name="path">A new file.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>A task that ends when the copy is there.</returns>
        public Task BackupAsync(string path, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => Backup(path), cancellationToken);
        }

        /// <summary><see cref="Sweep"/>, without holding the caller up.</summary>
        /// <param name="limit">How many at most.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>How many went.</returns>
        public Task<int> SweepAsync(int limit, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => Sweep(limit), cancellationToken);
        }
    }

    /// <summary>Work that goes on elsewhere.</summary>
    internal static class Work
    {
        internal static Task<T> Start<T>(bool mayBlock, Func<T> work, CancellationToken cancellationToken)
        {
            return cancellationToken.IsCancellationRequested
                ? Task.FromCanceled<T>(cancellationToken)
                : Task.Factory.StartNew(work, cancellationToken, Options(mayBlock), TaskScheduler.Default);
        }

        internal static Task Start(bool mayBlock, Action work, CancellationToken cancellationToken)
        {
            return cancellationToken.IsCancellationRequested
                ? Task.FromCanceled(cancellationToken)
                : Task.Factory.StartNew(work, cancellationToken, Options(mayBlock), TaskScheduler.Default);
        }

        /// <summary>The pool must not run out of threads because users take their time with a fingerprint.</summary>
        private static TaskCreationOptions Options(bool mayBlock)
        {
            return TaskCreationOptions.DenyChildAttach | (mayBlock ? TaskCreationOptions.LongRunning : TaskCreationOptions.None);
        }
    }
}
