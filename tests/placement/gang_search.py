"""Places whole jobs: clusters, levels, and what elastic gangs take beyond their least."""

from evenflow.common.domain.jobs.constraints import NODE_LEVEL
from tests.placement.search import Search
from tests.placement.world import price


class GangSearch(Search):
    """The rule for gangs, without any memory."""

    def fullness(self, names):
        return tuple(
            sum(self.free[n].amounts.get(r, 0) for n in names) for r in ("gpu", "cpu", "memory")
        )

    def split(self, names, level):
        domains = {}
        for name in names:
            domains.setdefault(self.world.nodes[name].labels.get(level), []).append(name)
        return domains

    def fullest_first(self, names, level):
        domains = self.split(names, level)
        named = [(self.fullness(d), value, d) for value, d in domains.items() if value is not None]
        return [d for _, _, d in sorted(named)]

    def one_node(self, names, tasks):
        for name in sorted(names, key=lambda n: self.score(n, {}, "pack")):
            if self.run(lambda r, name=name: name if self.fits(name, r) else None, 0, tasks):
                return True
        return False

    def few(self, names, level, used):
        """Domains in use first, then the one with room for most tasks."""
        domains = {n: [n] for n in names} if level == NODE_LEVEL else self.split(names, level)
        orders = {}

        def rank(value, request):
            names = domains[value]
            if level == NODE_LEVEL:
                fits = self.fits(value, request)
                last = self.score(value, request, self.strategy) if fits else ()
            else:
                last = (self.fullness(names), value or "")
            return (value is None, -self.slots(names, request, self.spec.tasks), last)

        def order(request):
            key = tuple(sorted((k, v) for k, v in request.items() if v))
            if key not in orders:
                orders[key] = sorted(domains, key=lambda value: rank(value, request))
            return orders[key]

        def choose(request):
            for value in used:
                if (name := self.best(domains[value], request)) is not None:
                    return name
            for value in order(request):
                if value not in used and (name := self.best(domains[value], request)) is not None:
                    used.append(value)
                    return name
            return None

        return choose

    def inside(self, names, targets):
        preferred = self.constraints.preferred_level
        if preferred is None:
            return self.run(lambda r: self.best(names, r), 0, targets[-1])
        for tasks in targets:
            if preferred == NODE_LEVEL:
                if self.one_node(names, tasks):
                    return True
            else:
                for domain in self.fullest_first(names, preferred):
                    if self.run(lambda r, d=domain: self.best(d, r), 0, tasks):
                        return True
        return self.run(self.few(names, preferred, []), 0, targets[-1])

    def start(self, names):
        required = self.constraints.required_level
        targets = list(dict.fromkeys((self.spec.tasks, self.spec.least_tasks)))
        if required is None:
            return self.inside(names, targets)
        for tasks in targets:
            if required == NODE_LEVEL:
                if self.one_node(names, tasks):
                    return True
            else:
                for domain in self.fullest_first(names, required):
                    if self.inside(domain, [tasks]):
                        return True
        return False

    def extend(self, names, held, first):
        c, nodes = self.constraints, self.world.nodes
        if c.required_level == NODE_LEVEL:
            names = [held[0]]
        elif c.required_level is not None:
            value = nodes[held[0]].labels.get(c.required_level)
            if value is None:
                return
            names = self.split(names, c.required_level)[value]
        if c.preferred_level is None or c.required_level == NODE_LEVEL:
            self.run(lambda r: self.best(names, r), first, self.spec.tasks, partly=True)
            return
        if c.preferred_level == NODE_LEVEL:
            used = [n for n in held if n in names]
        else:
            used = [nodes[n].labels.get(c.preferred_level) for n in held if n in names]
        choose = self.few(names, c.preferred_level, list(dict.fromkeys(used)))
        self.run(choose, first, self.spec.tasks, partly=True)

    def place(self):
        clusters = {}
        for name, node in self.world.nodes.items():
            if node.kind == self.spec.executor:
                clusters.setdefault(node.cluster, []).append(name)
        for cluster in self.cluster_order(clusters):
            names = clusters[cluster]
            if self.start(names):
                self.extend(names, [t.node for t in self.done], len(self.done))
                return tuple(self.done)
        return None

    def cluster_order(self, clusters):
        nodes = self.world.nodes
        free = self.free

        def sums(names):
            return {
                r: (
                    sum(free[n].amounts.get(r, 0) for n in names),
                    sum(nodes[n].capacity.get(r, 0) for n in names),
                )
                for r in ("cpu", "memory", "gpu")
            }

        def dislike(cluster):
            names = clusters[cluster]
            match self.world.settings.cluster_strategy:
                case "load-balance":
                    return sum(
                        part * ((whole - left) * 10**6 // whole) if whole else 0
                        for part, (left, whole) in zip((3, 3, 4), sums(names).values(), strict=True)
                    )
                case "best-fit":
                    return self.fullness(names)
                case "priority":
                    return -max(
                        int(nodes[n].labels.get("cluster-priority", 0))
                        * int(nodes[n].labels.get("cluster-weight", 1))
                        for n in names
                    )
                case "cost":
                    saved = self.save()
                    is_placed = self.start(names)
                    cost = sum(price(nodes[t.node]) for t in self.done[: self.spec.least_tasks])
                    self.load(saved)
                    return cost if is_placed else 1 << 90
                case _:
                    return 0

        named = [c for c in self.constraints.clusters if c in clusters]
        return named + sorted(
            (c for c in clusters if c not in named), key=lambda c: (dislike(c), c)
        )
