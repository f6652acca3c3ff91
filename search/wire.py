"""What leaves the server: hits, facets and whole answers, the same for page, socket and API."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from asgiref.sync import sync_to_async
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ingest.models import Image
from search.engines.base import FACET_FIELDS
from search.explaining import Why, why
from search.fusion import Ranked
from search.highlighting import highlights
from search.links import Link, link_of
from search.models import Feedback, IndexBuild, Turn
from search.offering import Offer, offers
from search.query import clauses_of
from search.query_images import EXPIRED, is_kept
from search.regions import parameters_of
from search.retrieval import Facets, Finished, retrieve
from search.understanding.chips import chips
from search.understanding.state import QueryState
from search.understanding.values import AGE_GROUPS, NOT_STATED, NOT_STATED_HERE, value_label
from search.understanding.years import years_of

PAGE = 24
FIELD_LABELS = {
    "modality": gettext_lazy("Modality"),
    "anatomy": gettext_lazy("Anatomy"),
    "sex": gettext_lazy("Sex"),
    "age": gettext_lazy("Age"),
    "laterality": gettext_lazy("Side"),
    "year": gettext_lazy("Year"),
    "licence": gettext_lazy("Licence"),
    "collection": gettext_lazy("Collection"),
    "captioned": gettext_lazy("Caption"),
}
MOST_FACET_VALUES = 20


class PictureJson(TypedDict):
    image_id: int
    external_id: str
    caption: str
    alt: str
    modality: str
    modality_label: str
    anatomy: str
    anatomy_label: str
    licence: str
    source: str
    credit: str
    collection: str
    synthetic: bool
    width: int
    height: int
    thumbnail_url: str
    file_url: str
    detail_url: str


class HitJson(PictureJson):
    rank: int
    score: float
    bm25: float
    cosine: float
    bm25_part: float
    cosine_part: float
    lexical_rank: int | None
    semantic_rank: int | None
    similar: list[int]
    weak: bool
    highlights: list[list[int]]
    why: Why
    feedback: int


class FacetValue(TypedDict):
    value: str
    label: str
    count: int
    selected: bool


class FacetJson(TypedDict):
    field: str
    label: str
    values: list[FacetValue]


class SavedAs(TypedDict):
    """`path` opens it as it was saved."""

    name: str
    label: str
    changed: bool
    path: str


class SearchResponse(TypedDict):
    state: dict[str, Any]
    link: Link
    chips: list[dict[str, Any]]
    total: int
    ranked: int
    folded: int
    strong: int
    hits: list[HitJson]
    facets: list[FacetJson]
    timing: dict[str, float]
    notices: list[str]
    offers: list[Offer]
    offset: int
    limit: int


class Addresses:
    """Where images are, below wherever the search is mounted just now.

    Asked for once a page: finding an address takes longer than all else of a row.
    """

    def __init__(self) -> None:
        self._parts = {
            name: reverse(f"search:{name}", args=[0]).rpartition("0")
            for name in ("image", "file", "thumbnail")
        }

    def of(self, name: str, image_id: int) -> str:
        before, _zero, after = self._parts[name]
        return f"{before}{image_id}{after}"


def picture_json(image: Image, addresses: Addresses | None = None) -> PictureJson:
    addresses = addresses or Addresses()
    return PictureJson(
        image_id=image.pk,
        external_id=image.external_id,
        caption=image.caption,
        alt=image.alt,
        modality=image.modality,
        modality_label=image.modality_label if image.modality else "",
        anatomy=image.anatomy,
        anatomy_label=image.anatomy_label if image.anatomy else "",
        licence=image.licence,
        source=image.source,
        credit=image.credit,
        collection=image.collection.name,
        synthetic=image.collection.synthetic,
        width=image.width,
        height=image.height,
        thumbnail_url=addresses.of("thumbnail", image.pk),
        file_url=addresses.of("file", image.pk),
        detail_url=addresses.of("image", image.pk),
    )


def hits_json(
    ranked: Sequence[Ranked],
    state: QueryState,
    turn: Turn | None = None,
    strong: int | None = None,
) -> list[HitJson]:
    """Rows for a page of ranked images, in two queries; of the whole list `strong` match well."""
    ids = [hit.image_id for hit in ranked]
    images = Image.objects.select_related("collection").in_bulk(ids)
    votes: dict[int, int] = {}
    if turn is not None:
        mine = Feedback.objects.filter(turn=turn, image_id__in=ids)
        votes = dict(mine.values_list("image_id", "value"))
    addresses = Addresses()
    clauses = clauses_of(state, {})
    texts = [clause.text for clause in clauses if not clause.together]
    together = [clause.text for clause in clauses if clause.together]
    return [
        _hit_json(
            hit,
            images[hit.image_id],
            state,
            highlights(images[hit.image_id].caption, texts, together),
            votes.get(hit.image_id, 0),
            addresses,
            is_weak=strong is not None and hit.rank > strong,
        )
        for hit in ranked
        if hit.image_id in images
    ]


def _hit_json(
    hit: Ranked, image: Image, state: QueryState, ranges: Sequence[tuple[int, int]], vote: int,
    addresses: Addresses, *, is_weak: bool,
) -> HitJson:  # fmt: skip
    return HitJson(
        **picture_json(image, addresses),
        rank=hit.rank,
        score=hit.score,
        bm25=hit.bm25,
        cosine=hit.cosine,
        bm25_part=hit.bm25_part,
        cosine_part=hit.cosine_part,
        lexical_rank=hit.lexical_rank,
        semantic_rank=hit.semantic_rank,
        similar=list(hit.similar),
        weak=is_weak,
        highlights=[list(r) for r in ranges],
        why=why(hit, state, [image.caption[start:end] for start, end in ranges]),
        feedback=vote,
    )


def chips_json(state: QueryState, owner: int | None = None) -> list[dict[str, Any]]:
    rows = []
    for chip in chips(state):
        row = chip.as_json()
        if chip.upload and not is_kept(owner, chip.upload):
            row |= {"label": str(EXPIRED), "weighable": False, "expired": True}
        elif chip.upload:
            row["thumbnail_url"] = reverse("search:query-image", args=[chip.upload])
        elif chip.image_id:
            address = reverse("search:thumbnail", args=[chip.image_id])
            part = f"?{parameters_of(chip.region)}" if chip.region else ""
            row["thumbnail_url"] = address + part
        rows.append(row)
    return rows


def turn_json(turn: Turn) -> dict[str, Any]:
    """What the utterance did, the image that "why" was asked about, and what it is saved as."""
    can_undo = turn.parent_id is not None
    did = {"moves": turn.moves, "explained": turn.explained, "can_undo": can_undo}
    return {**did, "saved": saved_json(turn)}


def saved_json(turn: Turn) -> SavedAs | None:
    """The saved search that the conversation began with or was last saved as."""
    saved = turn.conversation.saved
    if saved is None:
        return None
    changed = not saved.asks(turn.state)
    sentence = _("%s, changed since") if changed else _("Saved as %s")
    path = f"{reverse('search:results')}?saved={saved.pk}"
    return SavedAs(name=saved.name, label=sentence % saved.name, changed=changed, path=path)


def facets_json(counts: Mapping[str, Mapping[str, int]], state: QueryState) -> list[FacetJson]:
    return [_facet(field, counts.get(field, {}), state) for field in FACET_FIELDS]


def _facet(field: str, counts: Mapping[str, int], state: QueryState) -> FacetJson:
    selected = {v for f in state.filters if f.field == field for v in f.included}
    values = {**dict.fromkeys(sorted(selected), 0), **counts}
    if field == "year":
        spans = {span: sum(counts.get(year, 0) for year in years_of(span)) for span in selected}
        values.update(spans)
        order = sorted(values, reverse=True)
    elif field == "age":
        order = [group for group in AGE_GROUPS if group in values]
        order += values.keys() - AGE_GROUPS.keys()
    else:
        order = sorted(values, key=lambda value: (-values[value], value))
    order.sort(key=lambda value: value == NOT_STATED)
    always = {*selected, NOT_STATED}
    shown = [v for i, v in enumerate(order) if i < MOST_FACET_VALUES or v in always]
    if shown == [NOT_STATED] and not selected:
        shown = []
    return FacetJson(
        field=field,
        label=str(FIELD_LABELS[field]),
        values=[
            FacetValue(
                value=value,
                label=NOT_STATED_HERE if value == NOT_STATED else value_label(field, value),
                count=values[value],
                selected=value in selected,
            )
            for value in shown
        ],
    )


async def answer(
    state: QueryState,
    build: IndexBuild | None,
    *,
    turn: Turn | None = None,
    owner: int | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> SearchResponse:
    """The whole search at once: what the API, the plain page and the command give.

    `owner`, by default that of the turn, is the person who asks.
    """
    owner = turn.conversation.user_id if turn else owner
    finished, counts = await _found(state, build, owner)
    return await _response(state, build, finished, counts, turn, owner, offset, limit)


async def answer_turn(turn: Turn, *, offset: int = 0, limit: int = PAGE) -> SearchResponse:
    """As `answer`; from the start on, the turn keeps what it found as it does on the socket."""
    state, owner = turn.query_state, turn.conversation.user_id
    build = await sync_to_async(turn.answering_build)()
    finished, counts = await _found(state, build, owner)
    if not offset:
        ids = [hit.image_id for hit in finished.hits]
        await sync_to_async(turn.answered)(finished.total, ids)
    return await _response(state, build, finished, counts, turn, owner, offset, limit)


async def _found(
    state: QueryState, build: IndexBuild | None, owner: int | None
) -> tuple[Finished, dict[str, dict[str, int]]]:
    counts: dict[str, dict[str, int]] = {}
    finished = Finished([], [], 0, 0, {}, [])
    async for event in retrieve(state, build, owner):
        if isinstance(event, Facets):
            counts = event.counts
        elif isinstance(event, Finished):
            finished = event
    return finished, counts


async def _response(
    state: QueryState, build: IndexBuild | None, finished: Finished,
    counts: dict[str, dict[str, int]], turn: Turn | None, owner: int | None, offset: int,
    limit: int,
) -> SearchResponse:  # fmt: skip
    page = finished.hits[offset : offset + limit]
    offered: list[Offer] = []
    if offset == 0:
        offered = await offers(state, build, finished.hits, counts, finished.total)
    return SearchResponse(
        state=state.as_json(),
        link=link_of(state),
        chips=await sync_to_async(chips_json)(state, owner),
        total=finished.total,
        ranked=len(finished.hits),
        folded=len(finished.pool) - len(finished.hits),
        strong=finished.strong,
        hits=await sync_to_async(hits_json)(page, state, turn, finished.strong),
        facets=facets_json(counts, state),
        timing=finished.timing,
        notices=list(finished.notices),
        offers=offered,
        offset=offset,
        limit=limit,
    )
