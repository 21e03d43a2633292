"""What tests of several packages share: builders, a shard, fakes, servers, suites of ports.

Suites run on the fake and on the real thing. Nothing outside tests imports it.
"""
