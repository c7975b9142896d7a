using System;
using System.Runtime.InteropServices;

// On Windows: not from the current folder or the PATH, where anybody may have put one.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]

namespace Grantlet
{
    /// <summary>The functions and structs of grantlet.h, as they are there. Nothing here is public, nothing here decides.</summary>
    /// <remarks>Every parameter is blittable, but for the handles: the runtime counts a handle up for the length of a call,
    /// so that a <c>Dispose</c> on another thread frees when the last call has returned, and refuses a disposed one.</remarks>
    internal static unsafe class Native
    {
        private const string Lib = "grantlet";
        private const CallingConvention C = CallingConvention.Cdecl;

        // ---- Version, text, errors ----------------------------------------------------------------------------------

        [DllImport(Lib, CallingConvention = C)]
        internal static extern byte* grl_version();

        [DllImport(Lib, CallingConvention = C)]
        internal static extern uint grl_abi_version();

        [DllImport(Lib, CallingConvention = C)]
        internal static extern void grl_buf_free(Buf* buf);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_json_member(Str json, Str name, Buf* value, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_error_status(IntPtr error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Str grl_error_oauth_code(IntPtr error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Str grl_error_description(IntPtr error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Str grl_error_detail(IntPtr error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern ushort grl_error_http_status(IntPtr error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Str grl_error_response(IntPtr error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern IntPtr grl_error_redirect(IntPtr error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern void grl_error_free(IntPtr error);

        // ---- Engine -------------------------------------------------------------------------------------------------

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_new(Str config, HostStruct* host, IntPtr* engine, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_open(
            Str config, Str path, Str sealingKey, HostStruct* host, IntPtr* engine, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern void grl_engine_free(IntPtr engine);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_put_api(IntPtr engine, Str api, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_put_client(IntPtr engine, Str client, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_remove_api(IntPtr engine, Str identifier, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_remove_client(
            IntPtr engine, Str clientId, UIntPtr* revoked, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_rotate_keys(IntPtr engine, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_reseal(IntPtr engine, Str sealingKey, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_backup(IntPtr engine, Str path, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_sweep(IntPtr engine, UIntPtr limit, UIntPtr* removed, IntPtr* error);

        // ---- Authorization ------------------------------------------------------------------------------------------

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_authorize(
            IntPtr engine, Str query, IntPtr* authorization, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Str grl_authorization_request(IntPtr authorization);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_authorization_approve(
            IntPtr authorization, LoginStruct* login, IntPtr* response, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_authorization_deny(
            IntPtr authorization, Status denial, IntPtr* response, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern void grl_authorization_free(IntPtr authorization);

        // ---- Tokens, documents, grants ------------------------------------------------------------------------------

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_token(
            IntPtr engine, Str form, Str authorization, Buf* json, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_verify(
            IntPtr engine, Str accessToken, Str audience, Str scope, Buf* json, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_revoke(IntPtr engine, Str form, Str authorization, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_introspect(
            IntPtr engine, Str form, Str authorization, Buf* json, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_userinfo(IntPtr engine, Str accessToken, Buf* json, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_metadata(IntPtr engine, Buf* json, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_jwks(IntPtr engine, Buf* json, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_grants(
            IntPtr engine, Str clientId, Str subject, Buf* json, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_grant(IntPtr engine, Str grantId, Buf* json, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_revoke_grant(
            IntPtr engine, Str grantId, UIntPtr* revoked, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_revoke_grants(
            IntPtr engine, Str clientId, Str subject, UIntPtr* revoked, IntPtr* error);

        // ---- HTTP ---------------------------------------------------------------------------------------------------

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_engine_handle(
            IntPtr engine, RequestStruct* request, IntPtr* response, IntPtr* authorization, IntPtr* error);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern ushort grl_http_response_status(IntPtr response);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern UIntPtr grl_http_response_header_count(IntPtr response);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Str grl_http_response_header_name(IntPtr response, UIntPtr index);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Str grl_http_response_header_value(IntPtr response, UIntPtr index);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Str grl_http_response_header(IntPtr response, Str name);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Str grl_http_response_body(IntPtr response);

        [DllImport(Lib, CallingConvention = C)]
        internal static extern void grl_http_response_free(IntPtr response);

        // ---- Callbacks ----------------------------------------------------------------------------------------------

        [DllImport(Lib, CallingConvention = C)]
        internal static extern Status grl_sink_write(IntPtr sink, Str data);

        [UnmanagedFunctionPointer(C)]
        internal delegate void ReleaseCallback(IntPtr ctx);

        [UnmanagedFunctionPointer(C)]
        internal delegate ulong ClockCallback(IntPtr ctx);

        [UnmanagedFunctionPointer(C)]
        internal delegate int RandomCallback(IntPtr ctx, byte* bytes, UIntPtr len);

        [UnmanagedFunctionPointer(C)]
        internal delegate void EventCallback(IntPtr ctx, Str json);

        [UnmanagedFunctionPointer(C)]
        internal delegate int UserClaimsCallback(IntPtr ctx, Str subject, Str clientId, Str scope, IntPtr claims);

        [UnmanagedFunctionPointer(C)]
        internal delegate int SignCallback(IntPtr ctx, Str input, IntPtr signature);

        [UnmanagedFunctionPointer(C)]
        internal delegate int InsertCallback(IntPtr ctx, RecordStruct* record, int* done);

        [UnmanagedFunctionPointer(C)]
        internal delegate int LoadCallback(IntPtr ctx, Str key, IntPtr body, ulong* version);

        [UnmanagedFunctionPointer(C)]
        internal delegate int SwapCallback(IntPtr ctx, ulong version, RecordStruct* record, int* done);

        [UnmanagedFunctionPointer(C)]
        internal delegate int OwnedByCallback(IntPtr ctx, Str clientId, Str subject, IntPtr keys);

        [UnmanagedFunctionPointer(C)]
        internal delegate int SweepCallback(IntPtr ctx, ulong now, UIntPtr limit, UIntPtr* swept);
    }

    // The structs of the header, field by field; tests/hosts/csharp.sh compares their layout with the C compiler's.
#pragma warning disable CS0649 // Native code sets these.

    /// <summary>grl_str.</summary>
    internal unsafe struct Str
    {
        internal byte* Ptr;
        internal UIntPtr Len;
    }

    /// <summary>grl_buf.</summary>
    internal unsafe struct Buf
    {
        internal byte* Ptr;
        internal UIntPtr Len;
        internal UIntPtr Cap;
    }

    /// <summary>grl_record.</summary>
    internal struct RecordStruct
    {
        internal Str Key;
        internal Str ClientId;
        internal Str Subject;
        internal ulong KeepUntil;
        internal Str Body;
    }

    /// <summary>grl_store.</summary>
    internal struct StoreStruct
    {
        internal UIntPtr Size;
        internal IntPtr Ctx;
        internal IntPtr Release;
        internal IntPtr Insert;
        internal IntPtr Load;
        internal IntPtr Swap;
        internal IntPtr OwnedBy;
        internal IntPtr Sweep;
    }

    /// <summary>grl_host.</summary>
    internal unsafe struct HostStruct
    {
        internal UIntPtr Size;
        internal IntPtr Ctx;
        internal IntPtr Release;
        internal IntPtr Clock;
        internal IntPtr Random;
        internal IntPtr Event;
        internal IntPtr UserClaims;
        internal Str SigningKey;
        internal IntPtr Sign;
        internal StoreStruct* Store;
    }

    /// <summary>grl_login.</summary>
    internal unsafe struct LoginStruct
    {
        internal UIntPtr Size;
        internal Str Subject;
        internal ulong AuthTime;
        internal Str Acr;
        internal Str Amr;
        internal Str Sid;
        internal Str* Scope;
        internal Str AccessTokenClaims;
        internal Str IdTokenClaims;
    }

    /// <summary>grl_http_header.</summary>
    internal struct HeaderStruct
    {
        internal Str Name;
        internal Str Value;
    }

    /// <summary>grl_http_request.</summary>
    internal unsafe struct RequestStruct
    {
        internal UIntPtr Size;
        internal Str Method;
        internal Str Target;
        internal HeaderStruct* Headers;
        internal UIntPtr HeaderCount;
        internal Str Body;
    }

#pragma warning restore CS0649
}
