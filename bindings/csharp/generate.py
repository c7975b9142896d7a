#!/usr/bin/env python3
"""Writes src/Status.cs out of include/grantlet.h: C# cannot include it, and nobody should copy it by hand.

    bindings/csharp/generate.py > bindings/csharp/src/Status.cs      (tests/hosts/csharp.sh compares the two)
"""
import pathlib
import re
import sys

HEADER = pathlib.Path(__file__).resolve().parents[2] / "include" / "grantlet.h"


def pascal(name):
    """INVALID_GRANT_REUSED -> InvalidGrantReused"""
    return "".join(word.capitalize() for word in name.split("_"))


def documented(lines, indent):
    """A C doc comment as an XML one."""
    text = " ".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"\bGRL_([A-Z_]+)", lambda m: f'<see cref="{pascal(m.group(1))}"/>', text)
    text = re.sub(r"`([^`]*)`", r"<c>\1</c>", text)
    return f"{indent}/// <summary>{text}</summary>"


def statuses(header):
    """(name, number, doc lines) of each; the numbers are written as `class | (reason << 8)`."""
    body = re.search(r"GRL_ENUM\(int32_t, grl_status\) \{\n(.*?)\n\};", header, re.S).group(1)
    doc = []
    for line in map(str.strip, body.splitlines()):
        if line.startswith("///"):
            doc.append(line[3:].strip())
        elif line:
            name, number = re.fullmatch(r"GRL_(\w+) = (.*),", line).groups()
            yield name, number, doc
            doc = []


def constant(header, name):
    return re.search(rf"^#define GRL_{name} (\d+)$", header, re.M).group(1)


def main():
    header = HEADER.read_text()
    mask = re.search(r"return status & (0x[0-9a-f]+);", header).group(1)
    out = [
        "// Made by bindings/csharp/generate.py from include/grantlet.h; do not edit.",
        "namespace Grantlet",
        "{",
        "    /// <summary>The outcome of a call. Act on its class (<see cref=\"StatusExtensions.Class\"/>), the low byte; the higher bits",
        "    /// are the reason within it. A library that is newer than this file may say others.</summary>",
        "    public enum Status",
        "    {",
    ]
    for i, (name, number, doc) in enumerate(statuses(header)):
        if i:
            out.append("")
        out += [documented(doc, " " * 8), f"        {pascal(name)} = {number},"]
    out += [
        "    }",
        "",
        "    /// <summary>What can be asked of a status.</summary>",
        "    public static class StatusExtensions",
        "    {",
        "        /// <summary>The class of a status, such as <see cref=\"Status.InvalidGrant\"/> of",
        "        /// <see cref=\"Status.InvalidGrantReused\"/>: its OAuth error code.</summary>",
        "        /// <param name=\"status\">A status.</param>",
        "        /// <returns>Its class.</returns>",
        "        public static Status Class(this Status status)",
        "        {",
        f"            return (Status)((int)status & {mask});",
        "        }",
        "    }",
        "",
        "    /// <summary>The header's numbers.</summary>",
        "    internal static class Header",
        "    {",
        '        internal const string Version = "{}.{}.{}";'.format(*(constant(header, f"VERSION_{part}") for part in ("MAJOR", "MINOR", "PATCH"))),
        f"        internal const uint AbiVersion = {constant(header, 'ABI_VERSION')};",
        f"        internal const int MaxRequestBytes = {constant(header, 'MAX_REQUEST_BYTES')};",
        "    }",
        "}",
    ]
    sys.stdout.write("\n".join(out) + "\n")


main()
