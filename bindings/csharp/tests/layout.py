#!/usr/bin/env python3
"""Writes a C program that prints sizes and offsets of every struct in include/grantlet.h, read on standard input."""
import re
import sys

header = re.sub(r"//.*", "", sys.stdin.read())
print("#include <grantlet.h>\n#include <stdio.h>\nint main(void)\n{")
for name, body in re.findall(r"typedef struct (grl_\w+) \{(.*?)\n\} \1;", header, re.S):
    fields = re.findall(r"\(\*(?:GRL_\w+ )?(\w+)\)\(|(\w+);", re.sub(r"\)\(.*?\);", ")(", body, flags=re.S))
    for field in (callback or plain for callback, plain in fields):
        print(f'    printf("{name} {field} %zu\\n", offsetof({name}, {field}));')
    print(f'    printf("{name} sizeof %zu\\n", sizeof({name}));')
print("    return 0;\n}")
