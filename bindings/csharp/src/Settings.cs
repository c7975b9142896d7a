using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Grantlet
{
    /// <summary>Settings that go to the engine as one JSON object. The usual keys are properties; any other is set as JSON by its
    /// name: <c>settings["key"] = "[1,2]"</c>. The engine refuses a key that it does not know, by name.</summary>
    /// <remarks>Not for several threads at once. The engine takes a copy: what is changed later changes nothing.</remarks>
    public abstract class Settings
    {
        private readonly Dictionary<string, object> values = new Dictionary<string, object>();

        /// <summary>Settings without any key yet.</summary>
        private protected Settings()
        {
        }

        /// <summary>Sets a key to a JSON text, in the place of whatever its property says. (A list or an object that was set so has
        /// no property any more: that throws <see cref="InvalidOperationException"/>.)</summary>
        /// <param name="key">The key as the README's «Configuration» has it.</param>
        public string this[string key]
        {
            set => Set(key, new Raw(value ?? throw new ArgumentNullException(nameof(value))));
        }

        /// <summary>All of it as JSON, secrets included.</summary>
        /// <returns>A JSON object.</returns>
        public string ToJson()
        {
            var json = new StringBuilder();
            Write(json);
            return json.ToString();
        }

        internal virtual bool IsEmpty => values.Count == 0;

        internal virtual void Write(StringBuilder json)
        {
            json.Append('{');
            var separator = "";
            foreach (var member in values)
            {
                // What nobody put anything in was only looked at.
                if ((member.Value is ICollection list && list.Count == 0) || (member.Value is Settings settings && settings.IsEmpty))
                {
                    continue;
                }
                json.Append(separator);
                JsonText.Write(json, member.Key);
                json.Append(':');
                JsonText.Write(json, member.Value);
                separator = ",";
            }
            json.Append('}');
        }

        /// <summary>What a property of this key was set to.</summary>
        [return: MaybeNull]
        private protected T Get<T>(string key)
        {
            return values.TryGetValue(key, out var value) && value is T typed ? typed : default(T);
        }

        /// <summary>Sets a key; <c>null</c> takes it away.</summary>
        private protected void Set(string key, [AllowNull] object value)
        {
            if (value == null)
            {
                values.Remove(key);
            }
            else
            {
                values[key] = value;
            }
        }

        /// <summary>What a property of this key was set to.</summary>
        private protected bool? Flag(string key)
        {
            return values.TryGetValue(key, out var value) ? value as bool? : null;
        }

        /// <summary>What a property of this key was set to.</summary>
        private protected TimeSpan? Seconds(string key)
        {
            return values.TryGetValue(key, out var value) && value is long seconds ? TimeSpan.FromSeconds(seconds) : default(TimeSpan?);
        }

        /// <summary>Sets a lifetime, which the engine takes in whole seconds.</summary>
        private protected void SetSeconds(string key, TimeSpan? value)
        {
            // Cut to whole seconds, «infinite» would be none at all.
            if (value < TimeSpan.Zero)
            {
                throw new ArgumentOutOfRangeException(key);
            }
            Set(key, value == null ? null : (object)checked((long)value.Value.TotalSeconds));
        }

        /// <summary>A list that is there as soon as it is asked for, for collection initialisers.</summary>
        private protected IList<T> List<T>(string key)
        {
            return Made(key, () => new List<T>());
        }

        /// <summary>Settings within these that are there as soon as they are asked for, for object initialisers.</summary>
        private protected T Made<T>(string key, Func<T> make) where T : class
        {
            if (values.TryGetValue(key, out var value))
            {
                return value as T ?? throw new InvalidOperationException("'" + key + "' was set as JSON");
            }
            var made = make();
            values[key] = made;
            return made;
        }

        /// <summary>JSON text that is passed on as it stands.</summary>
        private sealed class Raw : Settings
        {
            private readonly string text;

            internal Raw(string text)
            {
                this.text = text;
            }

            internal override bool IsEmpty => false;

            internal override void Write(StringBuilder json)
            {
                json.Append(text);
            }
        }
    }
}
