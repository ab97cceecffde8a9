"""certificates.py FOLDER [CLIENT...] - a CA with an intermediate, and what servers and clients need of it, by openssl: for
servers on loopback that are secured, and for tests, which also want certificates that are not to be believed."""

import os
import subprocess
import sys


class Certificates:
    """A root, an intermediate, and what they sign; in `folder`, as PEM. What servers show (NAME.store) comes with its key
    and the intermediate's."""

    def __init__(self, folder):
        self.folder = folder
        self.root = self.path("root.pem")
        self.key("root")
        self.run("req", "-x509", "-new", "-key", self.path("root.key"), "-subj", "/CN=root", "-days", "30", "-out",
                 self.root, "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
        authority = "basicConstraints=critical,CA:TRUE"
        self.intermediate = self.sign("intermediate", "root", authority)
        self.stranger = self.path("stranger.pem")
        self.key("stranger")
        self.run("req", "-x509", "-new", "-key", self.path("stranger.key"), "-subj", "/CN=stranger", "-days", "30",
                 "-out", self.stranger)  # fmt: skip
        here = "subjectAltName=IP:127.0.0.1,DNS:localhost"
        self.bundle("broker", self.sign("broker", "intermediate", here), self.intermediate)
        self.bundle("expired", self.sign("expired", "intermediate", here, self.past()), self.intermediate)
        self.bundle("strange", self.sign("strange", "intermediate", "subjectAltName=DNS:other.example"), self.intermediate)
        self.bundle("bare", self.path("broker.pem"), key="broker")
        self.client = self.sign("leadclock", "root", "extendedKeyUsage=clientAuth")

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"openssl {arguments}: {done.stderr.decode()}")

    def key(self, name):
        self.run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.path(f"{name}.key"))

    def sign(self, name, by, extension, validity=("-days", "30")):
        self.key(name)
        request, extensions = self.path(f"{name}.csr"), self.path(f"{name}.ext")
        with open(extensions, "w", encoding="utf-8") as file:
            file.write(extension + "\n")
        self.run("req", "-new", "-key", self.path(f"{name}.key"), "-subj", f"/CN={name}", "-out", request)
        self.run("x509", "-req", "-in", request, "-CA", self.path(f"{by}.pem"), "-CAkey", self.path(f"{by}.key"),
                 "-CAcreateserial", *validity, "-extfile", extensions, "-out", self.path(f"{name}.pem"))  # fmt: skip
        return self.path(f"{name}.pem")

    @staticmethod
    def past():
        """OpenSSL from 3.4 on takes no negative days, and none before takes dates."""
        told = subprocess.run(["openssl", "x509", "-help"], capture_output=True, text=True, timeout=60, check=False)
        takes_dates = "not_before" in told.stdout + told.stderr
        return ("-not_before", "20200101000000Z", "-not_after", "20200102000000Z") if takes_dates else ("-days", "-1")

    def bundle(self, name, *certificates, key=None):
        """What Kafka takes as a key store."""
        with open(self.path(f"{name}.store"), "w", encoding="utf-8") as store:
            for part in (self.path(f"{key or name}.key"), *certificates):
                with open(part, encoding="utf-8") as file:
                    store.write(file.read())

    def client_of(self, name):
        """A client's certificate with the intermediate's: what librdkafka and others take as a chain, and its key."""
        self.sign(name, "intermediate", "extendedKeyUsage=clientAuth")
        with open(self.path(f"{name}.pem"), "a", encoding="utf-8") as chain, open(self.intermediate, encoding="utf-8") as more:
            chain.write(more.read())


if __name__ == "__main__":
    os.umask(0o077)
    os.makedirs(sys.argv[1], exist_ok=True)
    made = Certificates(sys.argv[1])
    for client in sys.argv[2:]:
        made.client_of(client)
