"""Maps of rooms: which packages there are, what each is for, and which way imports point."""

from tools.docs.rooms.pages import MAPS, drawn

__all__ = ["MAPS", "drawn"]
