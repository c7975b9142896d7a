using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Grantlet
{
    /// <summary>A JSON object that the engine gave. Its usual members are properties; any other can be asked for by name.</summary>
    /// <remarks>Never changes; any number of threads may read it. It may outlive the engine.</remarks>
    public abstract class JsonAnswer
    {
        private readonly byte[] utf8;

        /// <summary>Takes over what the engine gave.</summary>
        private protected JsonAnswer(byte[] utf8)
        {
            this.utf8 = utf8;
        }

        /// <summary>All of it, byte for byte as it must be sent.</summary>
        public string Json => Encoding.UTF8.GetString(utf8);

        /// <summary>One member: text as it is, without quotes and escapes; anything else, a number or a list, as JSON.
        /// <c>null</c> where there is no such member, or it is null.</summary>
        /// <param name="name">The member's name, such as <c>email</c>.</param>
        [MaybeNull]
        public string this[string name] => JsonText.Member(utf8, name);

        /// <summary>Writes all of it, UTF-8, byte for byte as it must be sent.</summary>
        /// <param name="stream">Where to, such as a response's body.</param>
        public void WriteTo(Stream stream)
        {
            (stream ?? throw new ArgumentNullException(nameof(stream))).Write(utf8, 0, utf8.Length);
        }

        /// <summary>The same, for a server that does not let its responses be written otherwise, as ASP.NET Core.</summary>
        /// <param name="stream">Where to, such as a response's body.</param>
        /// <param name="cancellationToken">Stops it half-way.</param>
        /// <returns>A task that ends when all is written.</returns>
        public Task WriteToAsync(Stream stream, CancellationToken cancellationToken = default(CancellationToken))
        {
            return (stream ?? throw new ArgumentNullException(nameof(stream))).WriteAsync(utf8, 0, utf8.Length, cancellationToken);
        }

        /// <summary>A member that is always there.</summary>
        private protected string Text(string name)
        {
            return this[name] ?? throw new FormatException("the engine's answer has no member '" + name + "'");
        }

        /// <summary>A truth; false where it is missing.</summary>
        private protected bool Flag(string name)
        {
            return this[name] == "true";
        }

        /// <summary>A whole number.</summary>
        private protected long? Number(string name)
        {
            var text = this[name];
            return text == null ? default(long?) : long.Parse(text, CultureInfo.InvariantCulture);
        }

        /// <summary>A span that is given in seconds.</summary>
        private protected TimeSpan? Seconds(string name)
        {
            var number = Number(name);
            return number == null ? default(TimeSpan?) : TimeSpan.FromSeconds(number.Value);
        }

        /// <summary>A time that is given in seconds since 1970.</summary>
        private protected DateTimeOffset? Time(string name)
        {
            var number = Number(name);
            return number == null ? default(DateTimeOffset?) : DateTimeOffset.FromUnixTimeSeconds(number.Value);
        }

        /// <summary>The words of a text that spaces separate, such as <c>scope</c>.</summary>
        private protected IReadOnlyList<string> Words(string name)
        {
            return (this[name] ?? "").Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);
        }

        /// <summary>The members of a list; of one text that stands for a list of one, such as <c>aud</c>, that.</summary>
        private protected IReadOnlyList<string> List(string name)
        {
            var text = this[name];
            return text == null ? new string[0] : text.StartsWith("[", StringComparison.Ordinal) ? JsonText.Items(text) : new[] { text };
        }
    }

    /// <summary>A document to publish: the metadata (OIDC Discovery §3, RFC 8414 §2) or the public keys (RFC 7517 §5).</summary>
    public sealed class PublishedDocument : JsonAnswer
    {
        internal PublishedDocument(byte[] utf8) : base(utf8)
        {
        }
    }
}
