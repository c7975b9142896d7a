using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;

namespace Grantlet
{
    /// <summary>A request as your server has it. Nothing in it needs to be well-formed: it gets the HTTP answer that it deserves.</summary>
    public sealed class EngineRequest
    {
        /// <summary>A request without headers and body yet.</summary>
        /// <param name="method"><c>GET</c>, <c>POST</c>, …</param>
        /// <param name="target">The path and, behind a <c>?</c>, the query, as they stand in the request line.</param>
        public EngineRequest(string method, string target)
        {
            Method = method ?? throw new ArgumentNullException(nameof(method));
            Target = target ?? throw new ArgumentNullException(nameof(target));
        }

        /// <summary>The method.</summary>
        public string Method { get; }

        /// <summary>Path and query.</summary>
        public string Target { get; }

        /// <summary>The headers; each line of the request is one. As an initialiser:
        /// <c>Headers = { { "Authorization", value } }</c>.</summary>
        public HeaderList Headers { get; } = new HeaderList();

        /// <summary>The body. More than <see cref="Library.MaxRequestBytes"/> need not be read: that is answered with 413.</summary>
        [AllowNull, MaybeNull]
        public byte[] Body { get; set; }
    }

    /// <summary>The headers of a request or a response, in order.</summary>
    public sealed class HeaderList : List<KeyValuePair<string, string>>
    {
        internal HeaderList()
        {
        }

        /// <summary>Adds a header.</summary>
        /// <param name="name">Its name, in any case.</param>
        /// <param name="value">Its value; <c>null</c> adds none.</param>
        public void Add(string name, [AllowNull] string value)
        {
            if (value != null)
            {
                Add(new KeyValuePair<string, string>(name ?? throw new ArgumentNullException(nameof(name)), value));
            }
        }
    }

    /// <summary>A response for your server to send. <c>Content-Length</c> is for your server to add.</summary>
    /// <remarks>A plain object: it needs no disposal and may outlive everything.</remarks>
    public sealed class EngineResponse
    {
        private EngineResponse(int status, HeaderList headers, byte[] body, [AllowNull] string location)
        {
            Status = status;
            Headers = headers;
            Body = body;
            Location = location;
        }

        /// <summary>The status code, such as 200.</summary>
        public int Status { get; }

        /// <summary>The headers.</summary>
        public HeaderList Headers { get; }

        /// <summary>The body; empty if there is none.</summary>
        public byte[] Body { get; }

        /// <summary>Where the browser is sent; <c>null</c> of a response that is no redirect. A host without HTTP opens it itself.</summary>
        [AllowNull, MaybeNull]
        public string Location { get; }

        /// <summary>The body as text.</summary>
        public string BodyText => Encoding.UTF8.GetString(Body);

        /// <summary>Copies a native response, and frees it.</summary>
        internal static EngineResponse Take(IntPtr native)
        {
            try
            {
                return Copy(native);
            }
            finally
            {
                Native.grl_http_response_free(native);
            }
        }

        /// <summary>Copies a native response that belongs to something else.</summary>
        internal static EngineResponse Copy(IntPtr native)
        {
            var headers = new HeaderList();
            var count = Out.Length(Native.grl_http_response_header_count(native));
            for (var i = 0; i < count; i++)
            {
                var index = (UIntPtr)(uint)i;
                headers.Add(
                    Out.Text(Native.grl_http_response_header_name(native, index)),
                    Out.Text(Native.grl_http_response_header_value(native, index)));
            }
            using (var name = new Utf8("Location"))
            {
                var location = Out.Text(Native.grl_http_response_header(native, name.Str));
                return new EngineResponse(
                    Native.grl_http_response_status(native),
                    headers,
                    Out.Bytes(Native.grl_http_response_body(native)),
                    location.Length == 0 ? null : location);
            }
        }
    }

    /// <summary>What a request came to: exactly one of the two.</summary>
    public readonly struct HandleResult
    {
        internal HandleResult([AllowNull] EngineResponse response, [AllowNull] Authorization authorization)
        {
            Response = response;
            Authorization = authorization;
        }

        /// <summary>What to send.</summary>
        [AllowNull, MaybeNull]
        public EngineResponse Response { get; }

        /// <summary>A valid authorization request: sign the user in, then send what <see cref="Grantlet.Authorization.Approve"/> or
        /// <see cref="Grantlet.Authorization.Deny"/> gives. Dispose it.</summary>
        [AllowNull, MaybeNull]
        public Authorization Authorization { get; }
    }

    /// <summary>A request in native memory for the length of a call.</summary>
    internal sealed unsafe class LentRequest : IDisposable
    {
        internal RequestStruct Struct;

        // What came over the wire may be anything.
        private static readonly Encoding Lossy = Encoding.UTF8;
        private readonly List<Utf8> texts = new List<Utf8>();

        internal LentRequest(EngineRequest request)
        {
            Struct.Size = (UIntPtr)(uint)sizeof(RequestStruct);
            Struct.Method = Lend(new Utf8(request.Method, Lossy));
            Struct.Target = Lend(new Utf8(request.Target, Lossy));
            Struct.Body = Lend(new Utf8(request.Body));
            Struct.HeaderCount = (UIntPtr)(uint)request.Headers.Count;
            Struct.Headers = (HeaderStruct*)Marshal.AllocHGlobal(Math.Max(1, request.Headers.Count * sizeof(HeaderStruct)));
            for (var i = 0; i < request.Headers.Count; i++)
            {
                Struct.Headers[i].Name = Lend(new Utf8(request.Headers[i].Key, Lossy));
                Struct.Headers[i].Value = Lend(new Utf8(request.Headers[i].Value, Lossy));
            }
        }

        public void Dispose()
        {
            foreach (var text in texts)
            {
                text.Dispose();
            }
            Marshal.FreeHGlobal((IntPtr)Struct.Headers);
        }

        private Str Lend(Utf8 text)
        {
            texts.Add(text);
            return text.Str;
        }
    }
}
