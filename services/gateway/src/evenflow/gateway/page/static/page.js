// Keeps the page fresh from /status-stream. Values are set as text, never as HTML.
"use strict";

const byId = (id) => document.getElementById(id);

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = String(text);
  if (className) made.className = className;
  return made;
}

function row(cells, className) {
  const made = element("tr", undefined, className);
  for (const cell of cells) made.append(cell instanceof Node ? cell : element("td", cell));
  return made;
}

function fill(id, rows, emptyText) {
  const body = byId(id);
  if (rows.length === 0) {
    const cell = element("td", emptyText);
    cell.colSpan = 8;
    rows = [row([cell], "empty")];
  }
  body.replaceChildren(...rows);
}

function bar(ratio, className) {
  const cell = element("td", undefined, className);
  if (ratio === null) {
    cell.append("–");
    return cell;
  }
  const meter = element("meter");
  meter.max = 1;
  meter.value = ratio;
  cell.append(meter, ` ${Math.round(100 * ratio)} %`);
  return cell;
}

function path(queue) {
  const cell = element("td", queue.path);
  for (const alert of queue.alerts) cell.append(" ", element("small", alert, "alert"));
  return cell;
}

function amount(kind, value) {
  if (kind === "cpu" || kind === "gpu") return String(value / 1000);
  return value ? `${(value / 2 ** 30).toFixed(1).replace(/\.0$/, "")}Gi` : "0";
}

function nodeState(node) {
  if (node.is_cordoned) return "cordoned";
  if (node.resting_until) return "resting";
  return node.is_ready ? "ready" : "not ready";
}

function show(snapshot) {
  const { status } = snapshot;
  const texts = {
    state: status.state,
    cluster: status.cluster,
    pending: status.scheduler.pending_jobs,
    running: status.scheduler.running_jobs,
    policy: status.scheduler.policy,
  };
  for (const [name, text] of Object.entries(texts)) {
    document.querySelector(`[data-text="${name}"]`).textContent = String(text);
  }
  document.querySelector('[data-text="state"]').className = `state ${status.state}`;
  byId("services").replaceChildren(
    ...Object.entries(status.services).map(([name, service]) => {
      const item = element("li", undefined, service.state);
      item.append(element("b", name), ` ${service.state}`);
      for (const reason of Object.values(service.reasons)) {
        item.append(" ", element("small", reason));
      }
      return item;
    }),
  );
  byId("usage").textContent = snapshot.usage_text;
  byId("usage").className = byId("queues").className = status.usage.freshness;
  fill("queues", snapshot.queues.map((queue) => row([
    path(queue), queue.pending_jobs, queue.running_jobs, queue.total_jobs,
    bar(queue.held_ratio), bar(queue.used_ratio, "used"), bar(queue.weight_ratio),
  ], queue.enabled ? "" : "off")), "No queues yet.");
  fill("nodes", snapshot.nodes.map((node) => row([
    node.name, nodeState(node),
    ...["cpu", "memory", "gpu"].map((kind) =>
      `${amount(kind, node.held[kind] ?? 0)} of ${amount(kind, node.capacity[kind] ?? 0)}`),
  ])), "No nodes seen yet.");
  fill("jobs", snapshot.jobs.map((job) => {
    const name = element("td", job.name);
    name.title = job.id;
    return row([name, job.queue, job.user_id, job.phase, job.attempt, job.nodes,
      job.submitted_at.slice(0, 19), job.reason], job.status);
  }), "No jobs yet. Submit one: evenflow submit -- echo hello");
}

function listen() {
  const source = new EventSource("/status-stream");
  source.addEventListener("snapshot", (event) => {
    byId("lost").hidden = true;
    show(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    byId("lost").hidden = false;
    if (source.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
    const again = () => setTimeout(listen, 3000);
    fetch("/api/v1/whoami").then((answer) => {
      if (answer.status === 401) location.reload(); // the session has ended: how to get in again
      else again();
    }, again);
  });
}

listen();
