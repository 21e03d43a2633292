"""The file of other rules, read and judged.

In comes YAML in the words of settings and fleets; out go `Rules` of the engine's replay, or
everything that is wrong with the file. Imports the settings, and nothing else of replay.
"""
