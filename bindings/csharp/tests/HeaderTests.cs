using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Grantlet.Tests
{
    /// <summary>Where the repository's files are.</summary>
    public static class Files
    {
        private static readonly string Root = Environment.GetEnvironmentVariable("GRANTLET_ROOT") ?? ".";

        public static string Vectors(string name)
        {
            return Path.Combine(Root, "tests", "vectors", name);
        }

        public static string Header => File.ReadAllText(Path.Combine(Root, "include", "grantlet.h"));

        public static IEnumerable<string> Sources => Directory.GetFiles(Path.Combine(Root, "bindings", "csharp", "src"), "*.cs");
    }

    /// <summary>What include/grantlet.h says.</summary>
    public static class HeaderFile
    {
        private static readonly Dictionary<string, int> All = Read();

        /// <summary>GRL_… and its number.</summary>
        public static Dictionary<string, int> Statuses()
        {
            return All;
        }

        private static Dictionary<string, int> Read()
        {
            var body = Regex.Match(Files.Header, @"GRL_ENUM\(int32_t, grl_status\) \{(.*?)\};", RegexOptions.Singleline).Groups[1].Value;
            return Regex.Matches(body, @"^ *(GRL_\w+) = (\d+)(?: \| \((\d+) << 8\))?,", RegexOptions.Multiline).Cast<Match>().ToDictionary(
                match => match.Groups[1].Value,
                match => int.Parse(match.Groups[2].Value) | (match.Groups[3].Success ? int.Parse(match.Groups[3].Value) << 8 : 0));
        }
    }

    /// <summary>The binding beside the header.</summary>
    public static class HeaderTests
    {
        [Test]
        public static void EveryStatusIsTheHeaders()
        {
            var ours = Enum.GetValues(typeof(Status)).Cast<Status>().ToDictionary(status => status.ToString(), status => (int)status);
            var theirs = HeaderFile.Statuses();
            Expect.That(theirs.Count > 60, "the header was read");
            Expect.Equal(theirs.Count, ours.Count);
            foreach (var status in theirs)
            {
                var name = string.Concat(status.Key.Substring("GRL_".Length).Split('_').Select(word => word[0] + word.Substring(1).ToLowerInvariant()));
                Expect.That(ours.ContainsKey(name), status.Key + " is there as " + name);
                Expect.Equal(status.Value, ours[name], name);
                Expect.Equal((Status)(status.Value & 0xff), ((Status)ours[name]).Class(), name);
            }
        }

        [Test]
        public static void EveryFunctionIsReachable()
        {
            // Into memory of the caller's: no gain here, where every answer becomes an array.
            var leftOut = new[] { "grl_engine_token_into" };
            var declared = Regex.Matches(Files.Header, @"GRL_API [^;(]*?\b(grl_\w+)\(").Cast<Match>().Select(m => m.Groups[1].Value).ToList();
            var sources = string.Join("\n", Files.Sources.Where(file => !file.EndsWith("Native.cs")).Select(File.ReadAllText));
            var missing = declared.Where(name => !Regex.IsMatch(sources, @"Native\." + name + @"\(")).Except(leftOut).ToList();
            Expect.That(declared.Count > 45, "the header was read: " + declared.Count);
            Expect.Equal("", string.Join(" ", missing));
        }

        [Test]
        public static void EveryStructIsLaidOutAsInC()
        {
            // Lines that a C program printed: "grl_login auth_time 24", "grl_login sizeof 128".
            var types = new Dictionary<string, string> { { "grl_str", "Str" }, { "grl_buf", "Buf" } };
            foreach (var name in new[] { "record", "store", "host", "login" })
            {
                types.Add("grl_" + name, char.ToUpperInvariant(name[0]) + name.Substring(1) + "Struct");
            }
            types.Add("grl_http_header", "HeaderStruct");
            types.Add("grl_http_request", "RequestStruct");
            var lines = File.ReadAllLines(Environment.GetEnvironmentVariable("GRANTLET_LAYOUT") ?? throw new Exception("GRANTLET_LAYOUT is not set"));
            foreach (var line in lines.Select(line => line.Split(' ')))
            {
                var type = typeof(Engine).Assembly.GetType("Grantlet." + types[line[0]]);
                var field = string.Concat(line[1].Split('_').Select(word => char.ToUpperInvariant(word[0]) + word.Substring(1)));
                var actual = line[1] == "sizeof" ? Marshal.SizeOf(type) : Marshal.OffsetOf(type, field).ToInt32();
                Expect.Equal(int.Parse(line[2]), actual, string.Join(" ", line));
            }
            var fields = types.Values.Sum(name => typeof(Engine).Assembly.GetType("Grantlet." + name)
                .GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Length + 1);
            Expect.Equal(lines.Length, fields, "no field is missing");
        }

        [Test]
        public static void TheLibraryIsTheHeaders()
        {
            var version = string.Join(".", new[] { "MAJOR", "MINOR", "PATCH" }
                .Select(part => Regex.Match(Files.Header, "#define GRL_VERSION_" + part + @" (\d+)").Groups[1].Value));
            Expect.Equal(version, Library.Version);
            Expect.Equal(Regex.Match(Files.Header, @"#define GRL_MAX_REQUEST_BYTES (\d+)").Groups[1].Value, Library.MaxRequestBytes.ToString());
        }
    }
}
