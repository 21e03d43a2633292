"""Tell receivers of alerts, each at its own pace: at least once, in order, with an id.

An alert waits in the view, not in memory, and the cursor moves when its receiver has answered 2xx.
So a crash in between tells it once more, under the same `X-Evenflow-Delivery`. Of several gateways
the one that holds the lease tells; the cursor is on the bus, where the next one finds it.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from prometheus_client import Counter

from evenflow.common.runtime.http.destinations import CheckedTransport, DestinationRefused
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.settings import AlertsSettings, WebhookSettings
from evenflow.gateway.alerts.deliveries import AlertPosition, Deliveries
from evenflow.gateway.alerts.documents import alert_document, alert_id

DELIVERY_HEADER: Final = "X-Evenflow-Delivery"
SIGNATURE_HEADER: Final = "X-Evenflow-Signature"
_LOOK_SECONDS: Final = 30.0  # without news; a sweep or a new cursor is no news


@dataclass(slots=True)
class Webhook:
    """One receiver."""

    receiver: WebhookSettings
    settings: AlertsSettings
    deliveries: Deliveries
    shard: str
    count: Counter
    health: Health
    log: Logger
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _delivered: AlertPosition = field(default_factory=lambda: AlertPosition(0, 0))

    async def run(self) -> None:
        """Deliver what waits and what comes, until cancelled.

        Raises:
            TemporarilyUnavailable: the broker is away, so how far this came cannot be read or kept.
        """
        # What could not be kept when the broker went away is known here all the same.
        done = max(await self.deliveries.cursor(self.digest), self._delivered)
        timeout = self.settings.timeout.total_seconds()
        # Whoever takes the request shall be who is named: no proxy, no redirect.
        transport = CheckedTransport("alerts.allowed_networks", self.settings.allowed_networks)
        async with httpx.AsyncClient(timeout=timeout, trust_env=False, transport=transport) as http:
            while True:
                self.news.clear()
                here = self.deliveries.position
                found = await self.deliveries.next_after(done)
                if found is None:
                    # The log is cut nowhere above this: one that is told of nothing moves too.
                    done = max(done, here)
                    await self.deliveries.keep(self.digest, done)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_SECONDS):
                            await self.news.wait()
                    continue
                done = AlertPosition(found["sequence"], found["place"])
                outcome = await self._deliver(http, found)
                self.count.labels(outcome).inc()
                self._delivered = done
                await self.deliveries.keep(self.digest, done)

    @property
    def digest(self) -> str:
        """What names the receiver where others read it: its URL may hold a key."""
        return hashlib.sha256(self.receiver.url.encode()).hexdigest()

    @property
    def shown(self) -> str:
        """Scheme and host: all that may be shown."""
        parts = urlsplit(self.receiver.url)
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")

    async def _deliver(self, http: httpx.AsyncClient, row: Mapping[Any, Any]) -> str:
        """Try until it is delivered or hopeless; return which."""
        body, headers = self._request(row)
        pause = self.settings.retry_first.total_seconds()
        began = time.monotonic()
        while (problem := await self._try(http, body, headers)) is not None:
            self.count.labels("failed").inc()
            self.health.warn(f"webhook {self.shown}", problem)
            if time.monotonic() - began + pause > self.settings.give_up.total_seconds():
                self.log.error("alert_dropped", webhook=self.shown, reason=problem)
                return "dropped"
            self.log.warning("alert_not_delivered", webhook=self.shown, reason=problem)
            await asyncio.sleep(pause)
            pause = min(2 * pause, self.settings.retry_longest.total_seconds())
        self.health.clear(f"webhook {self.shown}")
        return "delivered"

    async def _try(
        self, http: httpx.AsyncClient, body: bytes, headers: Mapping[str, str]
    ) -> str | None:
        """Return what went wrong; None when it was taken."""
        seconds = self.settings.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):  # all phases together
                # Streamed: what the receiver answers is not read, however much it is.
                async with http.stream(
                    "POST", self.receiver.url, content=body, headers=headers
                ) as answer:
                    return None if answer.is_success else f"it answered {answer.status_code}"
        except TimeoutError:
            return f"it did not answer within {seconds:g} s"
        except DestinationRefused as error:
            return f"it is not asked: {error}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"it cannot be reached: {type(error).__name__}"

    def _request(self, row: Mapping[Any, Any]) -> tuple[bytes, dict[str, str]]:
        alert = alert_document(row)
        document = {"type": "quota.alerted", "shard": self.shard, **alert}
        body = json.dumps(document, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", DELIVERY_HEADER: alert_id(row)}
        if self.receiver.secret is not None:
            key = self.receiver.secret.get_secret_value().encode()
            signature = hmac.new(key, body, hashlib.sha256).hexdigest()
            headers[SIGNATURE_HEADER] = f"sha256={signature}"
        return body, headers
