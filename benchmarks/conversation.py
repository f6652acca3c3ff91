"""The streaming conversation in a browser, alone and in a crowd: `make bench-conversation`.

Starts the site as `make run` does, over the state under CLIPSITE_VAR, as a person of its own who is
removed at the end. First one page in headless Chromium: words typed, Enter pressed, and from there
the milliseconds to the cards of the words and to those of the fused order, seen by a
MutationObserver. Then many sockets at once; every frame of theirs is checked. Exits with 1 if a
frame is lost or strays, or if a turn in the crowd finds anything else than it finds alone.
"""

import argparse
import os
import platform
import random
import re
import secrets
import signal
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clipsite.settings")

import django

django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from ingest.models import Image
from search.asking import read
from search.models import LiveIndex
from tests.starting import wait_until_ready

SEED = 20261129
WARM_UP = 5
LONGEST_START = 90
OPENINGS = ["show me {}", "find {}", "I am looking for {}", "show me pictures of {}"]
FOLLOW_UPS = [
    "only CT", "only MRI", "only x-rays", "without contrast", "not pediatric", "also {}",
    "more like the second one", "less like #3", "in women", "after 2010", "without {}", "undo",
    "instead {}", "with {}",
]  # fmt: skip

# Started once a page; `heard` of an utterance resolves when its turn is done.
WATCH = """
(() => {
  let began = 0, seen = {}, resolve = () => {};
  const now = () => performance.now() - began;
  addEventListener("keydown", (event) => {
    if (event.key === "Enter") began = event.timeStamp;
  }, true);
  const list = document.querySelector("#results .grid");
  const shows = () => list.querySelector("[data-image-id]") && !list.classList.contains("is-stale");
  new MutationObserver(() => {
    if (!shows()) return;
    seen[list.classList.contains("is-leg") ? "lexical" : "fused"] ??= now();
  }).observe(list, { childList: true, attributes: true, attributeFilter: ["class"] });
  const finish = (end) => () => resolve({ ...seen, [end]: now() });
  new MutationObserver(finish("done")).observe(
    document.getElementById("announcer"), { childList: true });
  new MutationObserver(finish("failed")).observe(
    document.getElementById("problem").firstElementChild, { childList: true });
  window.expect = () => {
    seen = {};
    window.heard = new Promise((settle, fail) => {
      resolve = settle;
      setTimeout(fail, 30_000, new Error("no answer in 30 s"));
    });
  };
})()
"""

