using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Grantlet.Tests
{
    /// <summary>Reads JSON for the tests: objects as dictionaries, lists, text, numbers as long, true, false, null.</summary>
    public sealed class Json
    {
        private readonly string text;
        private int at;

        private Json(string text)
        {
            this.text = text;
        }

        public static Dictionary<string, object> Parse(string text)
        {
            var json = new Json(text);
            var value = json.Value();
            json.Space();
            Expect.Equal(text.Length, json.at, "JSON ends");
            return (Dictionary<string, object>)value;
        }

        private object Value()
        {
            Space();
            switch (text[at])
            {
                case '{':
                    var members = new Dictionary<string, object>();
                    Each('}', () =>
                    {
                        var name = Text();
                        Space();
                        Take(':');
                        members.Add(name, Value());
                    });
                    return members;
                case '[':
                    var items = new List<object>();
                    Each(']', () => items.Add(Value()));
                    return items;
                case '"':
                    return Text();
                default:
                    var start = at;
                    while (at < text.Length && ",]} \n\r\t".IndexOf(text[at]) < 0)
                    {
                        at++;
                    }
                    var word = text.Substring(start, at - start);
                    return word == "null" ? null : word == "true" ? true : word == "false" ? false
                        : (object)long.Parse(word, CultureInfo.InvariantCulture);
            }
        }

        private void Each(char end, Action one)
        {
            at++;
            Space();
            while (text[at] != end)
            {
                one();
                Space();
                if (text[at] != end)
                {
                    Take(',');
                    Space();
                }
            }
            at++;
        }

        private string Text()
        {
            Take('"');
            var value = new StringBuilder();
            for (; text[at] != '"'; at++)
            {
                if (text[at] != '\\')
                {
                    value.Append(text[at]);
                    continue;
                }
                var c = text[++at];
                if (c == 'u')
                {
                    value.Append((char)ushort.Parse(text.Substring(at + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                    at += 4;
                }
                else
                {
                    value.Append("\"\\/\b\f\n\r\t"["\"\\/bfnrt".IndexOf(c)]);
                }
            }
            at++;
            return value.ToString();
        }

        private void Space()
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }
        }

        private void Take(char c)
        {
            Expect.Equal(c, text[at], "JSON at " + at);
            at++;
        }
    }
}
