"""The table of ownership, as values: who writes which fact, and what nobody may do at all."""

from evenflow.common.adapters.nats.accounts.identities import IDENTITIES, PROVISIONER, SERVICES
from evenflow.common.adapters.nats.accounts.permissions import facts_of, permissions
from evenflow.common.adapters.nats.accounts.server_accounts import accounts
from evenflow.common.adapters.nats.accounts.stores import kept
from evenflow.common.contracts.subjects import KINDS

SHARD = "lab"


def test_every_fact_has_a_writer_and_decisions_have_one() -> None:
    writers = {
        kind: {s for s in SERVICES if f"evenflow.v1.{SHARD}.{kind}" in facts_of(s, SHARD)}
        for kind in KINDS
    }
    assert [kind for kind, who in writers.items() if not who] == []
    decided = {kind: who for kind, who in writers.items() if kind.endswith(".decided")}
    assert set(map(frozenset, decided.values())) == {frozenset({"policy-engine"})}
    operators = [who for kind, who in writers.items() if kind.startswith("nodes.")]
    assert operators == [{"gateway"}] * len(operators), "operators speak through the gateway"


def test_streams_are_made_changed_and_dropped_by_no_service() -> None:
    for name, granted in permissions(SHARD).items():
        for verb in ("CREATE", "UPDATE", "DELETE", "RESTORE", "SNAPSHOT"):
            found = [s for s in granted.publish if f".STREAM.{verb}." in s]
            allowed = name == PROVISIONER and verb in ("CREATE", "UPDATE")
            if name == PROVISIONER and verb == "DELETE":
                assert [s for s in found if not s.endswith("_proof")] == []
            else:
                assert bool(found) == allowed, (name, verb)


def test_the_log_is_cut_by_one_service_alone() -> None:
    cuts = [
        name
        for name, granted in permissions(SHARD).items()
        if any(s.endswith(f".STREAM.PURGE.EVENFLOW_{SHARD}") for s in granted.publish)
    ]
    assert cuts == ["policy-engine"]


def test_nobody_logs_in_where_streams_are() -> None:
    found = accounts(SHARD, dict.fromkeys(IDENTITIES, "x"))
    for store in kept(SHARD):
        assert "users" not in found[store.stream]
    for name, account in found.items():
        if "users" in account:
            assert "jetstream" not in account, name
