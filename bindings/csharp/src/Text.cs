using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;

namespace Grantlet
{
    /// <summary>Text on its way in: UTF-8 in memory of our own for the length of a call, wiped behind it.</summary>
    internal unsafe struct Utf8 : IDisposable
    {
        /// <summary>Refuses half a surrogate pair: to mend text in silence would change what was asked.</summary>
        internal static readonly Encoding Strict = new UTF8Encoding(false, true);

        internal Str Str;

        /// <summary>Lends text; <c>null</c> is empty.</summary>
        internal Utf8([AllowNull] string text) : this(text, Strict)
        {
        }

        /// <summary>Lends text in an encoding that may put U+FFFD for what is no text.</summary>
        internal Utf8([AllowNull] string text, Encoding encoding)
        {
            Str = default(Str);
            if (text == null || text.Length == 0)
            {
                return;
            }
            var length = encoding.GetByteCount(text);
            Allocate(length);
            fixed (char* chars = text)
            {
                encoding.GetBytes(chars, text.Length, Str.Ptr, length);
            }
        }

        /// <summary>Lends a copy of bytes; <c>null</c> is empty.</summary>
        internal Utf8([AllowNull] byte[] bytes)
        {
            Str = default(Str);
            if (bytes != null && bytes.Length > 0)
            {
                Allocate(bytes.Length);
                Marshal.Copy(bytes, 0, (IntPtr)Str.Ptr, bytes.Length);
            }
        }

        /// <summary>Lends text that must be there.</summary>
        internal static Utf8 Required(string text, string parameter)
        {
            return new Utf8(text ?? throw new ArgumentNullException(parameter));
        }

        /// <summary>Lends a name; <c>null</c> means any, and an empty one, which was perhaps never set, must not.</summary>
        internal static Utf8 Name([AllowNull] string text, string parameter)
        {
            return text == null || text.Length > 0 ? new Utf8(text) : throw new ArgumentException("an empty name; null means any", parameter);
        }

        public void Dispose()
        {
            if (Str.Ptr != null)
            {
                // Tokens and keys pass through here.
                for (var i = 0UL; i < (ulong)Str.Len; i++)
                {
                    Str.Ptr[i] = 0;
                }
                Marshal.FreeHGlobal((IntPtr)Str.Ptr);
                Str = default(Str);
            }
        }

        private void Allocate(int length)
        {
            Str.Ptr = (byte*)Marshal.AllocHGlobal(length);
            Str.Len = (UIntPtr)(uint)length;
        }
    }

    /// <summary>Text on its way out.</summary>
    internal static unsafe class Out
    {
        /// <summary>Copies what is lent.</summary>
        internal static string Text(Str lent)
        {
            return lent.Len == UIntPtr.Zero ? "" : Encoding.UTF8.GetString(lent.Ptr, Length(lent.Len));
        }

        /// <summary>Copies what is lent.</summary>
        internal static byte[] Bytes(Str lent)
        {
            var bytes = new byte[Length(lent.Len)];
            if (bytes.Length > 0)
            {
                Marshal.Copy((IntPtr)lent.Ptr, bytes, 0, bytes.Length);
            }
            return bytes;
        }

        /// <summary>Copies a buffer, and gives it back.</summary>
        internal static byte[] Bytes(Buf* buf)
        {
            try
            {
                return Bytes(new Str { Ptr = buf->Ptr, Len = buf->Len });
            }
            finally
            {
                Native.grl_buf_free(buf);
            }
        }

        /// <summary>Copies a buffer, and gives it back.</summary>
        internal static string Text(Buf* buf)
        {
            try
            {
                return Text(new Str { Ptr = buf->Ptr, Len = buf->Len });
            }
            finally
            {
                Native.grl_buf_free(buf);
            }
        }

        internal static int Length(UIntPtr length)
        {
            return checked((int)(ulong)length);
        }
    }
}
