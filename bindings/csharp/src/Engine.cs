using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;

namespace Grantlet
{
    /// <summary>An OAuth 2.1 / OpenID Connect server without a socket.</summary>
    /// <remarks>
    /// Any number of threads may use one at once. Dispose it when you are done: calls that are under way on other threads end
    /// as if nothing had happened, later ones throw <see cref="ObjectDisposedException"/>, and what came of it stays good. One
    /// that is forgotten is freed by the garbage collector.
    /// <para>A failed call throws <see cref="GrantletException"/>, whose <see cref="GrantletException.Class"/> says what to do.
    /// A <c>null</c> where a text is needed throws <see cref="ArgumentNullException"/>, half a surrogate pair in one
    /// <see cref="ArgumentException"/>.</para>
    /// </remarks>
    public sealed unsafe partial class Engine : IDisposable
    {
        private readonly EngineHandle handle;

        /// <summary>Whether a call may wait: for a disk, a signer or a store of the host's.</summary>
        private readonly bool mayBlock;

        /// <summary>Opens an engine in memory: what it knows ends with it. (A configuration that names a store, or a host that
        /// brings one, makes it last.)</summary>
        /// <param name="configuration">Issuer, APIs, clients.</param>
        /// <param name="host">Parts of the engine that are yours.</param>
        /// <exception cref="GrantletException"><see cref="Status.Config"/> and its reasons: the description names the place.</exception>
        public Engine(Configuration configuration, [AllowNull] EngineHost host = null)
            : this((configuration ?? throw new ArgumentNullException(nameof(configuration))).ToJson(), host)
        {
        }

        /// <summary>Opens an engine in memory, configured by a JSON object.</summary>
        /// <param name="configuration">JSON, as the README's «Configuration» has it, or an exported Auth0 tenant.</param>
        /// <param name="host">Parts of the engine that are yours.</param>
        /// <exception cref="GrantletException"><see cref="Status.Config"/> and its reasons: the description names the place.</exception>
        public Engine(string configuration, [AllowNull] EngineHost host = null)
            : this(configuration ?? throw new ArgumentNullException(nameof(configuration)), null, null, host)
        {
        }

        private Engine(string configuration, [AllowNull] string path, [AllowNull] byte[] sealingKey, [AllowNull] EngineHost host)
        {
            Library.Require();
            var state = host == null ? null : new HostState(host);
            using (var config = new Utf8(configuration))
            using (var file = new Utf8(path))
            using (var key = new Utf8(sealingKey))
            using (var signingKey = new Utf8(state == null ? null : state.SigningKey))
            {
                HostStruct hostStruct;
                StoreStruct storeStruct;
                IntPtr engine, error;
                var lent = state == null ? null : state.Lend(&hostStruct, &storeStruct, signingKey.Str);
                var status = path == null
                    ? Native.grl_engine_new(config.Str, lent, &engine, &error)
                    : Native.grl_engine_open(config.Str, file.Str, key.Str, lent, &engine, &error);
                GC.KeepAlive(state);
                GrantletException.Check(status, error);
                handle = new EngineHandle(engine, state);
            }
            mayBlock = path != null || (state != null && state.MayBlock) || JsonText.Member(Utf8.Strict.GetBytes(configuration), "store") != null;
        }

        /// <summary>Opens an engine on a file, which is made if it is not there: grants, keys, and what is changed of clients and
        /// APIs outlive the process. Any number of processes may open the same file at once.</summary>
        /// <param name="configuration">Issuer, APIs, clients.</param>
        /// <param name="path">The file, an SQLite database of the engine's.</param>
        /// <param name="sealingKey">32 bytes that you keep elsewhere: in DPAPI, the Keychain, a KMS. Copied; wipe yours.</param>
        /// <param name="host">Parts of the engine that are yours.</param>
        /// <returns>The engine.</returns>
        /// <exception cref="GrantletException">As the constructor; <see cref="Status.Store"/> and its reasons, such as
        /// <see cref="Status.StoreSealed"/> of the wrong key; <see cref="Status.TemporarilyUnavailable"/> where another process
        /// holds the file for longer than five seconds.</exception>
        public static Engine Open(Configuration configuration, string path, byte[] sealingKey, [AllowNull] EngineHost host = null)
        {
            return Open((configuration ?? throw new ArgumentNullException(nameof(configuration))).ToJson(), path, sealingKey, host);
        }

        /// <summary>Opens an engine on a file, configured by a JSON object.</summary>
        /// <param name="configuration">JSON.</param>
        /// <param name="path">The file.</param>
        /// <param name="sealingKey">32 bytes.</param>
        /// <param name="host">Parts of the engine that are yours.</param>
        /// <returns>The engine.</returns>
        /// <exception cref="GrantletException">As the other form.</exception>
        public static Engine Open(string configuration, string path, byte[] sealingKey, [AllowNull] EngineHost host = null)
        {
            return new Engine(
                configuration ?? throw new ArgumentNullException(nameof(configuration)),
                path ?? throw new ArgumentNullException(nameof(path)),
                sealingKey ?? throw new ArgumentNullException(nameof(sealingKey)),
                host);
        }

