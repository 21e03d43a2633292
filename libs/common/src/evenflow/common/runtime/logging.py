"""Structured logs on stderr, for people or as JSON lines. Decides the form, not the content."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

from evenflow.common.runtime.settings import LogSettings

Logger = structlog.stdlib.BoundLogger
_SECRET_KEYS: Final = frozenset(
    {"password", "token", "authorization", "proxy-authorization", "secret", "cookie", "set-cookie"}
)
_MASK: Final = "********"
_LONGEST: Final = 16_384  # characters of one text, a whole traceback among them
_SHOWN_SECRETS: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {_MASK}"),
    (re.compile(r"(?i)([a-z][a-z0-9+.-]{0,20}://)[^\s/@'\"]{1,512}@"), rf"\1{_MASK}@"),
    (
        re.compile(
            r"(?i)\b((?:set-)?cookie|password|passwd|token|secret|api_?key)(['\"]?\s{0,4}[=:]\s{0,4}['\"]?)"
            r"[^\s,;'\"&]{1,512}"
        ),
        rf"\1\2{_MASK}",
    ),
)


def configure_logging(
    settings: LogSettings, *, service: str, shard: str, stream: TextIO | None = None
) -> Logger:
    """Set up logging for this process and return its logger.

    Every line names service and shard, those of libraries that use `logging` too. Values under
    keys such as `password` and `token` are masked. Call once, before anything logs.
    """
    out = stream or sys.stderr
    level = getattr(logging, settings.level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _bound(service, shard),
        _mask_secrets,
    ]
    rendering = _json() if settings.format == "json" else _console(out)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))  # libraries: only what someone may have to look at
    logging.getLogger("evenflow").setLevel(level)
    log: Logger = structlog.stdlib.get_logger("evenflow")
    return log


def log_errors_alone() -> None:
    """Set up logging for a command: stdout is for results, stderr for what went wrong."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _json() -> list[Processor]:
    return [
        # Without locals: they hold other people's jobs and what their requests showed.
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=30)
        ),
        _redact,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]


def _console(out: TextIO) -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        _redact,
        structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _mask_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key in event:
        if key.lower() in _SECRET_KEYS:
            event[key] = _MASK
    return event


def _redact(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take what shows who somebody is out of every text, tracebacks included, and bound it."""
    for key, value in event.items():
        event[key] = _without_secrets(value)
    return event


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        cut = (
            value if len(value) <= _LONGEST else f"{value[:_LONGEST]}... ({len(value)} characters)"
        )
        for pattern, kept in _SHOWN_SECRETS:
            cut = pattern.sub(kept, cut)
        return cut
    if isinstance(value, dict):
        return {
            key: _MASK if str(key).lower() in _SECRET_KEYS else _without_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_secrets(inner) for inner in value]
    if isinstance(value, BaseException):
        return _without_secrets(repr(value))
    return value


def _bound(service: str, shard: str) -> Processor:
    def bind(
        _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event.setdefault("service", service)
        event.setdefault("shard", shard)
        return event

    return bind
