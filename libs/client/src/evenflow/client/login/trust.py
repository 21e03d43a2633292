"""Whose certificates are believed: the usual authorities, and that of EVENFLOW_CA_FILE."""

import os
import ssl
from collections.abc import Mapping
from typing import Final

import httpx

from evenflow.common.domain.errors import InvalidValue

CA_FILE_VARIABLE: Final = "EVENFLOW_CA_FILE"


def trusted(environ: Mapping[str, str] = os.environ) -> ssl.SSLContext | bool:
    """Return what httpx takes as `verify`.

    Raises:
        InvalidValue: the file cannot be read, or holds no certificates.
    """
    file = environ.get(CA_FILE_VARIABLE)
    if not file:
        return True
    context = httpx.create_ssl_context(trust_env=False)
    try:
        context.load_verify_locations(cafile=file)
    except OSError as error:  # an SSLError is one
        rule = f"must be a file of certificates (PEM) that you can read: {error}"
        raise InvalidValue(CA_FILE_VARIABLE, file, rule) from error
    return context
