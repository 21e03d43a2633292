"""What all services share: the nouns and their fold, the wire, ports and adapters, a process.

Layers, top to bottom: `testing`, `runtime`, `adapters`, `ports`, `contracts`, `domain`. Each has
one list of rooms in pyproject.toml, and imports point down it.
"""
