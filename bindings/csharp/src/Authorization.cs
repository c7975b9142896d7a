using System;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using System.Threading.Tasks;

namespace Grantlet
{
    /// <summary>A valid authorization request, which waits for a user: approve or deny it.</summary>
    /// <remarks>Any number of threads may use it; only one approval of it succeeds. It may outlive the engine. Dispose it when you
    /// are done; one that is forgotten is freed by the garbage collector.</remarks>
    public sealed unsafe class Authorization : IDisposable
    {
        private readonly AuthorizationHandle handle;
        private readonly bool mayBlock;

        internal Authorization(IntPtr native, [AllowNull] HostState host, bool mayBlock)
        {
            handle = new AuthorizationHandle(native, host);
            this.mayBlock = mayBlock;
            Request = new AuthorizationRequest(Out.Bytes(Native.grl_authorization_request(native)));
        }

        private Lease Live
        {
            get { return new Lease(handle, this); }
        }

        /// <summary>What the client asked, for your sign-in and consent page.</summary>
        public AuthorizationRequest Request { get; }

        /// <summary>Makes the grant and its code: this user signed in and consented (RFC 6749 §4.1.2).</summary>
        /// <param name="login">Who, and how.</param>
        /// <returns>What takes the code to the client: a redirect, or a page that posts itself where the client asked for that.</returns>
        /// <exception cref="GrantletException"><see cref="Status.Usage"/> where the login lacks what was asked;
        /// <see cref="Status.LoginRequired"/> where it is too old, or another user's than the client named;
        /// <see cref="Status.UsageAnswered"/> the second time. A better login may follow any but the last.</exception>
        public EngineResponse Approve(Login login)
        {
            using (var subject = new Utf8((login ?? throw new ArgumentNullException(nameof(login))).Subject))
            using (var acr = new Utf8(login.Acr))
            using (var amr = new Utf8(string.Join(" ", login.Amr)))
            using (var sid = new Utf8(login.SessionId))
            using (var scope = new Utf8(login.Scope))
            using (var accessTokenClaims = new Utf8(login.AccessTokenClaims))
            using (var idTokenClaims = new Utf8(login.IdTokenClaims))
            {
                IntPtr response, error;
                var consented = scope.Str;
                var raw = new LoginStruct
                {
                    Size = (UIntPtr)(uint)sizeof(LoginStruct),
                    Subject = subject.Str,
                    AuthTime = (ulong)Math.Max(0, login.AuthTime?.ToUnixTimeSeconds() ?? 0),
                    Acr = acr.Str,
                    Amr = amr.Str,
                    Sid = sid.Str,
                    Scope = login.Scope == null ? null : &consented,
                    AccessTokenClaims = accessTokenClaims.Str,
                    IdTokenClaims = idTokenClaims.Str,
                };
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_authorization_approve(live.Pointer, &raw, &response, &error), error);
                }
                return EngineResponse.Take(response);
            }
        }

        /// <summary>Says no (RFC 6749 §4.1.2.1). Changes nothing.</summary>
        /// <param name="reason"><see cref="Status.AccessDenied"/>, <see cref="Status.LoginRequired"/>,
        /// <see cref="Status.ConsentRequired"/>, <see cref="Status.InteractionRequired"/>,
        /// <see cref="Status.AccountSelectionRequired"/>, <see cref="Status.UnmetAuthenticationRequirements"/>,
        /// <see cref="Status.TemporarilyUnavailable"/> or <see cref="Status.ServerError"/>.</param>
        /// <returns>What takes the error to the client.</returns>
        /// <exception cref="GrantletException"><see cref="Status.Usage"/> for any other reason.</exception>
        public EngineResponse Deny(Status reason = Status.AccessDenied)
        {
            IntPtr response, error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_authorization_deny(live.Pointer, reason, &response, &error), error);
            }
            return EngineResponse.Take(response);
        }

        /// <summary><see cref="Approve"/>, without holding the caller up.</summary>
        /// <param name="login">Who, and how.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>What takes the code to the client.</returns>
        public Task<EngineResponse> ApproveAsync(Login login, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => Approve(login), cancellationToken);
        }

        /// <summary><see cref="Deny"/>, without holding the caller up.</summary>
        /// <param name="reason">Why.</param>
        /// <param name="cancellationToken">Honoured until the work starts.</param>
        /// <returns>What takes the error to the client.</returns>
        public Task<EngineResponse> DenyAsync(
            Status reason = Status.AccessDenied, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Work.Start(mayBlock, () => Deny(reason), cancellationToken);
        }

        /// <summary>Frees it, answered or not, when the last call that is under way has returned. Twice is fine.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }
    }
}
