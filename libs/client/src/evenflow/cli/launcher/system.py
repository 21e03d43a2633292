"""One whole system of one machine: servers first, then services; stopped in the opposite order."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from evenflow.cli.launcher.layout.datadir import write_private
from evenflow.cli.launcher.layout.errors import CannotStart
from evenflow.cli.launcher.layout.plan import Plan
from evenflow.cli.launcher.layout.ports import (
    GATEWAY_PORT,
    LOOPBACK,
    UsualPort,
    free_port,
    gateway_port,
    is_free,
)
from evenflow.cli.launcher.layout.programs import External
from evenflow.cli.launcher.process.child import Child, ChildSpec, Report
from evenflow.cli.launcher.process.logfile import tail
from evenflow.cli.launcher.process.orphans import Note, note_children
from evenflow.cli.launcher.provisioning import (
    adopt_streams,
    provision_embedded,
    provision_external,
)
from evenflow.cli.launcher.servers import (
    nats_answers,
    nats_config,
    valkey_answers,
    valkey_config,
)
from evenflow.cli.launcher.services import (
    BINDER,
    Endpoint,
    ServiceSpec,
    service_environment,
    status_file,
)
from evenflow.common.adapters.nats.accounts.identities import IDENTITIES, PROVISIONER, READER
from evenflow.common.adapters.nats.accounts.server_accounts import accounts

# The whole stop takes at most 20 s: jobs get their grace of 10 s, who is left shares the rest.
STOP_SECONDS: Final = 19.0
_BROKER: Final = "nats"
_BINDER_SECONDS: Final = 14.0
_SERVERS_SECONDS: Final = 2.0
_SERVER_START_SECONDS: Final = 20.0
_PORT_TRIES: Final = 3


class System:
    """The children of one supervisor."""

    def __init__(self, plan: Plan, services: Sequence[ServiceSpec], report: Report) -> None:
        """Nothing runs yet; `services` says what will, `report` is told what happens."""
        self.plan = plan
        self.nats = Endpoint("")
        self.redis = Endpoint("")
        self.services: dict[str, Child] = {}
        self.server_answers: dict[str, Callable[[], Awaitable[bool]]] = {}
        self.servers: dict[str, Child] = {}
        self.gateway_port = 0
        self._usual_port = UsualPort(plan.state_dir)
        self._specs = tuple(services)
        self._report = report
        self._provisioning: asyncio.Task[None] | None = None
        self._leash_reading, self._leash_writing = os.pipe()

    async def start_servers(self) -> None:
        """Start the servers nobody else runs and wait until they answer.

        Raises:
            CannotStart: one does not come up.
        """
        self.nats, self.redis = await asyncio.gather(self._start_nats(), self._start_valkey())
        await self.provision()

    async def provision(self) -> None:
        """Make or change the streams and buckets of the shard; nothing where all is right.

        Raises:
            CannotStart: the broker refuses.
        """
        settings = self.plan.settings
        if isinstance(self.plan.nats, External):
            done = await provision_external(settings)
        else:
            password = self.plan.data.keep_secret(f"nats-{PROVISIONER}")
            done = await provision_embedded(settings, self.nats.url, password)
        for made in done:
            if made.outcome != "kept":
                self._report(
                    "nats", f"{made.stream}: {made.outcome} {', '.join(made.changed)}".strip()
                )

    async def start_services(self) -> None:
        """Start all services; they find the servers by what they are told.

        Raises:
            CannotStart: the gateway's port is taken, or a program cannot be executed.
        """
        host = self.plan.settings.gateway.host

        def free(port: int) -> bool:
            is_ours = port != GATEWAY_PORT or self._usual_port.claim()
            return is_ours and is_free(port, host)

        self.gateway_port = gateway_port(self.plan.wanted_port, free, free_port)
        if self.plan.settings.gateway.token_file is None:
            self.plan.data.keep_secret("token")
        for spec in self._specs:
            status_file(self.plan.data, spec.name).unlink(missing_ok=True)
            environment = service_environment(
                spec.name,
                data=self.plan.data,
                nats=self.nats,
                redis=self.redis,
                gateway_port=self.gateway_port,
                token_file=self.plan.token_file,
                leash=self._leash_reading,
                common=self.plan.environment,
            )
            child = self._child(
                ChildSpec(
                    name=spec.name,
                    command=spec.command,
                    log=self.plan.data.logs / f"{spec.name}.log",
                    environment=environment,
                    pass_fds=(self._leash_reading,),
                )
            )
            self.services[spec.name] = child
            await self._start(child)

    async def stop(self) -> None:
        """Stop all: the binder with its jobs, the other services, the servers; within 20 s."""
        if self._provisioning:
            self._provisioning.cancel()
        began = time.monotonic()

        def left(reserve: float) -> float:
            return max(1.0, STOP_SECONDS - reserve - (time.monotonic() - began))

        for child in self.services.values():
            child.retire()  # who fails while the binder stops its jobs is not needed any more
        if binder := self.services.get(BINDER):
            keep = self.plan.keep_jobs
            self._report("jobs", "are left running" if keep else "are being stopped")
            number = signal.SIGTERM if keep else signal.SIGINT
            await self._stop(binder, number, _BINDER_SECONDS)
        others = [child for name, child in self.services.items() if name != BINDER]
        if others:
            self._report("services", "are draining")
            limit = left(_SERVERS_SECONDS)
            await asyncio.gather(*(self._stop(child, signal.SIGTERM, limit) for child in others))
        if self.servers:
            self._report("servers", "are being stopped")
            servers = self.servers.values()
            limit = left(0)
            await asyncio.gather(*(self._stop(child, signal.SIGTERM, limit) for child in servers))
        self.plan.data.pids.unlink(missing_ok=True)

    def kill(self) -> None:
        """End everything at once."""
        for child in (*self.services.values(), *self.servers.values()):
            child.kill()

    def close(self) -> None:
        """Let go of the leash, after the stop."""
        self._usual_port.release()
        os.close(self._leash_reading)
        os.close(self._leash_writing)

    async def _stop(self, child: Child, number: signal.Signals, seconds: float) -> None:
        if not await child.stop(number, seconds):
            self._report(child.spec.name, f"did not end in {seconds:.0f} s and was killed")

    async def _start_nats(self) -> Endpoint:
        if isinstance(self.plan.nats, External):
            return Endpoint(self.plan.nats.url)
        data, shard = self.plan.data, self.plan.settings.shard.name
        passwords = {name: data.keep_secret(f"nats-{name}") for name in IDENTITIES}
        if moved := adopt_streams(data.nats / "jetstream", shard):
            self._report("nats", f"moved into accounts of their own: {', '.join(moved)}")
        name = f"evenflow-{self.plan.name}-{os.getpid()}"
        config = data.nats / "nats-server.conf"

        def configure(port: int) -> None:
            text = nats_config(
                server_name=name,
                port=port,
                store=data.nats / "jetstream",
                log_max_bytes=self.plan.log_max_bytes,
                accounts=accounts(shard, passwords),
                sync=self.plan.settings.log_store.sync,
            )
            write_private(config, text)

        port = await self._start_server(
            _BROKER,
            (str(self.plan.nats.program), "-c", str(config)),
            configure,
            lambda port: nats_answers(port, name),
        )
        return Endpoint(f"nats://{LOOPBACK}:{port}", str(data.secret(f"nats-{READER}")))

    async def _start_valkey(self) -> Endpoint:
        if isinstance(self.plan.redis, External):
            return Endpoint(self.plan.redis.url)
        data = self.plan.data
        password = data.keep_secret("redis")
        config = data.valkey / "valkey.conf"

        def configure(port: int) -> None:
            text = valkey_config(port=port, directory=data.valkey, password=password)
            write_private(config, text)

        port = await self._start_server(
            "valkey",
            (str(self.plan.redis.program), str(config)),
            configure,
            lambda port: valkey_answers(port, password),
        )
        return Endpoint(f"redis://{LOOPBACK}:{port}/0", str(data.secret("redis")))

    async def _start_server(
        self,
        name: str,
        command: tuple[str, ...],
        configure: Callable[[int], None],
        answers: Callable[[int], Awaitable[bool]],
    ) -> int:
        """Start a server on a free port, another when somebody was faster. Returns the port."""
        log = self.plan.data.logs / f"{name}.log"
        for _ in range(_PORT_TRIES):
            port = free_port()
            configure(port)
            child = self._child(ChildSpec(name, command, log, dies_with_parent=True))
            self.servers[name] = child
            await self._start(child)
            began = time.monotonic()
            while child.exits == 0 and time.monotonic() - began < _SERVER_START_SECONDS:
                if await answers(port):
                    took = 1000 * (time.monotonic() - began)
                    self._report(name, f"ready on port {port} ({took:.0f} ms)")
                    self.server_answers[name] = partial(answers, port)
                    return port
                await asyncio.sleep(0.005)
            await child.stop(signal.SIGKILL, 1)
        raise CannotStart(f"{name} does not start; the end of {log}:\n{tail(log)}")

    def _child(self, spec: ChildSpec) -> Child:
        child = Child(spec, report=self._report)
        child.on_started = partial(self._started, child)
        return child

    def _started(self, child: Child) -> None:
        self._note_children()
        if child.spec.name == _BROKER and self.nats.url:
            self._provisioning = asyncio.create_task(self._provision_again(), name="provision")

    async def _provision_again(self) -> None:
        """Make what a broker that was started again has lost, as after a full disk."""
        while True:
            try:
                await self.provision()
            except CannotStart as error:
                self._report(_BROKER, str(error))
                await asyncio.sleep(1)
            else:
                return

    async def _start(self, child: Child) -> None:
        try:
            await child.start()
        except OSError as error:
            raise CannotStart(f"cannot run {child.spec.command[0]}: {error.strerror}") from error

    def _note_children(self) -> None:
        children = {**self.servers, **self.services}
        notes = {
            name: Note(child.pid, child.exits, child.reason)
            for name, child in children.items()
            if child.pid is not None
        }
        try:
            note_children(self.plan.data.pids, notes)
        except OSError as error:  # the next start notes them again
            self._report("up", f"cannot note the processes it runs: {error.strerror}")
