"""What a cycle may decide and why a job waits, and the settings that it decides by.

Placements, evictions, rejections, reasons; claims, which keep room until victims have ended. It
imports nothing but the standard library.
"""
