"""The outside world behind the ports: NATS, Redis, clusters, the system's clock. One library each.

The bare runner of `local` imports this package too: keep it empty of imports. Rooms, top to bottom:
`local`, `log`, `simulated` and the store of snapshots; `nats`; then what stands alone.
"""
