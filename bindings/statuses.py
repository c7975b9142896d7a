#!/usr/bin/env python3
"""Writes the status numbers for the languages that cannot include include/grantlet.h, so that nobody copies them by hand.

    bindings/statuses.py csharp > bindings/csharp/src/Status.cs
    bindings/statuses.py swift  > bindings/swift/Sources/Grantlet/GrantletError+Status.swift

(tests/hosts/csharp.sh and swift.sh compare.)
"""
import pathlib
import re
import sys

HEADER = pathlib.Path(__file__).resolve().parents[1] / "include" / "grantlet.h"
NOTICE = "// Made by bindings/statuses.py from include/grantlet.h; do not edit."


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


def mask(header):
    return re.search(r"return status & (0x[0-9a-f]+);", header).group(1)


def constant(header, name):
    return re.search(rf"^#define GRL_{name} (\d+)$", header, re.M).group(1)


# ---- C# ---------------------------------------------------------------------------------------------


def pascal(name):
    """INVALID_GRANT_REUSED -> InvalidGrantReused"""
    return "".join(word.capitalize() for word in name.split("_"))


def summary(lines, indent):
    """A C doc comment as an XML one."""
    text = " ".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"\bGRL_([A-Z_]+)", lambda m: f'<see cref="{pascal(m.group(1))}"/>', text)
    text = re.sub(r"`([^`]*)`", r"<c>\1</c>", text)
    return f"{indent}/// <summary>{text}</summary>"


def csharp(header):
    out = [
        NOTICE,
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
        out += [summary(doc, " " * 8), f"        {pascal(name)} = {number},"]
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
        f"            return (Status)((int)status & {mask(header)});",
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
    return out


# ---- Swift ------------------------------------------------------------------------------------------


def camel(name):
    """INVALID_REQUEST_REDIRECT_URI -> invalidRequestRedirectURI"""
    first, *others = name.split("_")
    return first.lower() + "".join(word if word in ("URI", "PKCE", "UTF8") else word.capitalize() for word in others)


def swift(header):
    out = [
        NOTICE,
        "extension GrantletError {",
        "    /// Why a call failed: a class, which says what to do, and often a reason within it.",
        "    ///",
        "    /// The low byte of the number is the class's, the higher bits are the reason. A library that is newer than this package may",
        "    /// know more reasons; those are told as their class, and ``GrantletError/rawStatus`` has the number.",
        "    public enum Status: Int32, Sendable, CaseIterable {",
    ]
    for name, number, doc in statuses(header):
        if name == "OK":
            continue
        parts = [int(part) for part in re.findall(r"\d+", number)]
        value = parts[0] | (parts[1] << parts[2] if len(parts) == 3 else 0)
        out += [f"        /// {line}" for line in doc] + [f"        case {camel(name)} = 0x{value:03x}"]
    out += [
        "",
        "        /// The class, such as ``invalidGrant`` of ``invalidGrantReused``: its OAuth error code.",
        "        public var kind: Status {",
        f"            Status(rawValue: rawValue & {mask(header)}) ?? .serverError",
        "        }",
        "    }",
        "}",
    ]
    return out


LANGUAGES = {"csharp": csharp, "swift": swift}

if len(sys.argv) != 2 or sys.argv[1] not in LANGUAGES:
    sys.exit(f"usage: {sys.argv[0]} {'|'.join(LANGUAGES)}")
sys.stdout.write("\n".join(LANGUAGES[sys.argv[1]](HEADER.read_text())) + "\n")
