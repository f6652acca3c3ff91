"""The application package and the adapter speak of the same names."""

import re

import numpy as np
from django.conf import settings

from search.engines import vespa_http
from search.engines import vespa_queries as queries
from search.engines.base import (
    FACET_FIELDS,
    FILTER_FIELDS,
    Blend,
    Clause,
    Document,
    Generation,
    Scope,
)
from search.engines.vespa import VespaEngine, _fields
from search.engines.vespa_package import SLOTS, render, sizes_in
from tests.vespa_stub.package import parse_package
from tests.vespa_stub.schema import Field

FILES = render(settings.VESPA_PACKAGE, {"a": 8, "b": 12})
PACKAGE = parse_package({path: text.encode() for path, text in FILES.items()})
DOCUMENT = Document(1, "c", "c", "ct", "", "", "", "", "", "train")


def field(name: str) -> Field:
    return PACKAGE.schema.fields[name]


def test_every_field_that_is_fed_stands_in_the_schema_and_no_other() -> None:
    fed = {*_fields(DOCUMENT)}
    for slot in SLOTS:
        fed |= {f"generation_{slot}", f"picture_digest_{slot}", f"embedding_{slot}"}
    assert fed == set(PACKAGE.schema.fields)


def test_what_is_filtered_by_is_an_attribute_with_an_index() -> None:
    for name in (*FILTER_FIELDS, "image_id", "generation_a", "generation_b"):
        assert "attribute" in field(name).indexing
        schema = FILES["schemas/image.sd"].split(f"field {name} type")[1].split("}")[0]
        assert "fast-search" in schema
        assert "rank: filter" in schema


def test_both_texts_have_bm25_and_the_same_stems() -> None:
    for name in ("caption", "negated"):
        schema = FILES["schemas/image.sd"].split(f"field {name} type")[1].split("}")[0]
        assert "enable-bm25" in schema
        assert "stemming: best" in schema


def test_vectors_are_small_and_compared_by_angle() -> None:
    assert sizes_in(FILES["schemas/image.sd"]) == {"a": 8, "b": 12}
    assert FILES["schemas/image.sd"].count("distance-metric: prenormalized-angular") == 2
    for slot, size in (("a", 8), ("b", 12)):
        assert field(f"embedding_{slot}").type == f"tensor<bfloat16>(x[{size}])"


def test_every_profile_and_summary_that_is_asked_for_exists() -> None:
    asked_for, summaries = set(), set()
    for slot in SLOTS:
        generation = Generation(1, slot)
        vector = np.ones(8, np.float32)
        clauses = [Clause("pleural effusion"), Clause("chest", 0.5)]
        bodies = [
            queries.lexical(generation, clauses, Scope(), 5),
            queries.semantic(generation, vector, Scope(), 5, exact=True),
            queries.candidates(generation, [1], clauses, vector, Blend()),
            queries.candidates(generation, [1], clauses, vector, Blend("rrf")),
            queries.facets(generation, FACET_FIELDS, Scope()),
            queries.browse(generation, Scope(), 5),
            queries.embeddings(generation, [1]),
        ]
        for body in filter(None, bodies):
            asked_for.add(body["ranking.profile"])
            summaries.add(body["presentation.summary"])
    ours = {f"{kind}_{slot}" for kind in ("semantic", "hybrid", "rrf") for slot in SLOTS}
    assert asked_for == {*ours, "lexical", "unranked"}
    assert ours | {"lexical"} <= set(PACKAGE.schema.profiles)
    assert summaries <= set(PACKAGE.schema.summaries)


def test_the_profiles_return_what_the_adapter_reads() -> None:
    for name, profile in PACKAGE.schema.profiles.items():
        if name.startswith(("hybrid", "rrf")):
            assert {"bm25_score", "cosine"} <= set(profile.match_features)
            assert "closeness" in repr(profile.functions["cosine"])


def test_names_of_cluster_schema_and_namespace_agree() -> None:
    services = FILES["services.xml"]
    assert f'<content id="{vespa_http.CLUSTER}"' in services
    assert f'<document type="{vespa_http.SCHEMA}" mode="index"/>' in services
    assert VespaEngine.slots == SLOTS


def test_the_package_holds_no_python_and_only_plain_characters() -> None:
    """The installed library is imported as `vespa`, and a module here would stand before it."""
    assert not list(settings.VESPA_PACKAGE.rglob("*.py"))
    assert not re.search(r"[^\x00-\x7f]", "".join(FILES.values()))
