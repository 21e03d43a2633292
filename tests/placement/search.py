"""Places tasks one by one by looking at all nodes each time."""

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.constraints import NODE_LEVEL
from evenflow.common.domain.jobs.requests import request_of_task
from tests.placement.world import price, waste


class Search:
    """Places one job in a world, task by task."""

    def __init__(self, world, spec, tasks=()):
        self.world, self.spec = world, spec
        self.free = world.free()
        self.mix = world.mix()
        self.constraints = spec.constraints
        self.strategy = spec.constraints.strategy or world.settings.strategy
        anti = spec.constraints.anti_affinity
        self.anti = anti
        self.near = (
            []
            if anti is None
            else (
                world.keyed(anti.key)
                if anti.key is not None
                else [world.nodes[t.node] for t in tasks if t.node in world.nodes]
            )
        )
        self.done = []

    def save(self):
        return ({n: f.copy() for n, f in self.free.items()}, list(self.near), list(self.done))

    def load(self, saved):
        self.free = {n: f.copy() for n, f in saved[0].items()}
        self.near, self.done = list(saved[1]), list(saved[2])

    def request(self, index):
        return request_of_task(self.spec, index)

    def domain(self, node, level):
        return node.name if level == NODE_LEVEL else node.labels.get(level, ("alone", node.name))

    def allowed(self, name):
        node, c = self.world.nodes[name], self.constraints
        return (
            all(k in node.labels and (not v or node.labels[k] in v) for k, v in c.selector.items())
            and all(
                any(t.key == taint.key and t.value in {None, taint.value} for t in c.tolerations)
                for taint in node.taints
            )
            and (
                self.anti is None
                or self.domain(node, self.anti.level)
                not in [self.domain(each, self.anti.level) for each in self.near]
            )
        )

    def fits(self, name, request):
        return self.allowed(name) and self.free[name].cards(request) is not None

    def score(self, name, request, strategy):
        free, node = self.free[name], self.world.nodes[name]
        get = free.amounts.get
        gpu = max(get("gpu", 0), 0)
        whole = min(free.devices.count(1000), gpu // 1000)
        pack = (whole, gpu, max(get("cpu", 0), 0), max(get("memory", 0), 0))
        if strategy == "pack":
            return (*pack, name)
        if strategy == "spread":
            shares = [max(v - get(k, 0), 0) * 10**6 // v for k, v in node.capacity.items() if v > 0]
            return (max(shares, default=0), sum(shares), name)
        if strategy == "cheapest":
            return (price(node), *pack, name)
        if strategy == "best-fit":
            return (gpu * 16 + max(get("cpu", 0), 0), name)
        after = free.copy()
        after.put(request, TaskPlacement(name, free.cards(request)), 1)
        more = sum(w * (waste(after, r) - waste(free, r)) for w, r in self.mix)
        return (more, *pack, name)

    def best(self, names, request):
        fitting = [n for n in names if self.fits(n, request)]
        return min(fitting, key=lambda n: self.score(n, request, self.strategy), default=None)

    def take(self, name, index):
        request = self.request(index)
        task = TaskPlacement(name, self.free[name].cards(request))
        self.free[name].put(request, task, 1)
        self.done.append(task)
        if self.anti is not None:
            self.near.append(self.world.nodes[name])

    def slots(self, names, request, limit):
        total = 0
        for name in names:
            if not self.fits(name, request):
                continue
            count, free = 0, self.free[name].copy()
            most = 1 if self.anti is not None and self.spec.tasks > 1 else limit
            while count < most and (cards := free.cards(request)) is not None:
                free.put(request, TaskPlacement(name, cards), 1)
                count += 1
            total += count
        return min(total, limit)

    def run(self, choose, first, last, *, partly=False):
        saved = self.save()
        for index in range(first, last):
            name = choose(self.request(index))
            if name is None:
                if not partly:
                    self.load(saved)
                return False
            self.take(name, index)
        return True
