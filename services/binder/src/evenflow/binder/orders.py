"""Say to a cluster what a task is: the order of one run. Decides nothing."""

from evenflow.binder.core.desired import Task
from evenflow.common.domain.jobs.requests import group_of_task
from evenflow.common.ports.executor import RunOrder


def order_of(task: Task) -> RunOrder:
    """Return the order that makes this task run."""
    spec = task.spec
    group = group_of_task(spec, task.index)
    return RunOrder(
        token=task.token,
        job_id=spec.id,
        attempt=task.attempt,
        task_index=task.index,
        task_count=task.count,
        node=task.place.node,
        task_group="" if group is None else group.name,
        resources=spec.resources if group is None else group.resources,
        config=spec.executor_config,
        devices=task.place.devices,
        array_index=spec.array_index,
        time_limit_us=spec.time_limit_us,
        started_at=task.started_at,
        account=spec.account,
        # BND-06: what a cluster shows of a run is enough to attribute its usage.
        labels={
            "project-id": spec.project,
            "queue-id": spec.queue,
            "user-id": spec.user,
            "workload-id": spec.id,
        },
    )
