// Live progress of one job: a socket where it opens, polling where it does not.

const ENDED = new Set(["succeeded", "failed", "cancelled", "lost"]);
const POLL_EVERY = 1500;

const root = document.querySelector("[data-job]");
const part = (name) => root.querySelector(`[data-job-${name}]`);
let status = root.dataset.status;
let heard = 0;

function show(snapshot) {
  heard = Date.now();
  part("status").textContent = snapshot.status;
  part("status").className = `job-state ${snapshot.status}`;
  part("bar").max = snapshot.total || 1;
  part("bar").value = snapshot.done;
  const left = snapshot.seconds_left === null ? "" : `, about ${Math.ceil(snapshot.seconds_left)} s left`;
  part("count").textContent = snapshot.total
    ? `${snapshot.done} of ${snapshot.total} ${snapshot.unit}, ${Math.round(snapshot.seconds)} s${left}`
    : "";
  part("message").textContent = snapshot.message;
  part("error").textContent = snapshot.error;
  if (ENDED.has(snapshot.status) && !ENDED.has(status)) location.reload();
  status = snapshot.status;
}

async function poll() {
  if (ENDED.has(status)) return;
  if (Date.now() - heard > POLL_EVERY) {
    try {
      const response = await fetch(root.dataset.progressUrl);
      if (response.ok) show(await response.json());
    } catch {
      part("message").textContent = "The server does not answer. Trying again.";
    }
  }
  await refreshFigures();
  setTimeout(poll, POLL_EVERY);
}

// Each figure is a piece of HTML or an SVG; a login page that came instead of one is no figure.
async function refreshFigures() {
  for (const figure of root.querySelectorAll("[data-job-refresh]")) {
    const response = await fetch(figure.dataset.jobRefresh).catch(() => null);
    if (!response?.ok || response.redirected) continue;
    const text = await response.text().catch(() => null);
    if (text === null) continue;
    const fresh = new DOMParser().parseFromString(text, "text/html");
    figure.replaceChildren(...fresh.body.childNodes);
  }
}

if (!ENDED.has(status)) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}${root.dataset.socketPath}`);
  socket.addEventListener("message", (event) => show(JSON.parse(event.data)));
  poll();
}
