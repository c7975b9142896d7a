using System;
using System.Diagnostics.CodeAnalysis;

namespace Grantlet
{
    // The endpoints: a request's text in, the answer out. Each takes text; where the target has spans, also the bytes as they
    // came over the wire.
    public sealed unsafe partial class Engine
    {
        /// <summary>Validates an authorization request. Changes nothing.</summary>
        /// <param name="query">The query of <c>GET /authorize</c> without its <c>?</c>, or the form that was posted there.</param>
        /// <returns>The request, which waits for the user.</returns>
        /// <exception cref="GrantletException">The errors of RFC 6749 §4.1.2.1 and OIDC Core §3.1.2.6;
        /// <see cref="GrantletException.Redirect"/> says whether the client may be told.</exception>
        public Authorization Authorize(string query)
        {
            using (var text = Utf8.Required(query, nameof(query)))
            {
                return Authorize(text.Str);
            }
        }

        /// <summary>Answers a token request: a code, a refresh token, or a client in its own name (RFC 6749 §3.2).</summary>
        /// <param name="form">The body, <c>application/x-www-form-urlencoded</c>.</param>
        /// <param name="authorization">The value of the <c>Authorization</c> header, if there is one.</param>
        /// <returns>The tokens. Send their JSON with <c>Cache-Control: no-store</c>.</returns>
        /// <exception cref="GrantletException">The errors of RFC 6749 §5.2. A spent code or refresh token that comes back revokes its
        /// grant (<see cref="Status.InvalidGrantReused"/>); any other error leaves it as it was.</exception>
        public TokenResponse Token(string form, [AllowNull] string authorization = null)
        {
            using (var text = Utf8.Required(form, nameof(form)))
            using (var header = new Utf8(authorization))
            {
                return Token(text.Str, header.Str);
            }
        }

        /// <summary>Verifies an access token for a resource server: signature, issuer, lifetime, audience, scope, and that neither
        /// it nor its grant was revoked (RFC 9068 §4).</summary>
        /// <param name="accessToken">The token, as it stands behind <c>Bearer</c>.</param>
        /// <param name="audience">The API that asks.</param>
        /// <param name="scopes">What the token must have.</param>
        /// <returns>Its claims.</returns>
        /// <exception cref="ArgumentException">A scope is <c>null</c> or empty: a setting that is missing must not let every token in.</exception>
        /// <exception cref="GrantletException"><see cref="Status.InvalidToken"/> and its reasons;
        /// <see cref="Status.InsufficientScope"/>.</exception>
        public AccessClaims Verify(string accessToken, string audience, params string[] scopes)
        {
            using (var token = Utf8.Required(accessToken, nameof(accessToken)))
            using (var api = Utf8.Required(audience, nameof(audience)))
            using (var scope = new Utf8(string.Join(" ", Given(scopes))))
            {
                return Verify(token.Str, api.Str, scope.Str);
            }
        }

        /// <summary>Answers a revocation request (RFC 7009): revokes the grant of a refresh token, or one access token. There is
        /// no body to answer with, and an unknown token is no error.</summary>
        /// <param name="form">The body.</param>
        /// <param name="authorization">The value of the <c>Authorization</c> header, if there is one.</param>
        /// <exception cref="GrantletException">The errors of client authentication.</exception>
        public void Revoke(string form, [AllowNull] string authorization = null)
        {
            using (var text = Utf8.Required(form, nameof(form)))
            using (var header = new Utf8(authorization))
            {
                Revoke(text.Str, header.Str);
            }
        }

        /// <summary>Answers an introspection request (RFC 7662). A token that is not active is no error.</summary>
        /// <param name="form">The body.</param>
        /// <param name="authorization">The value of the <c>Authorization</c> header, if there is one.</param>
        /// <returns>What the token means now.</returns>
        /// <exception cref="GrantletException">The errors of client authentication.</exception>
        public Introspection Introspect(string form, [AllowNull] string authorization = null)
        {
            using (var text = Utf8.Required(form, nameof(form)))
            using (var header = new Utf8(authorization))
            {
                return Introspect(text.Str, header.Str);
            }
        }

        /// <summary>Answers a UserInfo request with the claims that <see cref="EngineHost.UserClaims"/> gives (OIDC Core §5.3).</summary>
        /// <param name="accessToken">The token, as it stands behind <c>Bearer</c>.</param>
        /// <returns>The user's claims, as far as the token's scope goes.</returns>
        /// <exception cref="GrantletException">Those of <see cref="Verify(string, string, string[])"/>.</exception>
        public UserInfo GetUserInfo(string accessToken)
        {
            using (var token = Utf8.Required(accessToken, nameof(accessToken)))
            {
                return GetUserInfo(token.Str);
            }
        }

