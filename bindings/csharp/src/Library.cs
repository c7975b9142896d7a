using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Grantlet
{
    /// <summary>The native library that does the work.</summary>
    public static class Library
    {
        private static volatile bool fits;

        /// <summary>The native library's version, such as <c>0.1.0</c>.</summary>
        /// <exception cref="DllNotFoundException">There is none to load.</exception>
        /// <exception cref="BadImageFormatException">The one that was loaded belongs to another version of this assembly.</exception>
        public static unsafe string Version
        {
            get
            {
                Require();
                return NativeVersion();
            }
        }

        /// <summary>The most bytes of an HTTP body that are worth reading; a larger one is answered with 413.</summary>
        public static int MaxRequestBytes => Header.MaxRequestBytes;

        /// <summary>Makes sure that the native library is there and is the one that this assembly was made for.</summary>
        internal static void Require()
        {
            if (!fits)
            {
                CheckAbi();
                fits = true;
            }
        }

        private static void CheckAbi()
        {
            uint abi;
            try
            {
                abi = Native.grl_abi_version();
            }
            catch (DllNotFoundException e)
            {
                var system = (IntPtr.Size * 8) + "-bit " + Environment.OSVersion.Platform;
                throw new DllNotFoundException(
                    "The native library 'grantlet' (libgrantlet.so, libgrantlet.dylib, grantlet.dll) for this " + system + " process " +
                    "was not found. It comes with the NuGet package as runtimes/<rid>/native; or build it with `cargo build --release` " +
                    "and put it beside the program. The system says: " + e.Message, e);
            }
            catch (EntryPointNotFoundException e)
            {
                throw new BadImageFormatException("The native library 'grantlet' that was found is another one.", e);
            }
            if (abi != Header.AbiVersion)
            {
                throw new BadImageFormatException(
                    "The native library 'grantlet' that was found is version " + NativeVersion() + " with binary interface " + abi +
                    "; this assembly was made for version " + Header.Version + ", interface " + Header.AbiVersion + ".");
            }
        }

        private static unsafe string NativeVersion()
        {
            var text = Native.grl_version();
            var length = 0;
            while (text[length] != 0)
            {
                length++;
            }
            return Encoding.UTF8.GetString(text, length);
        }
    }
}
