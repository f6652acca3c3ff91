"""What a person could ask first, from the corpus itself."""

from django.db.models import Count

from ingest.models import Image
from ingest.vocabulary import label_of

MOST = 6
LONGEST = 60


def suggestions() -> list[str]:
    """Modality and region pairs that exist, most frequent first, then beginnings of captions."""
    pairs = (
        Image.objects.exclude(modality="")
        .exclude(anatomy="")
        .values_list("modality", "anatomy")
        .annotate(n=Count("pk"))
        .order_by("-n")[:MOST]
    )
    found = [
        f"{label_of('modality', modality)} of the {label_of('anatomy', anatomy).lower()}"
        for modality, anatomy, _ in pairs
    ]
    captions = Image.objects.exclude(caption_clean="").order_by("-sha256")
    for caption in captions.values_list("caption_clean", flat=True)[:MOST]:
        sentence = caption.split(". ")[0].rstrip(".")
        if len(sentence) <= LONGEST:
            found.append(sentence)
    return found[:MOST]
