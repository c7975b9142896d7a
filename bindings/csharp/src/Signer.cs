using System;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Grantlet
{
    /// <summary>Signs with a key that the host holds: in a TPM, an HSM, a KMS.</summary>
    public sealed class Signer
    {
        internal readonly string PublicKey;
        internal readonly Func<byte[], byte[]> Sign;

        /// <summary>A signer.</summary>
        /// <param name="publicKey">The public JWK (RFC 7517), with its <c>alg</c> where the key allows several.</param>
        /// <param name="sign">Gives the signature over its input (not over a hash): for ES256 and ES384 R‖S or DER. May block. May
        /// throw, such as <see cref="OperationCanceledException"/> where the user said no: nothing has changed then, and the call
        /// throws a <see cref="GrantletException"/> with that as its <see cref="Exception.InnerException"/>.</param>
        public Signer(string publicKey, Func<byte[], byte[]> sign)
        {
            PublicKey = publicKey ?? throw new ArgumentNullException(nameof(publicKey));
            Sign = sign ?? throw new ArgumentNullException(nameof(sign));
        }

        /// <summary>Signs with a key of the platform's: on P-256 (ES256) or P-384 (ES384), such as an <c>ECDsaCng</c> in a TPM.</summary>
        /// <param name="key">The key; it stays yours, and has to live as long as the engine. Used by one thread at a time.</param>
        /// <returns>A signer.</returns>
        public static Signer From(ECDsa key)
        {
            var point = (key ?? throw new ArgumentNullException(nameof(key))).ExportParameters(false).Q;
            var (curve, hash) = key.KeySize == 256 ? ("P-256", HashAlgorithmName.SHA256)
                : key.KeySize == 384 ? ("P-384", HashAlgorithmName.SHA384)
                : throw new ArgumentException("a key on P-256 or P-384 is needed", nameof(key));
            var jwk = "{\"kty\":\"EC\",\"crv\":\"" + curve + "\",\"x\":\"" + Base64Url(point.X) + "\",\"y\":\"" + Base64Url(point.Y) + "\"}";
            return new Signer(jwk, input =>
            {
                // No promise of threads is made by ECDsa.
                lock (key)
                {
                    return key.SignData(input, hash);
                }
            });
        }

        private static string Base64Url([AllowNull] byte[] bytes)
        {
            return Convert.ToBase64String(bytes ?? throw new ArgumentException("a key without a point")).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        }
    }
}
