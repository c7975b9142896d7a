using System;
using System.Security.Cryptography;

namespace Grantlet.Tests
{
    /// <summary>A key of the platform's.</summary>
    public static class SignerTests
    {
        // mono has no ECDsa of its own; there, the flow «host_signer» looks its signatures up.
#if NETCOREAPP3_0_OR_GREATER
        [Test]
        public static void AKeyOfThePlatformsSigns()
        {
            using (var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256))
            using (var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384))
            using (var p521 = ECDsa.Create(ECCurve.NamedCurves.nistP521))
            {
                foreach (var (key, algorithm) in new[] { (p256, "ES256"), (p384, "ES384") })
                {
                    var configuration = Fixture.Configuration();
                    configuration.Apis[0].SigningAlgorithm = algorithm;
                    using (var engine = new Engine(configuration, new EngineHost { Signer = Signer.From(key) }))
                    {
                        var tokens = Fixture.Refresh(engine, Fixture.SignIn(engine));
                        Expect.Equal("alice", Fixture.Verify(engine, tokens).Subject);
                        // With the platform's own hands.
                        var end = tokens.AccessToken.LastIndexOf('.');
                        var signature = tokens.AccessToken.Substring(end + 1).Replace('-', '+').Replace('_', '/');
                        signature += new string('=', (4 - signature.Length % 4) % 4);
                        Expect.That(key.VerifyData(
                            System.Text.Encoding.ASCII.GetBytes(tokens.AccessToken.Substring(0, end)),
                            Convert.FromBase64String(signature),
                            algorithm == "ES256" ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA384), "the key's own signature");
                        ThreadTests.Together(8, number => Fixture.SignIn(engine, "user " + number));
                    }
                }
                Expect.Throws<ArgumentException>(() => Signer.From(p521));
            }
        }

        [Test]
        public static void ADerSignatureDoes()
        {
            using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
            {
                var host = new EngineHost { Signer = new Signer(Public(key), input => Der(key.SignData(input, HashAlgorithmName.SHA256))) };
                using (var engine = Fixture.Engine(host))
                {
                    for (var i = 0; i < 20; i++)
                    {
                        Fixture.Verify(engine, Fixture.SignIn(engine));
                    }
                }
            }
        }

        private static string Public(ECDsa key)
        {
            var q = key.ExportParameters(false).Q;
            Func<byte[], string> text = bytes => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
            return "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" + text(q.X) + "\",\"y\":\"" + text(q.Y) + "\"}";
        }

        /// <summary>R‖S as SEQUENCE { INTEGER, INTEGER }.</summary>
        private static byte[] Der(byte[] raw)
        {
            var der = new System.Collections.Generic.List<byte>();
            foreach (var half in new[] { 0, 32 })
            {
                var number = raw.AsSpan(half, 32).TrimStart((byte)0).ToArray();
                var padded = number.Length == 0 || number[0] > 127;
                der.AddRange(new byte[] { 2, (byte)(number.Length + (padded ? 1 : 0)) });
                if (padded)
                {
                    der.Add(0);
                }
                der.AddRange(number);
            }
            der.InsertRange(0, new byte[] { 0x30, (byte)der.Count });
            return der.ToArray();
        }
#endif
    }
}
