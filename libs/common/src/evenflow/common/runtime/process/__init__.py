"""One service process: what it is given, how it is supervised, when it is healthy, how it ends.

Settings, signals and a service's main go in; an exit code, heartbeats and health pages come out.
"""
