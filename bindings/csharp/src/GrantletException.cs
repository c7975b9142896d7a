using System;
using System.Diagnostics.CodeAnalysis;

namespace Grantlet
{
    /// <summary>Why a call failed. Holds no token and no secret.</summary>
    /// <remarks>
    /// To answer an HTTP client, send <see cref="Response"/> with <see cref="HttpStatus"/>; for the log there is
    /// <see cref="ToString"/>, <see cref="Detail"/> included. Where a callback of an <see cref="EngineHost"/> threw,
    /// <see cref="Exception.InnerException"/> is what it threw.
    /// </remarks>
    public sealed class GrantletException : Exception
    {
        /// <summary>Makes one for a callback of yours to throw: <see cref="Status.TemporarilyUnavailable"/> says that the same
        /// call may succeed later; of an <see cref="IRecordStore"/>, <see cref="Status.StoreFull"/>,
        /// <see cref="Status.StoreReadOnly"/> and <see cref="Status.StoreCorrupt"/> are passed on as well.</summary>
        /// <param name="status">What it means to the engine.</param>
        /// <param name="message">For the log.</param>
        /// <param name="innerException">What it came from.</param>
        public GrantletException(Status status, string message, [AllowNull] Exception innerException = null)
            : base(message, innerException)
        {
            Status = status;
            OAuthCode = Description = Detail = Response = "";
            HttpStatus = 500;
        }

        private GrantletException(IntPtr error, string description, string detail, [AllowNull] Exception inner)
            : base(description, inner)
        {
            Status = Native.grl_error_status(error);
            Description = description;
            Detail = detail;
            OAuthCode = Out.Text(Native.grl_error_oauth_code(error));
            HttpStatus = Native.grl_error_http_status(error);
            Response = Out.Text(Native.grl_error_response(error));
            var redirect = Native.grl_error_redirect(error);
            Redirect = redirect == IntPtr.Zero ? null : EngineResponse.Copy(redirect);
        }

        /// <summary>Why, exactly.</summary>
        public Status Status { get; }

        /// <summary>What to act on: <see cref="Status.InvalidGrant"/> of <see cref="Status.InvalidGrantReused"/>.</summary>
        public Status Class => Status.Class();

        /// <summary>The OAuth error code, such as <c>invalid_grant</c> (RFC 6749 §4.1.2.1, §5.2).</summary>
        public string OAuthCode { get; }

        /// <summary>What a client's developer has to mend (<c>error_description</c>); safe to send.</summary>
        public string Description { get; }

        /// <summary>For the log; often empty. Do not send it.</summary>
        public string Detail { get; }

        /// <summary>The HTTP status to answer with, such as 400.</summary>
        public int HttpStatus { get; }

        /// <summary>The complete JSON body to answer with: <c>{"error":…,"error_description":…}</c>.</summary>
        public string Response { get; }

        /// <summary>The response that takes an authorization error to the client, through the user's browser. <c>null</c> where
        /// there must be none, since the client or its redirect URI is not to be trusted: show the error to the user then, and
        /// never redirect (RFC 6749 §4.1.2.1). Only <see cref="Engine.Authorize(string)"/> fails with one.</summary>
        [AllowNull, MaybeNull]
        public EngineResponse Redirect { get; }

        /// <summary>All of it, for the log.</summary>
        /// <returns>Status, OAuth code, description, detail, stack trace, and what it came from.</returns>
        public override string ToString()
        {
            var detail = Detail.Length == 0 ? "" : "Detail: " + Detail + Environment.NewLine;
            return "Status: " + Status + " " + OAuthCode + Environment.NewLine + detail + base.ToString();
        }

        /// <summary>Throws if a call failed. Frees its error.</summary>
        internal static void Check(Status status, IntPtr error)
        {
            var thrown = Callback.TakeThrown();
            if (status == Status.Ok)
            {
                return;
            }
            try
            {
                var description = Out.Text(Native.grl_error_description(error));
                var detail = Out.Text(Native.grl_error_detail(error));
                throw new GrantletException(error, description, detail, thrown);
            }
            finally
            {
                Native.grl_error_free(error);
            }
        }
    }
}
