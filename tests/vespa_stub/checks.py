"""What must hold between the parts of a schema. Vespa finds some of it only when it ranks."""

import re
from collections.abc import Iterable, Iterator

from tests.vespa_stub.errors import BadPackage
from tests.vespa_stub.expressions import Node, has_normaliser, names
from tests.vespa_stub.schema import Field, Profile, Schema

_FEATURE = re.compile(r"(\w+)(?:\(([^()]*)\))?(\.\w+)?")
# Rank features of Vespa by what stands in their parentheses.
ABOUT_NOTHING = {"now", "random", "firstPhase", "secondPhase", "nativeRank", "globalSequence",
                 "randomNormal", "randomNormalStable"}  # fmt: skip
ABOUT_A_FIELD = {"attributeMatch", "elementCompleteness", "elementSimilarity", "fieldLength",
                 "fieldMatch", "fieldTermMatch", "foreach", "matchCount", "matches",
                 "nativeAttributeMatch", "nativeFieldMatch", "nativeProximity", "nativeRank",
                 "proximity", "queryCompleteness", "textSimilarity"}  # fmt: skip
ABOUT_A_NUMBER = {"match", "term", "termDistance", "termInfo"}
ABOUT_AN_ATTRIBUTE = {"age", "attribute", "freshness"}
ABOUT_A_LABEL = {"itemRawScore", "rawScore"}
ABOUT_DISTANCE = {"closeness", "distance"}


def check_schema(schema: Schema) -> None:
    _check_fields(schema)
    for profile in schema.profiles.values():
        _check_profile(schema, profile)


def _check_fields(schema: Schema) -> None:
    for name, members in schema.fieldsets.items():
        for member in members:
            if not _field(schema, member, f"fieldset {name}").is_text:
                raise BadPackage(f"fieldset {name}: {member} is not indexed as text.")
        _same_stemming(schema, name, members)
    for name, fields in schema.summaries.items():
        for summary in fields:
            _check_summary(schema, name, summary.source, summary.dynamic)
    for field in schema.fields.values():
        _check_field(field)


def _same_stemming(schema: Schema, name: str, members: Iterable[str]) -> None:
    if len({schema.fields[member].stemming for member in members}) != 1:
        raise BadPackage(f"fieldset {name}: its fields are stemmed differently.")


def _check_summary(schema: Schema, name: str, source: str, dynamic: bool) -> None:
    field = _field(schema, source, f"document-summary {name}")
    if not field.indexing & {"summary", "attribute"}:
        raise BadPackage(f"document-summary {name}: {source} is neither summary nor attribute.")
    if dynamic and not (field.is_text and "summary" in field.indexing):
        raise BadPackage(f"document-summary {name}: {source} cannot be dynamic.")


def _check_field(field: Field) -> None:
    if field.bm25 and not field.is_text:
        raise BadPackage(f"Field {field.name}: enable-bm25 needs an index of text.")
    if bool(field.size) != bool(field.distance_metric):
        raise BadPackage(f"Field {field.name}: tensors, and only they, have a distance-metric.")
    if field.hnsw and not {"attribute", "index"} <= field.indexing:
        raise BadPackage(f"Field {field.name}: hnsw needs 'attribute | index'.")


def _field(schema: Schema, name: str, where: str) -> Field:
    if name not in schema.fields:
        raise BadPackage(f"{where}: there is no field '{name}'.")
    return schema.fields[name]


def _check_profile(schema: Schema, profile: Profile) -> None:
    for place, tree in _expressions(profile):
        where = f"rank-profile {profile.name}, {place}"
        if place != "global-phase" and has_normaliser(tree):
            raise BadPackage(f"{where}: normalizers are only allowed in global-phase.")
        for name in sorted(names(tree)):
            _check_name(schema, profile, name, where)
    for name in profile.match_features:
        _check_name(schema, profile, name, f"rank-profile {profile.name}, match-features")
    for name in profile.functions:
        _check_acyclic(profile, name, ())
    _check_sizes(schema, profile)


def _expressions(profile: Profile) -> Iterator[tuple[str, Node]]:
    if profile.first_phase:
        yield "first-phase", profile.first_phase
    if profile.global_phase:
        yield "global-phase", profile.global_phase
    for name, tree in profile.functions.items():
        yield f"function {name}", tree


def _check_name(schema: Schema, profile: Profile, name: str, where: str) -> None:
    if name in profile.functions:
        return
    found = _FEATURE.fullmatch(name)
    if not found:
        raise BadPackage(f"{where}: '{name}' is no feature.")
    base, inside = found[1], [part for part in (found[2] or "").split(",") if part]
    if base == "query":
        if len(inside) != 1 or inside[0] not in profile.inputs:
            raise BadPackage(f"{where}: {name} is not among the inputs.")
    elif not _is_feature(schema, base, inside, where):
        raise BadPackage(f"{where}: there is no function or rank feature '{name}'.")


def _is_feature(schema: Schema, base: str, inside: list[str], where: str) -> bool:
    if base == "bm25" and len(inside) == 1:
        return _has_bm25(_field(schema, inside[0], where), where)
    if base in ABOUT_DISTANCE and len(inside) == 2:
        return inside[0] == "label" or _has_distance(schema, inside, where)
    if base in ABOUT_AN_ATTRIBUTE and len(inside) == 1:
        return _field(schema, inside[0], where).is_attribute
    if base in ABOUT_A_NUMBER:
        return len(inside) == 1 and inside[0].isdigit()
    if base in ABOUT_A_LABEL and len(inside) == 1:
        return True
    if base in ABOUT_A_FIELD and inside:
        return bool(_field(schema, inside[0], where))
    return base in ABOUT_NOTHING and not inside


def _has_bm25(field: Field, where: str) -> bool:
    if not field.bm25:
        raise BadPackage(f"{where}: field {field.name} does not enable-bm25.")
    return True


def _has_distance(schema: Schema, inside: list[str], where: str) -> bool:
    return inside[0] == "field" and _field(schema, inside[1], where).size > 0


def _check_acyclic(profile: Profile, name: str, above: tuple[str, ...]) -> None:
    if name in above:
        raise BadPackage(f"rank-profile {profile.name}: function {name} calls itself.")
    for used in names(profile.functions[name]) & set(profile.functions):
        _check_acyclic(profile, used, (*above, name))


def _check_sizes(schema: Schema, profile: Profile) -> None:
    """A tensor of a query must be as long as the embeddings that it is compared with."""
    used = {name for _, tree in _expressions(profile) for name in names(tree)}
    compared = [_FEATURE.fullmatch(name) for name in used | set(profile.match_features)]
    embeddings = {
        found[2].split(",")[1]
        for found in compared
        if found and found[1] in ABOUT_DISTANCE and found[2].startswith("field,")
    }
    for name, declared in profile.inputs.items():
        for embedding in embeddings:
            if declared.size and declared.size != schema.fields[embedding].size:
                raise BadPackage(
                    f"rank-profile {profile.name}: query({name}) is {declared.type}, "
                    f"but {embedding} is {schema.fields[embedding].type}."
                )
