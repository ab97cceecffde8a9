#!/usr/bin/env python3
"""sbom.py ROOT - the packages that dpkg knows in the folder ROOT, as an SPDX 2.3 document. Every time in it is that of
SOURCE_DATE_EPOCH, so the same packages give the same document."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse

FIELDS = ("Package", "Version", "Architecture", "source:Package", "source:Version", "Maintainer", "Homepage")


def installed(root):
    layout = "\t".join("${%s}" % field for field in FIELDS) + "\n"
    listed = subprocess.run(["dpkg-query", f"--root={root}", "-W", "-f", layout], capture_output=True, text=True, check=True)
    return [dict(zip(FIELDS, line.split("\t"))) for line in sorted(listed.stdout.splitlines())]


def spdx_id(package):
    return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", package["Package"])


def describe(package):
    by_debian = package["Package"] != "leadclock"
    quoted = {key: urllib.parse.quote(value, safe="") for key, value in package.items()}
    described = {
        "SPDXID": spdx_id(package),
        "name": package["Package"],
        "versionInfo": package["Version"],
        "supplier": "Organization: Debian" if by_debian else "Organization: Leadclock maintainers",
        "originator": "Person: " + package["Maintainer"],
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION" if by_debian else "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "sourceInfo": f"built from {package['source:Package']} {package['source:Version']}",
    }
    if by_debian:
        described["externalRefs"] = [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{quoted['Package']}@{quoted['Version']}?arch={package['Architecture']}",
        }]  # fmt: skip
    return described


def main(root):
    packages = [describe(package) for package in installed(root)]
    digest = hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()
    created = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "leadclock",
        "documentNamespace": f"https://leadclock.example/spdx/{digest}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", created), "creators": ["Tool: leadclock-sbom.py"]},
        "packages": packages,
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": package["SPDXID"]}
            for package in packages
        ],
    }
    json.dump(document, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
