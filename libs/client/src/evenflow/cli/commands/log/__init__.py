"""Commands about the log itself: `evenflow log ...`, each verb a module."""
