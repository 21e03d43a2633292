"""The sections of the settings: what may be set, each field with its unit and its reason."""