        /// <summary>Answers an HTTP request, whatever its path, with the endpoint that lies there.</summary>
        /// <param name="request">The request, as it came over the wire; it need not be well-formed.</param>
        /// <returns>The response to send; or, of a valid authorization request, what waits for the user.</returns>
        /// <exception cref="GrantletException"><see cref="Status.Usage"/> and its reasons. A bad request is no error here: it gets
        /// its response.</exception>
        public HandleResult Handle(EngineRequest request)
        {
            using (var lent = new LentRequest(request ?? throw new ArgumentNullException(nameof(request))))
            {
                IntPtr response, authorization, error;
                var raw = lent.Struct;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_handle(live.Pointer, &raw, &response, &authorization, &error), error);
                }
                return response != IntPtr.Zero
                    ? new HandleResult(EngineResponse.Take(response), null)
                    : new HandleResult(null, new Authorization(authorization, handle.Host, mayBlock));
            }
        }

#if NETCOREAPP3_0_OR_GREATER || NETSTANDARD2_1_OR_GREATER
        /// <inheritdoc cref="Authorize(string)"/>
        public Authorization Authorize(ReadOnlySpan<byte> query)
        {
            fixed (byte* bytes = query)
            {
                return Authorize(Lend(bytes, query.Length));
            }
        }

        /// <inheritdoc cref="Token(string, string)"/>
        public TokenResponse Token(ReadOnlySpan<byte> form, ReadOnlySpan<byte> authorization = default)
        {
            fixed (byte* text = form, header = authorization)
            {
                return Token(Lend(text, form.Length), Lend(header, authorization.Length));
            }
        }

        /// <inheritdoc cref="Verify(string, string, string[])"/>
        /// <param name="accessToken">The token, as it stands behind <c>Bearer</c>.</param>
        /// <param name="audience">The API that asks.</param>
        /// <param name="scope">What the token must have, separated by spaces.</param>
        public AccessClaims Verify(ReadOnlySpan<byte> accessToken, ReadOnlySpan<byte> audience, ReadOnlySpan<byte> scope = default)
        {
            fixed (byte* token = accessToken, api = audience, words = scope)
            {
                return Verify(Lend(token, accessToken.Length), Lend(api, audience.Length), Lend(words, scope.Length));
            }
        }

        /// <inheritdoc cref="Revoke(string, string)"/>
        public void Revoke(ReadOnlySpan<byte> form, ReadOnlySpan<byte> authorization = default)
        {
            fixed (byte* text = form, header = authorization)
            {
                Revoke(Lend(text, form.Length), Lend(header, authorization.Length));
            }
        }

        /// <inheritdoc cref="Introspect(string, string)"/>
        public Introspection Introspect(ReadOnlySpan<byte> form, ReadOnlySpan<byte> authorization = default)
        {
            fixed (byte* text = form, header = authorization)
            {
                return Introspect(Lend(text, form.Length), Lend(header, authorization.Length));
            }
        }

        /// <inheritdoc cref="GetUserInfo(string)"/>
        public UserInfo GetUserInfo(ReadOnlySpan<byte> accessToken)
        {
            fixed (byte* token = accessToken)
            {
                return GetUserInfo(Lend(token, accessToken.Length));
            }
        }

        private static Str Lend(byte* bytes, int length)
        {
            return new Str { Ptr = bytes, Len = (UIntPtr)(uint)length };
        }
#endif

        private static string[] Given(string[] scopes)
        {
            foreach (var scope in scopes ?? throw new ArgumentNullException(nameof(scopes)))
            {
                if (string.IsNullOrEmpty(scope))
                {
                    throw new ArgumentException("a scope is null or empty", nameof(scopes));
                }
            }
            return scopes;
        }

        private Authorization Authorize(Str query)
        {
            IntPtr authorization, error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_authorize(live.Pointer, query, &authorization, &error), error);
            }
            return new Authorization(authorization, handle.Host, mayBlock);
        }

        private TokenResponse Token(Str form, Str authorization)
        {
            Buf json;
            IntPtr error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_token(live.Pointer, form, authorization, &json, &error), error);
            }
            return new TokenResponse(Out.Bytes(&json));
        }

        private AccessClaims Verify(Str accessToken, Str audience, Str scope)
        {
            Buf json;
            IntPtr error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_verify(live.Pointer, accessToken, audience, scope, &json, &error), error);
            }
            return new AccessClaims(Out.Bytes(&json));
        }

        private void Revoke(Str form, Str authorization)
        {
            IntPtr error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_revoke(live.Pointer, form, authorization, &error), error);
            }
        }

        private Introspection Introspect(Str form, Str authorization)
        {
            Buf json;
            IntPtr error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_introspect(live.Pointer, form, authorization, &json, &error), error);
            }
            return new Introspection(Out.Bytes(&json));
        }

        private UserInfo GetUserInfo(Str accessToken)
        {
            Buf json;
            IntPtr error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_userinfo(live.Pointer, accessToken, &json, &error), error);
            }
            return new UserInfo(Out.Bytes(&json));
        }
    }
}
