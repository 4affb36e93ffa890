"""Keys and certificates: the JWT user's key, and for TLS a CA that signs a loopback certificate."""

import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 825


def login_key(folder: Path) -> Path:
    """The connected app's private key (0600), made once and kept for the next start."""
    path = folder / "connected_app.key"
    if not path.exists():
        _write_secret(path, _new_key())
    return path


@cache
def _new_key() -> bytes:
    """One for all sandboxes of a process: nothing of a start takes longer than to make a key."""
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def server_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A context that serves 127.0.0.1, ::1 and localhost, and the CA file that a client verifies it with."""
    ca_file, chain = folder / "ca.pem", folder / "server.pem"
    if not (ca_file.exists() and chain.exists()):
        _make_certificates(ca_file, chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    return context, ca_file


def _make_certificates(ca_file: Path, chain: Path) -> None:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key)
    certificate = _leaf(key, ca, ca_key)
    ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    _write_secret(chain, _pem(key) + certificate.public_bytes(serialization.Encoding.PEM))


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Lead allocator sandbox CA")
    builder = _builder(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = builder.add_extension(usage, True)
    return builder.sign(key, hashes.SHA256())


def _leaf(
    key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    hosts = [x509.DNSName("localhost")]
    addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(_name("localhost"), ca.subject, key)
        .add_extension(x509.SubjectAlternativeName([*hosts, *addresses]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(issuer, False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    start = datetime.now(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_secret(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
