using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Grantlet.Tests
{
    /// <summary>Marks a test: a public static method without parameters.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class TestAttribute : Attribute
    {
    }

    /// <summary>Runs every test whose name holds an argument; without arguments, all of them.</summary>
    public static class Runner
    {
        public static int Main(string[] args)
        {
            if (args.Length == 1 && args[0] == "--load")
            {
                return Load();
            }
            var tests = typeof(Runner).Assembly.GetTypes().SelectMany(type => type.GetMethods())
                .Where(method => method.IsDefined(typeof(TestAttribute), false))
                .Where(method => args.Length == 0 || args.Any(Name(method).Contains))
                .OrderBy(Name, StringComparer.Ordinal).ToList();
            var verbose = Environment.GetEnvironmentVariable("VERBOSE") != null;
            var failed = 0;
            foreach (var test in tests)
            {
                var clock = Stopwatch.StartNew();
                try
                {
                    ((Action)test.CreateDelegate(typeof(Action)))();
                }
                catch (Exception e)
                {
                    failed++;
                    Console.WriteLine("FAILED " + Name(test) + "\n" + e);
                }
                if (verbose)
                {
                    Console.WriteLine(Name(test) + " " + clock.ElapsedMilliseconds + " ms");
                }
            }
            Console.WriteLine("{0} tests, {1} flows{2}", tests.Count, Flows.Replayed, failed == 0 ? "" : ", " + failed + " failed");
            return failed == 0 && tests.Count > 0 ? 0 : 1;
        }

        /// <summary>Says what comes of loading the native library.</summary>
        private static int Load()
        {
            try
            {
                Fixture.Engine().Dispose();
                Console.WriteLine("loaded " + Library.Version);
            }
            catch (Exception e)
            {
                Console.WriteLine(e.GetType().Name + ": " + e.Message);
            }
            return 0;
        }

        private static string Name(MethodInfo method)
        {
            return method.DeclaringType.Name + "." + method.Name;
        }
    }

    /// <summary>What has to hold.</summary>
    public static class Expect
    {
        public static void Equal<T>(T expected, T actual, string what = "")
        {
            if (!EqualityComparer<T>.Default.Equals(expected, actual))
            {
                throw new Exception(what + "\n  expected: " + expected + "\n  actual:   " + actual);
            }
        }

        public static void That(bool holds, string what)
        {
            if (!holds)
            {
                throw new Exception("does not hold: " + what);
            }
        }

        public static T Throws<T>(Action action) where T : Exception
        {
            try
            {
                action();
            }
            catch (T e)
            {
                return e;
            }
            throw new Exception("nothing was thrown; expected " + typeof(T));
        }

        public static GrantletException Fails(Status status, Action action)
        {
            var e = Throws<GrantletException>(action);
            if (e.Status != status)
            {
                throw new Exception("expected " + status, e);
            }
            return e;
        }
    }

    /// <summary>Garbage, and its collection.</summary>
    public static class Garbage
    {
        /// <summary>Runs where no stack slot can keep what it makes alive.</summary>
        [MethodImpl(MethodImplOptions.NoInlining)]
        public static void Make(Action action)
        {
            // On a thread of its own: mono scans stacks conservatively.
            ThreadTests.Together(1, _ => action());
        }

        public static void Collect()
        {
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
    }
}
