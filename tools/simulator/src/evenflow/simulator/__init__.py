"""Traces and policies through the cores of the engine, with no broker and no cluster."""
