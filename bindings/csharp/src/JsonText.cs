using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Grantlet
{
    /// <summary>The little of JSON that this binding needs; no target of it has a JSON library in common.</summary>
    internal static unsafe class JsonText
    {
        /// <summary>One member of an object. See <see cref="JsonAnswer.this"/>.</summary>
        [return: MaybeNull]
        internal static string Member(byte[] json, string name)
        {
            using (var nameText = Utf8.Required(name, nameof(name)))
            {
                fixed (byte* bytes = json)
                {
                    Buf value;
                    IntPtr error;
                    var lent = new Str { Ptr = bytes, Len = (UIntPtr)(uint)json.Length };
                    var status = Native.grl_json_member(lent, nameText.Str, &value, &error);
                    if (status == Status.NotFound)
                    {
                        Native.grl_error_free(error);
                        return null;
                    }
                    GrantletException.Check(status, error);
                    return Out.Text(&value);
                }
            }
        }

        /// <summary>The items of a valid list, each as <see cref="Member"/> gives a value.</summary>
        internal static IReadOnlyList<string> Items(string list)
        {
            var items = new List<string>();
            int depth = 0, start = 1;
            for (var at = 0; at < list.Length; at++)
            {
                var c = list[at];
                if (c == '"')
                {
                    at = EndOfText(list, at);
                }
                else if (depth == 1 && (c == ',' || c == ']') && at > start)
                {
                    // The engine takes quotes and escapes off.
                    var wrapped = "{\"item\":" + list.Substring(start, at - start) + "}";
                    items.Add(Member(Encoding.UTF8.GetBytes(wrapped), "item") ?? "");
                    start = at + 1;
                }
                depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
            }
            return items;
        }

        /// <summary>Where the text ends that begins with the quote at <paramref name="at"/>.</summary>
        private static int EndOfText(string json, int at)
        {
            for (at++; json[at] != '"'; at++)
            {
                at += json[at] == '\\' ? 1 : 0;
            }
            return at;
        }

        /// <summary>Writes a value as JSON: text, truth, number, list, or settings of ours.</summary>
        internal static void Write(StringBuilder json, object value)
        {
            if (value is string text)
            {
                Quote(json, text);
            }
            else if (value is bool truth)
            {
                json.Append(truth ? "true" : "false");
            }
            else if (value is long number)
            {
                json.Append(number.ToString(CultureInfo.InvariantCulture));
            }
            else if (value is Settings settings)
            {
                settings.Write(json);
            }
            else
            {
                var separator = "";
                json.Append('[');
                foreach (var item in (IEnumerable)value)
                {
                    json.Append(separator);
                    Write(json, item ?? throw new ArgumentException("a list of the configuration holds a null"));
                    separator = ",";
                }
                json.Append(']');
            }
        }

        private static void Quote(StringBuilder json, string text)
        {
            json.Append('"');
            foreach (var c in text)
            {
                if (c == '"' || c == '\\')
                {
                    json.Append('\\').Append(c);
                }
                else if (c < ' ')
                {
                    json.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                }
                else
                {
                    json.Append(c);
                }
            }
            json.Append('"');
        }
    }
}
