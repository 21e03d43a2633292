"""The life of a service process: settings, logs, health, start and drain."""
