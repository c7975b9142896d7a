using System;

namespace Grantlet
{
    /// <summary>A host's store as native code calls it. See <see cref="HostState"/>.</summary>
    internal static unsafe class StoreCallbacks
    {
        private static readonly Native.InsertCallback OnInsert = Insert;
        private static readonly Native.LoadCallback OnLoad = Load;
        private static readonly Native.SwapCallback OnSwap = Swap;
        private static readonly Native.OwnedByCallback OnOwnedBy = OwnedBy;
        private static readonly Native.SweepCallback OnSweep = Sweep;

        internal static StoreStruct Struct(IntPtr ctx, IntPtr release)
        {
            return new StoreStruct
            {
                Size = (UIntPtr)(uint)sizeof(StoreStruct),
                Ctx = ctx,
                Release = release,
                Insert = HostState.Pointer(OnInsert),
                Load = HostState.Pointer(OnLoad),
                Swap = HostState.Pointer(OnSwap),
                OwnedBy = HostState.Pointer(OnOwnedBy),
                Sweep = HostState.Pointer(OnSweep),
            };
        }

        private static IRecordStore Store(IntPtr ctx)
        {
            return HostState.Of(ctx).Store ?? throw new InvalidOperationException("there is no store");
        }

        private static Record Copy(RecordStruct* record)
        {
            return new Record(
                Out.Bytes(record->Key), Out.Text(record->ClientId), Out.Text(record->Subject), record->KeepUntil, Out.Bytes(record->Body));
        }

        [MonoPInvokeCallback(typeof(Native.InsertCallback))]
        private static int Insert(IntPtr ctx, RecordStruct* record, int* done)
        {
            var callback = Callback.Enter();
            try
            {
                *done = Store(ctx).Insert(Copy(record)) ? 1 : 0;
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

        [MonoPInvokeCallback(typeof(Native.LoadCallback))]
        private static int Load(IntPtr ctx, Str key, IntPtr body, ulong* version)
        {
            var callback = Callback.Enter();
            try
            {
                if (!Store(ctx).Load(Out.Bytes(key), out var bytes, out *version))
                {
                    return (int)Status.NotFound;
                }
                HostState.WriteTo(body, bytes);
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

        [MonoPInvokeCallback(typeof(Native.SwapCallback))]
        private static int Swap(IntPtr ctx, ulong version, RecordStruct* record, int* done)
        {
            var callback = Callback.Enter();
            try
            {
                *done = Store(ctx).Swap(version, Copy(record)) ? 1 : 0;
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

        [MonoPInvokeCallback(typeof(Native.OwnedByCallback))]
        private static int OwnedBy(IntPtr ctx, Str clientId, Str subject, IntPtr keys)
        {
            var callback = Callback.Enter();
            try
            {
                foreach (var key in Store(ctx).OwnedBy(Out.Text(clientId), Out.Text(subject)))
                {
                    HostState.WriteTo(keys, key);
                }
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

        [MonoPInvokeCallback(typeof(Native.SweepCallback))]
        private static int Sweep(IntPtr ctx, ulong now, UIntPtr limit, UIntPtr* swept)
        {
            var callback = Callback.Enter();
            try
            {
                var most = (int)Math.Min(int.MaxValue, (ulong)limit);
                *swept = (UIntPtr)checked((uint)Store(ctx).Sweep(now, most));
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
