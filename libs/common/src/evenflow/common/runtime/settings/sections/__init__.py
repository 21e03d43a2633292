"""The sections of the settings: what may be set, each field with its unit and its reason.

`settings.Settings` is the whole tree. Comments above fields are what docs/settings.md says. It may
import the values' kinds and the names the domain has for choices.
"""
