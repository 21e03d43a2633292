"""Sign-ins that browsers have begun: what each must bring back, once and soon. Does no I/O."""

import hmac
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from evenflow.gateway.edge.problems import Unauthorized

LASTS_SECONDS: Final = 600.0
_MOST: Final = 1_000  # begun at once; the oldest goes
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SignIn:
    """One browser on its way to the provider and back."""

    state: str  # comes back in the address
    nonce: str  # comes back in the token
    verifier: str  # proves to the provider that who takes the code is who asked for it (PKCE)
    browser: str  # comes back as a cookie: nobody finishes another's sign-in
    redirect_url: str
    began: float

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier (S256)."""
        return urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class SignIns:
    """Those that have begun and are not finished, in this process."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """None has begun."""
        self._monotonic = monotonic
        self._begun: OrderedDict[str, SignIn] = OrderedDict()

    def begin(self, redirect_url: str) -> SignIn:
        """Return a new one."""
        state, nonce, verifier, browser = (token_urlsafe(_BYTES) for _ in range(4))
        new = SignIn(state, nonce, verifier, browser, redirect_url, self._monotonic())
        self._begun[state] = new
        if len(self._begun) > _MOST:
            self._begun.popitem(last=False)
        return new

    def finish(self, state: str, browser: str) -> SignIn:
        """Return the one that comes back with this state; it cannot come back again.

        Raises:
            Unauthorized: nothing begun has it, it is too old, or another browser began it.
        """
        found = self._begun.pop(state, None)
        if found is None or self._monotonic() - found.began > LASTS_SECONDS:
            raise Unauthorized(
                "this sign-in is over or was never begun: start again at /login/oidc"
            )
        if not hmac.compare_digest(found.browser.encode(), browser.encode()):
            raise Unauthorized("another browser began this sign-in: start again at /login/oidc")
        return found
