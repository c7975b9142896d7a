using System;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace Grantlet
{
    /// <summary>Owns a native object, and keeps the host's callbacks alive for as long as it can call them. May be freed within
    /// one of them.</summary>
    internal abstract class NativeHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        /// <summary>What native code knows by weak handles only (see <see cref="Callback"/>).</summary>
        [AllowNull, MaybeNull]
        internal readonly HostState Host;

        private volatile bool disposed;

        internal NativeHandle(IntPtr native, [AllowNull] HostState host) : base(true)
        {
            Host = host;
            SetHandle(native);
        }

        /// <summary>A handle by itself is refused only when the last call under way has left it; busy threads would never let it go.</summary>
        internal void RefuseIfDisposed(object owner)
        {
            if (disposed)
            {
                throw new ObjectDisposedException(owner.GetType().FullName);
            }
        }

        protected override void Dispose(bool disposing)
        {
            disposed = true;
            base.Dispose(disposing);
        }
    }

    /// <summary>One call's hold on a native object: disposed or not, it is freed after the call. A disposed one is refused.</summary>
    /// <remarks>The marshaller does the same for a SafeHandle that is a parameter, but mono's loses one that the collector moves while
    /// the call is under way.</remarks>
    internal struct Lease : IDisposable
    {
        private readonly NativeHandle handle;

        internal Lease(NativeHandle handle, object owner)
        {
            handle.RefuseIfDisposed(owner);
            var added = false;
            handle.DangerousAddRef(ref added);
            this.handle = handle;
        }

        internal IntPtr Pointer
        {
            get { return handle.DangerousGetHandle(); }
        }

        public void Dispose()
        {
            handle.DangerousRelease();
        }
    }

    /// <summary>Owns a grl_engine.</summary>
    internal sealed class EngineHandle : NativeHandle
    {
        internal EngineHandle(IntPtr engine, [AllowNull] HostState host) : base(engine, host)
        {
        }

        protected override bool ReleaseHandle()
        {
            Native.grl_engine_free(handle);
            return true;
        }
    }

    /// <summary>Owns a grl_authorization.</summary>
    internal sealed class AuthorizationHandle : NativeHandle
    {
        internal AuthorizationHandle(IntPtr authorization, [AllowNull] HostState host) : base(authorization, host)
        {
        }

        protected override bool ReleaseHandle()
        {
            Native.grl_authorization_free(handle);
            return true;
        }
    }
}
