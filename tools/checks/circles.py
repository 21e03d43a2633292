"""Circles of a graph: who reaches itself again by going from one to the next."""

from collections.abc import Collection, Iterable, Mapping

Graph = Mapping[str, Collection[str]]


def circles(graph: Graph) -> list[list[str]]:
    """Return each largest group of which all reach all, sorted. A group of one is no circle."""
    left = _trimmed(graph)
    found = []
    while left:
        first = min(left)
        group = _reached(first, left) & _reached(first, _turned(left))
        if group:
            found.append(sorted(group))
        left = _without(left, group or {first})
    return found


def _trimmed(graph: Graph) -> dict[str, set[str]]:
    """Leave out all that no circle goes through, as far as that is seen from one step away."""
    left = _without({node: set(to) for node, to in graph.items()}, ())
    while ends := {node for each in (left, _turned(left)) for node, to in each.items() if not to}:
        left = _without(left, ends)
    return left


def _without(graph: Mapping[str, set[str]], gone: Iterable[str]) -> dict[str, set[str]]:
    kept = graph.keys() - set(gone)
    return {node: graph[node] & kept for node in kept}


def _turned(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    turned: dict[str, set[str]] = {node: set() for node in graph}
    for node, targets in graph.items():
        for target in targets:
            turned[target].add(node)
    return turned


def _reached(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    """Return what is reached by at least one step."""
    seen: set[str] = set()
    open_ends = [start]
    while open_ends:
        for target in graph[open_ends.pop()] - seen:
            seen.add(target)
            open_ends.append(target)
    return seen
