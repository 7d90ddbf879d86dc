"""A certificate authority for one test run, made with the `openssl` program."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers.programs import path_of

NAMES = "DNS:localhost,DNS:*.localhost,DNS:s3.test,DNS:*.s3.test,IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3"
"""What every server's certificate is good for."""

_ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, both in PEM."""

    certificate: Path
    key: Path

    @property
    def both(self) -> Path:
        """The two in one file, as HAProxy and botocore's `client_cert` take them."""
        return self.certificate.with_suffix(".pem")


@dataclass(frozen=True)
class Authority:
    """A private authority that no machine trusts by itself."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, name: str = "s3-assets test authority") -> "Authority":
        """Make its key and its own certificate in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        authority = cls(folder)
        authority._openssl(
            *("req", "-x509", *_ELLIPTIC, "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", "authority.key", "-out", "authority.crt"),
        )
        return authority

    @property
    def ca_file(self) -> Path:
        """What a client has to trust."""
        return self.folder / "authority.crt"

    def server(self, stem: str = "server") -> Certificate:
        """A certificate for a server on loopback, under any of `NAMES`."""
        return self._issue(stem, "localhost", f"subjectAltName={NAMES}\nextendedKeyUsage=serverAuth\n")

    def client(self, name: str) -> Certificate:
        """A certificate for a client of that common name."""
        return self._issue(f"client-{name}", name, "extendedKeyUsage=clientAuth\n")

    def _issue(self, stem: str, name: str, extensions: str) -> Certificate:
        made = Certificate(self.folder / f"{stem}.crt", self.folder / f"{stem}.key")
        (self.folder / f"{stem}.ext").write_text(f"authorityKeyIdentifier=keyid\n{extensions}")
        self._openssl(
            "req", *_ELLIPTIC, "-subj", f"/CN={name}", "-keyout", made.key.name, "-out", f"{stem}.csr"
        )
        self._openssl(
            *("x509", "-req", "-in", f"{stem}.csr", "-days", "2", "-extfile", f"{stem}.ext"),
            *("-CA", "authority.crt", "-CAkey", "authority.key", "-CAcreateserial", "-out", f"{stem}.crt"),
        )
        made.both.write_bytes(made.certificate.read_bytes() + made.key.read_bytes())
        return made

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(
            [path_of("openssl"), *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
