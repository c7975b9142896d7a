using System;
using System.IO;
using System.Net;
using System.Text;
using System.Threading.Tasks;

namespace Grantlet.Examples
{
    /// <summary>An OAuth server inside this process, on the platform's <see cref="HttpListener"/>, with an API beside it.</summary>
    public sealed class LocalServer : IDisposable
    {
        private const string Audience = "https://api.example.com/";
        private readonly HttpListener listener = new HttpListener();
        private readonly Engine engine;

        public LocalServer(string issuer)
        {
            engine = new Engine(new Configuration(issuer)
            {
                Apis = { new Api(Audience) { Scopes = { new ApiScope("read:notes", "Read your notes") }, AllowOfflineAccess = true } },
                Clients = { new Client("notes-app") { Name = "Notes", RedirectUris = { "http://127.0.0.1/callback" } } },
            }, new EngineHost
            {
                // What your database knows of a user; null of one who is not there any more.
                UserClaims = user => user.Subject == "alice" ? "{\"name\":\"Alice\"}" : null,
            });
            listener.Prefixes.Add(issuer);
            listener.Start();
        }

        /// <summary>Answers requests, many at once, until it is disposed.</summary>
        public async Task RunAsync()
        {
            while (true)
            {
                HttpListenerContext context;
                try
                {
                    context = await listener.GetContextAsync();
                }
                catch (Exception e) when (e is HttpListenerException || e is ObjectDisposedException)
                {
                    return;
                }
                Forget(AnswerAsync(context));
            }
        }

        public void Dispose()
        {
            listener.Close();
            engine.Dispose();
        }

        /// <summary>Lets a task run on; it reports its own errors.</summary>
        private static void Forget(Task task)
        {
        }

        private async Task AnswerAsync(HttpListenerContext context)
        {
            using (var response = context.Response)
            {
                try
                {
                    if (context.Request.Url?.AbsolutePath == "/notes")
                    {
                        await AnswerNotesAsync(context.Request, response);
                        return;
                    }
                    var result = await engine.HandleAsync(await RequestAsync(context.Request));
                    using (var pending = result.Authorization)
                    {
                        // A real server shows its sign-in and consent page here; pending.Request has what belongs on it.
                        var answer = pending == null ? result.Response : await pending.ApproveAsync(new Login("alice"));
                        if (answer != null)
                        {
                            await SendAsync(answer, response);
                        }
                    }
                }
                catch (Exception e)
                {
                    Console.Error.WriteLine(e);
                    response.StatusCode = 500;
                }
            }
        }

        /// <summary>The API: its notes are for whoever has a token for them.</summary>
        private async Task AnswerNotesAsync(HttpListenerRequest request, HttpListenerResponse response)
        {
            const string Bearer = "Bearer ";
            var header = request.Headers["Authorization"] ?? "";
            var token = header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? header.Substring(Bearer.Length) : "";
            string json;
            try
            {
                var access = await engine.VerifyAsync(token, Audience, new[] { "read:notes" });
                json = "{\"notes\":[\"a note of " + access.Subject + "\"]}";
            }
            catch (GrantletException e)
            {
                response.StatusCode = e.HttpStatus;
                response.AddHeader("WWW-Authenticate", "Bearer error=\"" + e.OAuthCode + "\"");
                json = e.Response;
            }
            var body = Encoding.UTF8.GetBytes(json);
            response.ContentType = "application/json";
            await WriteAsync(body, response);
        }

        private static async Task<EngineRequest> RequestAsync(HttpListenerRequest request)
        {
            var taken = new EngineRequest(request.HttpMethod, request.RawUrl ?? "/");
            foreach (var name in request.Headers.AllKeys)
            {
                foreach (var value in request.Headers.GetValues(name) ?? new string[0])
                {
                    taken.Headers.Add(name ?? "", value);
                }
            }
            // No more than the engine reads: the rest would be answered with 413 anyway.
            var body = new MemoryStream();
            var buffer = new byte[4096];
            int read;
            while (body.Length <= Library.MaxRequestBytes && (read = await request.InputStream.ReadAsync(buffer, 0, buffer.Length)) > 0)
            {
                body.Write(buffer, 0, read);
            }
            taken.Body = body.ToArray();
            return taken;
        }

        private static async Task SendAsync(EngineResponse answer, HttpListenerResponse response)
        {
            response.StatusCode = answer.Status;
            foreach (var header in answer.Headers)
            {
                response.AppendHeader(header.Key, header.Value);
            }
            await WriteAsync(answer.Body, response);
        }

        private static Task WriteAsync(byte[] body, HttpListenerResponse response)
        {
            response.ContentLength64 = body.Length;
            return response.OutputStream.WriteAsync(body, 0, body.Length);
        }
    }
}
