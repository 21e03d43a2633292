"""The recorded past, decided again: by the rules it was decided by, or by others."""
