"""What pictures are compared with: words, examples of the corpus and pictures of one's own."""

import asyncio
import logging
from collections.abc import Sequence

from django.utils.translation import gettext as _

from ingest.errors import BadPicture
from ingest.models import Image
from search.encoding import region_vector, text_vectors
from search.engines.base import Index, Vector
from search.models import IndexBuild
from search.query import mixed
from search.query_images import EXPIRED, find
from search.understanding.state import ImageReference, QueryState

logger = logging.getLogger(__name__)

# How far an excluded finding pushes the vector away.
PUSH_AWAY = 0.3

Parts = list[tuple[float, Vector]]


async def query_vector(
    state: QueryState, build: IndexBuild, index: Index, owner: int | None
) -> tuple[Vector | None, list[str]]:
    """
    The vector, of unit length, or None where nothing counts; and what was left out, in sentences.
    Of pictures that people brought, those of `owner` take part. Raises EncoderUnavailable where a
    model has to read something, and what the engine raises.
    """
    notices: list[str] = []
    parts = await asyncio.to_thread(_texts, state, build)
    if any(image.upload for image in state.images):
        parts += await asyncio.to_thread(_own_pictures, state, build, owner, notices)
    examples = [image for image in state.images if image.image_id and image.weight]
    parts += await _cut(examples, build, notices)
    wanted = {i.image_id: i.weight for i in examples if i.image_id and not i.region}
    found = await index.embeddings(list(wanted))
    if len(found) < len(wanted):
        notices.append(_("An example image is not in this index and was left out."))
    parts += [(wanted[image_id], vector) for image_id, vector in found.items()]
    vector = mixed(parts)
    if parts and vector is None:
        notices.append(_("What this search asks for and against cancels out."))
    return vector, notices


def _texts(state: QueryState, build: IndexBuild) -> Parts:
    """
    The wanted words as one text, those weighed by hand each as its own, and each excluded finding
    as a push away from it.
    """
    texts = [(1.0, state.encoder_text)] if state.encoder_text else []
    texts += [(phrase.weight, phrase.text) for phrase in state.weighed]
    texts += [(-PUSH_AWAY, phrase.text) for phrase in state.phrases if phrase.excluded]
    if not texts:
        return []
    vectors = text_vectors(build, [text for _, text in texts])
    return [(weight, vector) for (weight, _), vector in zip(texts, vectors, strict=True)]


async def _cut(examples: Sequence[ImageReference], build: IndexBuild, notices: list[str]) -> Parts:
    """Examples of which only a part counts."""
    cut = [(i.image_id, i.region, i.weight) for i in examples if i.image_id and i.region]
    rows = Image.objects.filter(pk__in=[row[0] for row in cut])
    files = {pk: file async for pk, file in rows.values_list("pk", "file")}
    parts = []
    for image_id, region, weight in cut:
        try:
            vector = await asyncio.to_thread(region_vector, build, files[image_id], region)
            parts.append((weight, vector))
        except (KeyError, OSError, BadPicture):
            logger.warning("a part of image %s could not be read", image_id)
    if len(parts) < len(cut):
        notices.append(_("An example image could not be read and was left out."))
    return parts


def _own_pictures(
    state: QueryState, build: IndexBuild, owner: int | None, notices: list[str]
) -> Parts:
    parts = []
    for image in state.images:
        if not image.upload:
            continue
        picture = find(owner, image.upload)
        if picture is None:
            notices.append(f"{EXPIRED}.")
        elif picture.fingerprint != build.fingerprint:
            notices.append(_("A picture was added before the model changed, add it again."))
        else:
            parts.append((image.weight, picture.vector))
    return parts