        private Lease Live
        {
            get { return new Lease(handle, this); }
        }

        /// <summary>Frees the engine when the last call that is under way has returned. Twice is fine.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        // ---- APIs, clients, keys, store -----------------------------------------------------------------------------

        /// <summary>Adds an API, or replaces the one of the same identifier. Grants stay.</summary>
        /// <param name="api">The API.</param>
        /// <exception cref="GrantletException"><see cref="Status.Config"/> and its reasons; nothing is changed then.</exception>
        public void PutApi(Api api)
        {
            PutApi((api ?? throw new ArgumentNullException(nameof(api))).ToJson());
        }

        /// <summary>Adds an API, or replaces the one of the same identifier. Grants stay.</summary>
        /// <param name="json">A JSON object, as in the configuration's <c>apis</c>.</param>
        /// <exception cref="GrantletException"><see cref="Status.Config"/> and its reasons; nothing is changed then.</exception>
        public void PutApi(string json)
        {
            using (var text = Utf8.Required(json, nameof(json)))
            {
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_put_api(live.Pointer, text.Str, &error), error);
                }
            }
        }

        /// <summary>Adds a client, or replaces the one of the same id. Grants stay.</summary>
        /// <param name="client">The client.</param>
        /// <exception cref="GrantletException"><see cref="Status.Config"/> and its reasons; nothing is changed then.</exception>
        public void PutClient(Client client)
        {
            PutClient((client ?? throw new ArgumentNullException(nameof(client))).ToJson());
        }

        /// <summary>Adds a client, or replaces the one of the same id. Grants stay.</summary>
        /// <param name="json">A JSON object, as in the configuration's <c>clients</c>.</param>
        /// <exception cref="GrantletException"><see cref="Status.Config"/> and its reasons; nothing is changed then.</exception>
        public void PutClient(string json)
        {
            using (var text = Utf8.Required(json, nameof(json)))
            {
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_put_client(live.Pointer, text.Str, &error), error);
                }
            }
        }

        /// <summary>Removes an API: no more tokens for it, and those that are out are no longer valid here. Grants stay.</summary>
        /// <param name="identifier">Its identifier.</param>
        /// <exception cref="GrantletException"><see cref="Status.NotFound"/>; <see cref="Status.Config"/> for the default audience.</exception>
        public void RemoveApi(string identifier)
        {
            using (var text = Utf8.Required(identifier, nameof(identifier)))
            {
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_remove_api(live.Pointer, text.Str, &error), error);
                }
            }
        }

        /// <summary>Removes a client and revokes its grants.</summary>
        /// <param name="clientId">Its <c>client_id</c>.</param>
        /// <returns>How many grants were live until now.</returns>
        /// <exception cref="GrantletException"><see cref="Status.NotFound"/>.</exception>
        public int RemoveClient(string clientId)
        {
            using (var text = Utf8.Required(clientId, nameof(clientId)))
            {
                UIntPtr revoked;
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_remove_client(live.Pointer, text.Str, &revoked, &error), error);
                }
                return Out.Length(revoked);
            }
        }

        /// <summary>Moves every key on: the next one signs, the current one still verifies, a fresh next is published. Tokens that
        /// are out stay valid. Where several processes share a store, not twice within two seconds.</summary>
        /// <exception cref="GrantletException">Those of the store.</exception>
        public void RotateKeys()
        {
            IntPtr error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_rotate_keys(live.Pointer, &error), error);
            }
        }

        /// <summary>Seals the engine's keys in its store under another key, which the next to open it has to bring.</summary>
        /// <param name="sealingKey">32 bytes. Copied; wipe yours.</param>
        /// <exception cref="GrantletException"><see cref="Status.ConfigKey"/> for another length; <see cref="Status.StoreUnsupported"/>
        /// where nothing outlives the process; those of the store: then keep both keys, one of them opens it.</exception>
        public void Reseal(byte[] sealingKey)
        {
            using (var key = new Utf8(sealingKey ?? throw new ArgumentNullException(nameof(sealingKey))))
            {
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_reseal(live.Pointer, key.Str, &error), error);
                }
            }
        }

        /// <summary>Writes a consistent copy of the store's file while the engine goes on working; opened like any other.</summary>
        /// <param name="path">A new file.</param>
        /// <exception cref="GrantletException"><see cref="Status.StoreUnsupported"/> of a store that is no file;
        /// <see cref="Status.StoreFull"/>; <see cref="Status.ServerError"/> where the file exists or its folder does not.</exception>
        public void Backup(string path)
        {
            using (var file = Utf8.Required(path, nameof(path)))
            {
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_backup(live.Pointer, file.Str, &error), error);
                }
            }
        }

        /// <summary>Removes records that nobody needs any more; a bounded amount of work. Call it now and then.</summary>
        /// <param name="limit">How many at most.</param>
        /// <returns>How many went.</returns>
        /// <exception cref="GrantletException">Those of the store.</exception>
        public int Sweep(int limit)
        {
            if (limit < 0)
            {
                throw new ArgumentOutOfRangeException(nameof(limit));
            }
            UIntPtr removed;
            IntPtr error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_sweep(live.Pointer, (UIntPtr)(uint)limit, &removed, &error), error);
            }
            return Out.Length(removed);
        }

        // ---- Documents ----------------------------------------------------------------------------------------------

        /// <summary>Gives the metadata document, for <c>/.well-known/openid-configuration</c> (OIDC Discovery §3, RFC 8414 §2).</summary>
        /// <returns>The document.</returns>
        /// <exception cref="GrantletException">Those of the store.</exception>
        public PublishedDocument GetMetadata()
        {
            Buf json;
            IntPtr error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_metadata(live.Pointer, &json, &error), error);
            }
            return new PublishedDocument(Out.Bytes(&json));
        }

        /// <summary>Gives the public keys: next, current and previous, as a JWK set (RFC 7517 §5).</summary>
        /// <returns>The document.</returns>
        /// <exception cref="GrantletException">Those of the store.</exception>
        public PublishedDocument GetJwks()
        {
            Buf json;
            IntPtr error;
            using (var live = Live)
            {
                GrantletException.Check(Native.grl_engine_jwks(live.Pointer, &json, &error), error);
            }
            return new PublishedDocument(Out.Bytes(&json));
        }

        // ---- Grants -------------------------------------------------------------------------------------------------

        /// <summary>Lists the grants of a client, of a user, of both, or all, the oldest first.</summary>
        /// <param name="clientId">The client; <c>null</c> means anybody's.</param>
        /// <param name="subject">The user; <c>null</c> means anybody's.</param>
        /// <returns>The grants.</returns>
        /// <exception cref="GrantletException">Those of the store.</exception>
        public IReadOnlyList<GrantInfo> GetGrants([AllowNull] string clientId = null, [AllowNull] string subject = null)
        {
            return JsonText.Items(GetGrantsJson(clientId, subject)).Select(json => new GrantInfo(Utf8.Strict.GetBytes(json))).ToList();
        }

        /// <summary>The same as a JSON list.</summary>
        /// <param name="clientId">The client; <c>null</c> means anybody's.</param>
        /// <param name="subject">The user; <c>null</c> means anybody's.</param>
        /// <returns>JSON.</returns>
        /// <exception cref="GrantletException">Those of the store.</exception>
        /// <exception cref="ArgumentException">A name is empty.</exception>
        public string GetGrantsJson([AllowNull] string clientId = null, [AllowNull] string subject = null)
        {
            using (var client = Utf8.Name(clientId, nameof(clientId)))
            using (var user = Utf8.Name(subject, nameof(subject)))
            {
                Buf json;
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_grants(live.Pointer, client.Str, user.Str, &json, &error), error);
                }
                return Out.Text(&json);
            }
        }

        /// <summary>Gives one grant.</summary>
        /// <param name="grantId">Its id.</param>
        /// <returns>The grant.</returns>
        /// <exception cref="GrantletException"><see cref="Status.NotFound"/>.</exception>
        public GrantInfo GetGrant(string grantId)
        {
            using (var id = Utf8.Required(grantId, nameof(grantId)))
            {
                Buf json;
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_grant(live.Pointer, id.Str, &json, &error), error);
                }
                return new GrantInfo(Out.Bytes(&json));
            }
        }

        /// <summary>Revokes a grant, and everything under it.</summary>
        /// <param name="grantId">Its id.</param>
        /// <returns>Whether it was live until now.</returns>
        /// <exception cref="GrantletException"><see cref="Status.NotFound"/> for what is no grant id at all.</exception>
        public bool RevokeGrant(string grantId)
        {
            using (var id = Utf8.Required(grantId, nameof(grantId)))
            {
                UIntPtr revoked;
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_revoke_grant(live.Pointer, id.Str, &revoked, &error), error);
                }
                return revoked != UIntPtr.Zero;
            }
        }

        /// <summary>Revokes the grants of a client, of a user, or of one at the other.</summary>
        /// <param name="clientId">The client; <c>null</c> means anybody's.</param>
        /// <param name="subject">The user; <c>null</c> means anybody's.</param>
        /// <returns>How many were live until now.</returns>
        /// <exception cref="GrantletException"><see cref="Status.Usage"/> where neither is given: a variable that was never set must
        /// not sign everybody out.</exception>
        /// <exception cref="ArgumentException">A name is empty.</exception>
        public int RevokeGrants([AllowNull] string clientId = null, [AllowNull] string subject = null)
        {
            using (var client = Utf8.Name(clientId, nameof(clientId)))
            using (var user = Utf8.Name(subject, nameof(subject)))
            {
                UIntPtr revoked;
                IntPtr error;
                using (var live = Live)
                {
                    GrantletException.Check(Native.grl_engine_revoke_grants(live.Pointer, client.Str, user.Str, &revoked, &error), error);
                }
                return Out.Length(revoked);
            }
        }
    }
}
