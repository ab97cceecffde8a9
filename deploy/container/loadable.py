#!/usr/bin/env python3
"""loadable.py FOLDER NAME:TAG - makes of the OCI layout in FOLDER one that `docker load` takes, too: by manifest.json where
Docker keeps images itself, by the annotation that containerd has for names where containerd keeps them. That is what
`docker save` writes, too; blobs and digests stay as they are."""

import json
import os
import sys


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(path, what):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(what, file)


def blob(descriptor):
    return os.path.join("blobs", *descriptor["digest"].split(":"))


folder, name = sys.argv[1:]
os.chdir(folder)
index = read("index.json")
(image,) = index["manifests"]
image["annotations"]["io.containerd.image.name"] = f"docker.io/library/{name}"
write("index.json", index)
manifest = read(blob(image))
write("manifest.json", [{"Config": blob(manifest["config"]), "RepoTags": [name],
                         "Layers": [blob(layer) for layer in manifest["layers"]]}])  # fmt: skip
