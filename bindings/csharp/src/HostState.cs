using System;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Grantlet
{
    /// <summary>A call from native code into the host. Brackets it, and keeps what it threw for the call that it belongs to: a
    /// callback runs on the thread that called the engine.</summary>
    internal struct Callback
    {
        [ThreadStatic, AllowNull, MaybeNull]
        private static Exception thrown;

        [AllowNull, MaybeNull]
        private Exception outer;

        /// <summary>What a callback of the call that just ended threw.</summary>
        [return: MaybeNull]
        internal static Exception TakeThrown()
        {
            var taken = thrown;
            if (taken != null)
            {
                thrown = null;
            }
            return taken;
        }

        internal static Callback Enter()
        {
            var callback = new Callback { outer = thrown };
            thrown = null;
            return callback;
        }

        /// <summary>Keeps what was thrown, and gives the status that native code is told. The first that threw is the cause: the event
        /// which tells of it asks the clock, and that may throw as well.</summary>
        internal int Fail(Exception exception)
        {
            outer = outer ?? exception;
            switch ((exception as GrantletException)?.Status)
            {
                // Not any status: that of a call which the callback made means something else here.
                case Status.TemporarilyUnavailable:
                case Status.StoreFull:
                case Status.StoreReadOnly:
                case Status.StoreCorrupt:
                    return (int)((GrantletException)exception).Status;
                default:
                    return (int)Status.ServerError;
            }
        }

        internal void Leave()
        {
            thrown = outer;
        }
    }

    /// <summary>A host as native code calls it.</summary>
    /// <remarks>Native code holds weak handles to it; the handles of the engine and its authorizations hold it. So callbacks that
    /// refer to the engine make no circle through native code, which no garbage collector could see.</remarks>
    internal sealed unsafe class HostState
    {
        // Native code holds pointers to these: they live for ever.
        private static readonly Native.ReleaseCallback OnRelease = Release;
        private static readonly Native.ClockCallback OnClock = Clock;
        private static readonly Native.RandomCallback OnRandom = Random;
        private static readonly Native.EventCallback OnEvent = Event;
        private static readonly Native.UserClaimsCallback OnUserClaims = UserClaims;
        private static readonly Native.SignCallback OnSign = Sign;

        [AllowNull, MaybeNull]
        private readonly Func<DateTimeOffset> clock;

        [AllowNull, MaybeNull]
        private readonly Action<byte[]> random;

        [AllowNull, MaybeNull]
        private readonly Action<EngineEvent> eventSink;

        [AllowNull, MaybeNull]
        private readonly Action<Exception> eventSinkFailed;

        [AllowNull, MaybeNull]
#if __MonoCS__
        private readonly Func<UserClaimsRequest, string> userClaims;
#else
        private readonly Func<UserClaimsRequest, string?> userClaims;
#endif

        [AllowNull, MaybeNull]
        private readonly Signer signer;

        [AllowNull, MaybeNull]
        internal readonly IRecordStore Store;

        internal HostState(EngineHost host)
        {
            clock = host.Clock;
            random = host.Random;
            eventSink = host.EventSink;
            eventSinkFailed = host.EventSinkFailed;
            userClaims = host.UserClaims;
            signer = host.Signer;
            Store = host.Store;
        }

        [MaybeNull]
        internal string SigningKey => signer?.PublicKey;

        /// <summary>Whether a callback may wait for something.</summary>
        internal bool MayBlock => signer != null || userClaims != null || Store != null;

        /// <summary>Fills the structs that an engine is opened with. It calls the releases, whether it opens or not.</summary>
        internal HostStruct* Lend(HostStruct* host, StoreStruct* store, Str signingKey)
        {
            *host = new HostStruct
            {
                Size = (UIntPtr)(uint)sizeof(HostStruct),
                Ctx = NewHandle(),
                Release = Pointer(OnRelease),
                Clock = clock == null ? IntPtr.Zero : Pointer(OnClock),
                Random = random == null ? IntPtr.Zero : Pointer(OnRandom),
                Event = eventSink == null ? IntPtr.Zero : Pointer(OnEvent),
                UserClaims = userClaims == null ? IntPtr.Zero : Pointer(OnUserClaims),
                SigningKey = signingKey,
                Sign = signer == null ? IntPtr.Zero : Pointer(OnSign),
            };
            if (Store != null)
            {
                *store = StoreCallbacks.Struct(NewHandle(), Pointer(OnRelease));
                host->Store = store;
            }
            return host;
        }

        /// <summary>The host behind a native `ctx`.</summary>
        internal static HostState Of(IntPtr ctx)
        {
            return (HostState)(GCHandle.FromIntPtr(ctx).Target ?? throw new ObjectDisposedException(nameof(EngineHost)));
        }

        /// <summary>Of the delegate's own type: of any delegate, an ahead-of-time compiler could not see what to make (IL3050).</summary>
        internal static IntPtr Pointer<T>(T callback) where T : class
        {
            return Marshal.GetFunctionPointerForDelegate(callback);
        }

        internal static void WriteTo(IntPtr sink, byte[] bytes)
        {
            fixed (byte* start = bytes)
            {
                // Too much is for the engine to refuse: the call fails whatever is returned here.
                Native.grl_sink_write(sink, new Str { Ptr = start, Len = (UIntPtr)(uint)bytes.Length });
            }
        }

        /// <summary>Weak, but good while a finalizer still calls the engine.</summary>
        private IntPtr NewHandle()
        {
            return GCHandle.ToIntPtr(GCHandle.Alloc(this, GCHandleType.WeakTrackResurrection));
        }

        [MonoPInvokeCallback(typeof(Native.ReleaseCallback))]
        private static void Release(IntPtr ctx)
        {
            GCHandle.FromIntPtr(ctx).Free();
        }

        [MonoPInvokeCallback(typeof(Native.ClockCallback))]
        private static ulong Clock(IntPtr ctx)
        {
            var callback = Callback.Enter();
            try
            {
                return (ulong)Math.Max(0, Of(ctx).clock?.Invoke().ToUnixTimeSeconds() ?? 0);
            }
            catch (Exception e)
            {
                callback.Fail(e);
                return 0;
            }
            finally
            {
                callback.Leave();
            }
        }

        [MonoPInvokeCallback(typeof(Native.RandomCallback))]
        private static int Random(IntPtr ctx, byte* bytes, UIntPtr len)
        {
            var callback = Callback.Enter();
            try
            {
                var filled = new byte[Out.Length(len)];
                Of(ctx).random?.Invoke(filled);
                Marshal.Copy(filled, 0, (IntPtr)bytes, filled.Length);
                Array.Clear(filled, 0, filled.Length);
                return (int)Status.Ok;
            }
            catch (Exception e)
            {
                return callback.Fail(e);
            }
            finally
            {
                callback.Leave();
            }
        }

        [MonoPInvokeCallback(typeof(Native.EventCallback))]
        private static void Event(IntPtr ctx, Str json)
        {
            var callback = Callback.Enter();
            Action<Exception> failed = e => Trace.TraceError("grantlet: the event sink threw " + e);
            try
            {
                var host = Of(ctx);
                failed = host.eventSinkFailed ?? failed;
                host.eventSink?.Invoke(new EngineEvent(Out.Bytes(json)));
            }
            catch (Exception e)
            {
                Report(failed, e);
            }
            finally
            {
                callback.Leave();
            }
        }

        private static void Report(Action<Exception> failed, Exception exception)
        {
            try
            {
                failed(exception);
            }
            catch (Exception e)
            {
                try
                {
                    Trace.TraceError("grantlet: the event sink threw " + exception + "\nand EventSinkFailed " + e);
                }
                catch (Exception)
                {
                    // A trace listener that throws, too: nobody is left to tell.
                }
            }
        }

        [MonoPInvokeCallback(typeof(Native.UserClaimsCallback))]
        private static int UserClaims(IntPtr ctx, Str subject, Str clientId, Str scope, IntPtr claims)
        {
            var callback = Callback.Enter();
            try
            {
                var request = new UserClaimsRequest(Out.Text(subject), Out.Text(clientId), Out.Text(scope));
                var json = Of(ctx).userClaims?.Invoke(request);
                if (json == null)
                {
                    return (int)Status.NotFound;
                }
                WriteTo(claims, Utf8.Strict.GetBytes(json));
                return (int)Status.Ok;
            }
            catch (Exception e)
            {
                return callback.Fail(e);
            }
            finally
            {
                callback.Leave();
            }
        }

        [MonoPInvokeCallback(typeof(Native.SignCallback))]
        private static int Sign(IntPtr ctx, Str input, IntPtr signature)
        {
            var callback = Callback.Enter();
            try
            {
                var signer = Of(ctx).signer ?? throw new InvalidOperationException("there is no signer");
                WriteTo(signature, signer.Sign(Out.Bytes(input)) ?? throw new InvalidOperationException("the signer gave no signature"));
                return (int)Status.Ok;
            }
            catch (Exception e)
            {
                return callback.Fail(e);
            }
            finally
            {
                callback.Leave();
            }
        }
    }
}
