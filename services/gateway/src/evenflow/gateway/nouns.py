"""The nouns of REST: each a folder, and here a line. Of two routes of a path the first answers."""

from typing import Final

from fastapi import APIRouter

from evenflow.gateway.access.docs_routes import router as docs
from evenflow.gateway.access.session_routes import router as sessions
from evenflow.gateway.access.token_routes import router as tokens
from evenflow.gateway.alerts.routes import router as alerts
from evenflow.gateway.clock.routes import router as clock
from evenflow.gateway.events.routes import router as events
from evenflow.gateway.fleet.routes import router as fleet
from evenflow.gateway.jobs.log_routes import router as job_logs
from evenflow.gateway.jobs.routes import router as jobs
from evenflow.gateway.log.quarantine_routes import router as log_quarantine
from evenflow.gateway.log.repair_routes import router as log_repair
from evenflow.gateway.log.routes import router as log
from evenflow.gateway.nodes.routes import router as nodes
from evenflow.gateway.oidc.routes import router as oidc
from evenflow.gateway.page.routes import router as page
from evenflow.gateway.queues.routes import router as queues
from evenflow.gateway.quotas.routes import router as quotas
from evenflow.gateway.reservations.routes import router as reservations
from evenflow.gateway.status.routes import router as status
from evenflow.gateway.usage.routes import router as usage
from evenflow.gateway.why.routes import router as why

ROUTERS: Final[tuple[APIRouter, ...]] = (
    oidc,
    sessions,
    tokens,
    docs,
    jobs,
    why,
    job_logs,
    quotas,  # before queues: a queue's path would be `quota/...`
    queues,
    fleet,
    nodes,
    clock,
    reservations,
    events,
    log,
    status,
    log_quarantine,
    log_repair,
    usage,
    alerts,
    page,
)
