"""How the command says things: words, tables, colours on terminals only."""
