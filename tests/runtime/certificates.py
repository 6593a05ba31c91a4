"""Certificates for tests: authorities, and what they sign, in files."""

# Who calls: the fixture `certificates` of conftest.py, once for all tests.

import datetime
import ipaddress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USES = {"server": x509.ExtendedKeyUsageOID.SERVER_AUTH, "client": x509.ExtendedKeyUsageOID.CLIENT_AUTH}
AUTHORITY: Any = [
    (x509.BasicConstraints(ca=True, path_length=None), True),
    (x509.KeyUsage(False, False, False, False, False, True, True, False, False), True),  # signs certificates
]


class Certificates:
    """Makes certificates of authorities that it makes as well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authorities: dict[str, tuple[x509.Certificate, Any]] = {}

    def issue(
        self,
        authority: str,
        *hosts: str,
        start: int = -1,
        end: int = 10,
        uses: Any = None,
        password: bytes | None = None,
    ) -> SimpleNamespace:
        if authority not in self.authorities:
            key = ec.generate_private_key(ec.SECP256R1())
            self.authorities[authority] = self._sign(authority, key.public_key(), authority, key, -100, 100, None), key
        root, root_key = self.authorities[authority]
        key = ec.generate_private_key(ec.SECP256R1())
        names = [self._name(host) for host in hosts]
        more = [(x509.SubjectAlternativeName(names), False)] if names else []
        if uses is not None:
            more.append((x509.ExtendedKeyUsage([USES[use] for use in uses]), False))
        leaf = self._sign("host", key.public_key(), authority, root_key, start, end, more)
        return self._write(leaf, key, root, password)

    def _sign(
        self, subject: str, public: Any, issuer: str, signer: Any, start: int, end: int, more: Any
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]),
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]),
            public,
            x509.random_serial_number(),
            now + datetime.timedelta(days=start),
            now + datetime.timedelta(days=end),
        )
        key_ids: Any = [
            (x509.SubjectKeyIdentifier.from_public_key(public), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
        ]
        for extension, critical in [*key_ids, *(AUTHORITY if more is None else more)]:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    def _name(self, host: str) -> x509.GeneralName:
        try:
            return x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            return x509.DNSName(host)

    def _write(
        self, leaf: x509.Certificate, key: Any, root: x509.Certificate, password: bytes | None
    ) -> SimpleNamespace:
        cipher = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        pem = serialization.Encoding.PEM
        texts = {
            "certificate": leaf.public_bytes(pem),
            "key": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, cipher),
            "authority": root.public_bytes(pem),
        }
        paths = SimpleNamespace()
        for name, text in texts.items():
            path = self.folder / f"{leaf.serial_number}.{name}.pem"
            path.write_bytes(text)
            setattr(paths, name, path)
        return paths
