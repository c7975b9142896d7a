using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

/// <summary>csc for a machine that has Roslyn's library but no .NET SDK: takes csc's own arguments. Several compilations,
/// one behind the other and parted by `--`, share one warm compiler.</summary>
public static class Csc
{
    public static int Main(string[] args)
    {
        var rest = args.ToList();
        while (rest.Count > 0)
        {
            var one = rest.TakeWhile(arg => arg != "--").ToList();
            rest = rest.Skip(one.Count + 1).ToList();
            if (!Compile(one))
            {
                return 1;
            }
        }
        return 0;
    }

    private static bool Compile(List<string> args)
    {
        var parsed = CSharpCommandLineParser.Default.Parse(args, Directory.GetCurrentDirectory(), null);
        var trees = parsed.SourceFiles.Select(file =>
        {
            using (var stream = File.OpenRead(file.Path))
            {
                return CSharpSyntaxTree.ParseText(SourceText.From(stream), parsed.ParseOptions, file.Path);
            }
        });
        var references = parsed.MetadataReferences.Select(r => (MetadataReference)MetadataReference.CreateFromFile(r.Reference, r.Properties));
        var compilation = CSharpCompilation.Create(parsed.CompilationName, trees.ToList(), references.ToList(), parsed.CompilationOptions);
        bool success;
        IEnumerable<Diagnostic> diagnostics;
        var path = Path.Combine(parsed.OutputDirectory, parsed.OutputFileName);
        using (var image = File.Create(path))
        using (var xml = parsed.DocumentationPath == null ? null : File.Create(parsed.DocumentationPath))
        {
            var result = compilation.Emit(image, null, xml, options: parsed.EmitOptions);
            success = result.Success;
            diagnostics = result.Diagnostics;
        }
        foreach (var diagnostic in parsed.Errors.Concat(diagnostics).Where(d => d.Severity != DiagnosticSeverity.Hidden && !d.IsSuppressed))
        {
            Console.Error.WriteLine(diagnostic);
            success &= diagnostic.Severity != DiagnosticSeverity.Error;
        }
        return success;
    }
}
