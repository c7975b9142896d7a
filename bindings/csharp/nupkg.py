#!/usr/bin/env python3
"""What `dotnet pack` does, where there is no SDK: writes a .nupkg out of a project's metadata and a folder that is laid out.

    nupkg.py Grantlet.csproj LAYOUT OUTPUT
"""
import pathlib
import sys
import xml.etree.ElementTree as ET
import zipfile
from xml.sax.saxutils import escape

project, layout, output = map(pathlib.Path, sys.argv[1:])
properties = {e.tag: e.text for group in ET.parse(project).getroot().iter("PropertyGroup") for e in group}
frameworks = sorted(folder.name for folder in (layout / "lib").iterdir())
assert set(frameworks) <= set(properties["TargetFrameworks"].split(";")), frameworks

groups = "".join(f'<group targetFramework="{ {"netstandard2.0": ".NETStandard2.0"}.get(f, f) }" />' for f in frameworks)
nuspec = f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
  <metadata>
    <id>{properties["PackageId"]}</id>
    <version>{properties["Version"]}</version>
    <authors>{escape(properties["Authors"])}</authors>
    <license type="expression">{properties["PackageLicenseExpression"]}</license>
    <readme>{properties["PackageReadmeFile"]}</readme>
    <description>{escape(properties["Description"])}</description>
    <tags>{properties["PackageTags"]}</tags>
    <dependencies>{groups}</dependencies>
  </metadata>
</package>
"""
relationships = f"""<?xml version="1.0" encoding="utf-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
  <Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/{properties["PackageId"]}.nuspec" Id="R1" />
</Relationships>
"""
files = {f.relative_to(layout).as_posix(): f.read_bytes() for f in sorted(layout.rglob("*")) if f.is_file()}
suffixes = sorted({name.rsplit(".", 1)[-1] for name in files} | {"nuspec"})
types = """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" />
""" + "".join(f'  <Default Extension="{suffix}" ContentType="application/octet" />\n' for suffix in suffixes) + "</Types>\n"

path = output / f'{properties["PackageId"]}.{properties["Version"]}.nupkg'
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
    package.writestr("[Content_Types].xml", types)
    package.writestr("_rels/.rels", relationships)
    package.writestr(f'{properties["PackageId"]}.nuspec', nuspec)
    for name, data in files.items():
        package.writestr(name, data)
print(path)
