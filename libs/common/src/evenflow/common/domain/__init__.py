"""The nouns of Evenflow and their arithmetic. Standard library only, pure."""
