"""Certificates for a server on 127.0.0.1, signed by an authority that is made for it and forgotten."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

BROKER = "CN=kafka"


def make_certificates(folder: Path, *elsewhere: str) -> tuple[Path, Path]:
    """The broker's key and certificate in one file, and the authority's certificate. `elsewhere`: addresses, too."""
    addresses = [x509.IPAddress(ip_address(it)) for it in ("127.0.0.1", *elsewhere)]
    authority_key, broker_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name, broker_name = x509.Name.from_rfc4514_string("CN=authority"), x509.Name.from_rfc4514_string(BROKER)
    authority = (
        _lasting_a_day(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .add_extension(_usage(signs_others=True), critical=True)
        .sign(authority_key, SHA256())
    )
    broker = (
        _lasting_a_day(broker_name, authority_name, broker_key)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .add_extension(_usage(signs_others=False), critical=True)
        .sign(authority_key, SHA256())
    )
    secret = broker_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    keystore, authorities = folder / "broker.pem", folder / "authorities.pem"
    keystore.write_bytes(secret + broker.public_bytes(Encoding.PEM))
    authorities.write_bytes(authority.public_bytes(Encoding.PEM))
    return keystore, authorities


def _lasting_a_day(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(hours=1),
        now + timedelta(days=1),
    )


def _usage(*, signs_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_others,
        crl_sign=signs_others,
        encipher_only=False,
        decipher_only=False,
    )
