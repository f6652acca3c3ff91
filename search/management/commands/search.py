import json
from argparse import ArgumentParser
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand, CommandError

from ingest.models import Image
from search import wire
from search.asking import read, with_examples, with_settings
from search.engines.base import EngineError
from search.models import LiveIndex
from search.retrieval import NothingIndexed
from search.understanding.state import InvalidState, QueryState

SHOWN = ("image_id", "external_id", "rank", "score", "bm25", "cosine", "caption", "modality")


class Command(BaseCommand):
    help = "Search the live index as the page does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("utterance", nargs="?", default="")
        parser.add_argument("--mode", choices=["hybrid", "lexical", "semantic"], default="hybrid")
        parser.add_argument("--alpha", type=float, default=0.5)
        parser.add_argument("--fusion", choices=["linear", "rrf"], default="linear")
        parser.add_argument(
            "--sort", choices=["relevance", "newest", "oldest", "source"], default="relevance"
        )
        parser.add_argument(
            "--denied", action="store_true", help="what captions deny counts in full"
        )
        parser.add_argument("--limit", type=int, default=10)
        parser.add_argument("--like", metavar="IMAGE_ID", action="append", default=[])
        parser.add_argument(
            "--with-caption", action="store_true", help="the caption of --like counts as words"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            state = _state(options)
            response = async_to_sync(wire.answer)(
                state, LiveIndex.current(), limit=max(options["limit"], 1)
            )
        except (InvalidState, NothingIndexed, EngineError) as exc:
            raise CommandError(str(exc)) from exc
        if options["json"]:
            hits = [{key: hit[key] for key in SHOWN} for hit in _rows(response)]
            whole = {key: response[key] for key in ("state", "chips", "total")}
            report = {**whole, "hits": hits, "timing": response["timing"]}
            self.stdout.write(json.dumps(report, ensure_ascii=False))
            return
        for chip in response["chips"]:
            self.stdout.write(f"[{chip['kind']}] {chip['label']}")
        for hit in response["hits"]:
            head = f"{hit['rank']:3} {hit['score']:.3f} {hit['modality_label']:11}"
            self.stdout.write(f"{head} {hit['external_id']}: {hit['caption'][:90]}")
        self.stdout.write(f"{response['ranked']} ranked of {response['total']}")


def _state(options: dict[str, Any]) -> QueryState:
    settings = {key: options[key] for key in ("mode", "alpha", "fusion", "sort", "denied")}
    state = with_settings(read(options["utterance"]).state, settings)
    likes = [_image_id(text) for text in options["like"]]
    return with_examples(state, likes, captions=options["with_caption"])


def _image_id(text: str) -> int:
    """A number, or the name an image has in its source."""
    found = Image.objects.filter(external_id=text).values_list("pk", flat=True).first()
    if found is None and text.isdecimal():
        found = Image.objects.filter(pk=int(text)).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no image {text!r}.")
    return int(found)


def _rows(response: wire.SearchResponse) -> list[dict[str, Any]]:
    return [dict(hit) for hit in response["hits"]]
