"""What people call the parts of a search, and the words of which one replaces another."""

from __future__ import annotations

import re

# What a person calls a part without naming its content.
PARTS: dict[str, str] = {
    **dict.fromkeys(("modality", "modalities", "kind of image", "technique"), "modality"),
    **dict.fromkeys(("region", "body part", "anatomy", "organ"), "anatomy"),
    **dict.fromkeys(("sex", "sexes", "gender"), "sex"),
    **dict.fromkeys(
        ("year", "years", "date", "dates", "time", "publication year", "publication date"), "year"
    ),
    **dict.fromkeys(("licence", "license", "licences"), "licence"),
    **dict.fromkeys(("side", "sides", "laterality"), "side"),
    **dict.fromkeys(("plane", "planes", "orientation"), "plane"),
    **dict.fromkeys(("age", "ages", "age group"), "age"),
    **dict.fromkeys(
        ("image", "picture", "example", "example image", "reference", "images", "examples"), "image"
    ),
}
PART_WORDS = re.compile(
    r"\s+(?:bit|part|thing|filters?|limits?|restrictions?|constraints?|chips?|requirement)$",
    re.IGNORECASE,
)

# Words of which one replaces another.
RIVALS: dict[str, frozenset[str]] = {
    "side": frozenset({"left", "right", "bilateral", "both sides", "left sided", "right sided"}),
    "plane": frozenset({"axial", "transverse", "sagittal", "coronal", "oblique"}),
    "age": frozenset(
        {"children", "child", "kids", "pediatric", "paediatric", "adult", "adults", "elderly",
         "infants", "infant", "neonates", "neonatal", "adolescents", "teenagers"}
    ),
    "level": frozenset({"cervical", "thoracic", "lumbar", "sacral"}),
}  # fmt: skip
OTHER_SIDE = {"left": "right", "right": "left"}
THE_OTHER = re.compile(
    r"(?:the )?(?:(?:other|opposite|contralateral) (?:side|one)|sides?)", re.IGNORECASE
)
SIDE_NOUN = re.compile(r"\b(left|right)(?:[- ]hand)?[- ](?:sided?|hand)\b", re.IGNORECASE)
PLANE_NOUN = re.compile(
    r"\b(axial|transverse|sagittal|coronal|oblique)\s+"
    r"(?:slices?|views?|sections?|planes?|cuts?|images?|ones|scans?|reconstructions?)\b",
    re.IGNORECASE,
)
PEOPLE_NOUN = re.compile(
    r"\b(male|female|elderly|adult|p(?:a)?ediatric|old|older|young|younger)\s+"
    r"(?:patients?|people|persons?|individuals?|subjects?)\b",
    re.IGNORECASE,
)
