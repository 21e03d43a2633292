"""A gateway that speaks TLS: SDK and command believe the authority that is named, and no other."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from evenflow.client import Client
from evenflow.client.discovery.find import Address
from evenflow.client.errors import Unreachable
from evenflow.client.login.trust import CA_FILE_VARIABLE, trusted
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.testing.servers.receiver import Receiver
from evenflow.common.testing.servers.tls import Certificates, made_certificates, tls_in_front


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return made_certificates(tmp_path)


@pytest.fixture
def url(certificates: Certificates) -> Iterator[str]:
    """Something that answers, if not as a gateway would."""
    receiver = Receiver()
    receiver.up()
    with tls_in_front(receiver.port, certificates) as port:
        yield f"https://127.0.0.1:{port}"
    receiver.down()


def test_a_named_authority_is_believed_and_an_unknown_one_is_not(
    url: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED")
    with Client(address=Address(url, "t")) as client, refused:
        client.status()
    monkeypatch.setenv(CA_FILE_VARIABLE, str(certificates.ca))
    reached = pytest.raises(Unreachable, match="something else listens there")
    with Client(address=Address(url, "t")) as client, reached:
        client.status()


def test_a_file_that_holds_no_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    for file in (tmp_path / "no.pem", tmp_path / "nowhere.pem"):
        with pytest.raises(InvalidValue, match="EVENFLOW_CA_FILE"):
            trusted({CA_FILE_VARIABLE: str(file)})


def test_without_one_the_usual_authorities_are_believed(certificates: Certificates) -> None:
    assert trusted({}) is True
    context = trusted({CA_FILE_VARIABLE: str(certificates.ca)})
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) > 10