# Every talk over a socket of its own, all at once; gives what each turn heard, and what strayed.
CROWD = """
async ([path, talks]) => {
  const found = ({ hits }) => hits.map((hit) => hit.image_id);
  function talk(utterances) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(path);
      const turns = [];
      let strays = 0, conversation = null, sent;
      const current = () => turns.at(-1);
      const next = () => {
        if (turns.length === utterances.length) return setTimeout(() => socket.close(), 500);
        const utterance = utterances[turns.length];
        turns.push({ utterance, turn: null, seqs: [], types: [], found: {}, ms: {} });
        sent = performance.now();
        socket.send(JSON.stringify({ type: "query", utterance, conversation }));
      };
      socket.onopen = next;
      socket.onerror = reject;
      socket.onclose = () => resolve({ turns, strays, conversation });
      socket.onmessage = ({ data: text }) => {
        const frame = JSON.parse(text);
        const { type, turn, seq, data } = frame, now = current();
        if (type === "ack" && now.turn === null) {
          now.turn = turn;
          if (data.utterance !== now.utterance) strays += 1;
          if (conversation !== null && conversation !== data.conversation) strays += 1;
          conversation = data.conversation;
        }
        if (turn !== now.turn || now.types.at(-1) === "done") strays += 1;
        now.seqs.push(seq);
        now.types.push(type);
        const name = data.leg ?? type;
        now.ms[name] = performance.now() - sent;
        if (data.hits) now.found[name] = found(data);
        if (type === "done" || type === "error") next();
      };
    });
  }
  const began = performance.now();
  const heard = await Promise.all(talks.map(talk));
  return { heard, seconds: (performance.now() - began) / 1000 };
}
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--utterances", type=int, default=200)
    parser.add_argument("--sockets", type=int, default=20)
    parser.add_argument("--alone", type=int, default=5, help="talks asked again one by one")
    asked = parser.parse_args()
    build = LiveIndex.current()
    if build is None:
        sys.exit("Nothing is indexed yet.")
    with _free(settings.VALKEY_SOCKET), _person() as session, _site() as address:
        talks = list(_talks(1 + asked.sockets, asked.utterances))
        _head(build)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": session, "url": address}])
            page = context.new_page()
            page.on("pageerror", lambda error: sys.exit(str(error)))
            _print_page(_in_the_page(page, address, talks[0]))
            if asked.sockets:
                page.goto(f"{address}/healthz")
                path = f"ws{address.removeprefix('http')}/ws/search/"
                crowd = page.evaluate(CROWD, [path, talks[1:]])
                alone = [
                    page.evaluate(CROWD, [path, [talk]]) for talk in talks[1 : 1 + asked.alone]
                ]
                _print_crowd(crowd, alone)
            browser.close()


def _in_the_page(page: Page, address: str, talk: Sequence[str]) -> list[dict[str, float]]:
    """Milliseconds from Enter, for each utterance after a warm-up."""
    page.goto(address)
    page.evaluate(WATCH)
    field = page.locator("#composer [name=q]")
    times = []
    for utterance in [*talk[:WARM_UP], *talk]:
        page.evaluate("expect()")
        field.press_sequentially(utterance, delay=5)
        field.press("Enter")
        times.append(page.evaluate("heard"))
    return times[WARM_UP:]


def _print_page(times: list[dict[str, float]]) -> None:
    print(f"One page, {len(times)} utterances, from Enter:\n")
    print("| | turns | median ms | p95 ms | max ms |\n|---|---|---|---|---|")
    for name in ("lexical", "fused", "done"):
        _row(f"to {name}", [ms[name] for ms in times if name in ms])
    if failed := sum("failed" in ms for ms in times):
        sys.exit(f"{failed} turns failed.")


def _print_crowd(crowd: dict[str, Any], alone: list[dict[str, Any]]) -> None:
    heard = crowd["heard"]
    turns = [turn for talk in heard for turn in talk["turns"]]
    faults = {
        "frames that strayed": sum(talk["strays"] for talk in heard),
        "turns with a gap": sum(t["seqs"] != [*range(1, len(t["seqs"]) + 1)] for t in turns),
        "turns without exactly one done": sum(t["types"].count("done") != 1 for t in turns),
        "numbers given twice": len(turns) - len({turn["turn"] for turn in turns}),
    }
    compared = different = 0
    for one, (only,) in zip(heard, (talk["heard"] for talk in alone), strict=False):
        for crowded, quiet in zip(one["turns"], only["turns"], strict=True):
            compared += 1
            different += crowded["found"] != quiet["found"]
    faults["turns that found something else than alone"] = different
    rate = len(turns) / crowd["seconds"]
    print(
        f"\n{len(heard)} sockets at once, {len(turns)} turns in {crowd['seconds']:.0f} s, ", end=""
    )
    print(f"{rate:.1f} a second, {sum(len(t['seqs']) for t in turns)} frames; from sending:\n")
    print("| | turns | median ms | p95 ms | max ms |\n|---|---|---|---|---|")
    for name in ("ack", "lexical", "fused", "done"):
        _row(f"to {name}", [t["ms"][name] for t in turns if name in t["ms"]])
    for name in ("lexical", "fused", "done"):
        quiet = [t["ms"] for talk in alone for one in talk["heard"] for t in one["turns"]]
        _row(f"one socket alone, to {name}", [ms[name] for ms in quiet if name in ms])
    print(f"\nCompared with the same asked alone: {compared} turns.")
    for name, count in faults.items():
        print(f"{name}: {count}")
    if any(faults.values()):
        sys.exit(1)


def _row(name: str, values: list[float]) -> None:
    values = sorted(values)
    p95 = values[int(0.95 * (len(values) - 1))]
    numbers = f"{statistics.median(values):.0f} | {p95:.0f} | {values[-1]:.0f}"
    print(f"| {name} | {len(values)} | {numbers} |", flush=True)


def _head(build: Any) -> None:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"{build.documents} documents, {build.checkpoint}, {build.engine}; {os.cpu_count()} cores "
    )
    print(
        f"{platform.machine()}, load {load} at the start; Python {platform.python_version()}, ",
        end="",
    )
    print(
        ", ".join(f"{name} {version(name)}" for name in ("daphne", "channels", "lancedb", "torch"))
    )


def _talks(count: int, length: int) -> Iterator[list[str]]:
    """Conversations about what captions speak of: a topic, and up to three words on it."""
    chance = random.Random(SEED)
    phrases = sorted(set(_phrases()))
    for _ in range(count):
        talk: list[str] = []
        while len(talk) < length:
            ways = [chance.choice(OPENINGS), *chance.sample(FOLLOW_UPS, chance.randint(0, 3))]
            talk += [way.format(chance.choice(phrases)) for way in ways]
        yield talk[:length]


def _phrases() -> Iterator[str]:
    captions = Image.objects.exclude(caption_clean="").order_by("sha256")
    for caption in captions.values_list("caption_clean", flat=True)[:600]:
        for phrase in read(caption.split(". ")[0][:200]).state.phrases:
            if re.fullmatch(r"[a-z-]+( [a-z-]+){0,3}", phrase.text.lower()):
                yield phrase.text


@contextmanager
def _free(broker: Path) -> Iterator[None]:
    """Another site over the same state would lose its broker to this one."""
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(broker))
        sys.exit("A site runs over this state: stop it first.")
    yield


@contextmanager
def _person() -> Iterator[str]:
    """The session of somebody who leaves nothing behind."""
    user = get_user_model().objects.create_user(f"bench-{secrets.token_hex(4)}")
    client = Client()
    client.force_login(user)
    try:
        yield client.cookies[settings.SESSION_COOKIE_NAME].value
    finally:
        client.logout()
        user.delete()


@contextmanager
def _site() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"]
    subprocess.run(collect, cwd=ROOT, check=True)
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        cwd=ROOT, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, LONGEST_START)
        yield address
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


if __name__ == "__main__":
    main()
