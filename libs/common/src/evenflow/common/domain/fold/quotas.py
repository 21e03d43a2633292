"""What facts about quotas do to the state: quotas that are set, and alerts that were told."""

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import quotas
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.quotas.quota import broken_rules
from evenflow.common.domain.state import budget, quota_alerts


def fold_quotas(folded: Folded, _: Entry, fact: quotas.Set) -> Void | None:
    """Let quotas hold in place of those that their paths had."""
    for quota in fact.quotas:
        if broken := next(broken_rules(quota), None):
            folded.void(quota.path, str(broken))
        elif quota.path not in folded.state.queues:
            folded.void(quota.path, "no such queue")
        else:
            budget.put_quota(folded.state, quota)
            quota_alerts.forget_other_limits(folded.state, quota)
            folded.queues.add(quota.path)
    return None


def fold_alerts(folded: Folded, _: Entry, fact: quotas.Alerted) -> Void | None:
    """Note which alerts were told, so that nobody tells them again."""
    for place, alert in enumerate(fact.alerts):
        if refused := quota_alerts.take_alert(folded.state, alert):
            folded.void(alert.path, refused)
        else:
            folded.alerts.append(place)
    return None
