"""What the broker's answers to a publish mean: refused for good, or worth another try."""

from nats.js.errors import APIError

_WRONG_LAST_SEQUENCE = {10071, 10164}
_FULL = {
    10077,  # the stream's own limit, or its disk: "maximum bytes exceeded", "no space left"
    10047,  # the server's max_file_store
    10028,  # the server's max_memory_store
    10023,  # the server has no resources left
    10002,  # the account's limit
}
_TOO_LARGE = {10054}
_CLIENT_ERROR = 400
_SERVER_ERROR = 500


def is_fence_refusal(error: APIError) -> bool:
    """Whether somebody else wrote under the fence."""
    return error.err_code in _WRONG_LAST_SEQUENCE


def is_full(error: APIError) -> bool:
    """Whether the broker has no room."""
    return error.err_code in _FULL


def is_too_large(error: APIError) -> bool:
    """Whether the message is larger than the stream takes."""
    return error.err_code in _TOO_LARGE


def is_definite(error: APIError) -> bool:
    """Whether the same request would be refused again."""
    return _CLIENT_ERROR <= (error.code or _SERVER_ERROR) < _SERVER_ERROR
