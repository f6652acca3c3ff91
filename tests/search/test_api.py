import json
from typing import Any

import pytest
from django.test import Client

from search.models import Conversation, IndexBuild, SavedSearch, Turn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(editor: Any) -> Client:
    client = Client()
    client.force_login(editor)
    return client


def post(api: Client, url: str, body: Any) -> Any:
    return api.post(url, json.dumps(body), content_type="application/json")


def test_a_search_gives_state_chips_hits_and_facets(build: IndexBuild, api: Client) -> None:
    body = api.get("/api/v1/search", {"q": "CT of the abdomen", "limit": 3}).json()
    assert {hit["external_id"] for hit in body["hits"]} == {"stone", "stent"}
    assert {chip["label"] for chip in body["chips"]} == {"CT", "Abdomen"}
    modality = next(f for f in body["facets"] if f["field"] == "modality")
    selected = {v["value"] for v in modality["values"] if v["selected"]}
    assert selected == {"ct"}
    assert (body["total"], body["ranked"]) == (2, 2)


def test_a_facet_parameter_filters_and_shows_as_a_chip(build: IndexBuild, api: Client) -> None:
    body = api.get("/api/v1/search", {"q": "woman", "modality": ["mri", "ct"]}).json()
    assert {h["modality"] for h in body["hits"]} <= {"mri", "ct"}
    assert {"filter:modality:mri", "filter:modality:ct"} <= {c["id"] for c in body["chips"]}


def test_modes_differ_and_image_examples_leave_themselves_out(
    build: IndexBuild, api: Client, images: dict[str, Any]
) -> None:
    words = api.get("/api/v1/search", {"q": "effusion", "mode": "lexical"}).json()
    assert words["ranked"] == 2
    like = api.get("/api/v1/search", {"like": images["knee"].pk, "mode": "semantic"}).json()
    assert "knee" not in {hit["external_id"] for hit in like["hits"]}
    assert like["ranked"] == 7


def test_highlights_mark_the_matching_words(build: IndexBuild, api: Client) -> None:
    hits = api.get("/api/v1/search", {"q": "gallstone", "mode": "lexical"}).json()["hits"]
    caption = hits[0]["caption"]
    assert [caption[start:end] for start, end in hits[0]["highlights"]] == ["gallstones"]


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"q": "x", "mode": "magic"}, "mode"),
        ({"q": "x", "alpha": "much"}, "alpha"),
        ({"q": "x", "alpha": "7"}, "alpha"),
        ({"q": "x", "limit": "1000"}, "limit"),
        ({"q": "x", "offset": "-1"}, "offset"),
        ({"q": "x", "like": "abc"}, "like"),
        ({"q": "x", "like": "9" * 30}, "image"),
    ],
)
def test_bad_parameters_get_a_problem_that_names_them(
    build: IndexBuild, api: Client, parameters: dict[str, str], part: str
) -> None:
    response = api.get("/api/v1/search", parameters)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert part in response.json()["detail"]


@pytest.mark.parametrize(
    "text", ["'", '"', "\\", "🩻", "AND OR NOT (", "a" * 9000, "%00", "<script>", "field:", "-"]
)
def test_no_utterance_breaks_the_search(build: IndexBuild, api: Client, text: str) -> None:
    assert api.get("/api/v1/search", {"q": text}).status_code == 200


def test_without_an_index_it_is_unavailable_and_says_why(api: Client) -> None:
    response = api.get("/api/v1/search", {"q": "x"})
    assert response.status_code == 503
    assert "index build" in response.json()["detail"]


def test_an_anonymous_client_gets_nothing(build: IndexBuild) -> None:
    for url in ("/api/v1/search?q=x", "/api/v1/turns/1", "/api/v1/saved-searches"):
        assert Client().get(url).status_code in (401, 403)


def test_a_turn_by_post_is_the_same_as_the_stored_one(build: IndexBuild, api: Client) -> None:
    made = post(api, "/api/v1/turns", {"utterance": "knee MRI", "settings": {"alpha": 0.3}})
    assert made.status_code == 201
    body = made.json()
    assert body["state"]["alpha"] == 0.3
    again = api.get(f"/api/v1/turns/{body['turn']}").json()
    assert again["hits"] == body["hits"]
    edited = post(
        api, "/api/v1/turns", {"turn": body["turn"], "edits": [{"op": "set", "alpha": 1}]}
    )
    assert edited.json()["conversation"] == body["conversation"]
    assert Turn.objects.count() == 2


def test_voting_saving_and_deleting_over_http(
    build: IndexBuild, api: Client, images: dict[str, Any]
) -> None:
    turn = post(api, "/api/v1/turns", {"utterance": "knee"}).json()
    vote = {"image_id": images["knee"].pk, "value": 1}
    url = f"/api/v1/turns/{turn['turn']}/feedback"
    assert api.put(url, json.dumps(vote), content_type="application/json").json()["value"] == 1
    saved = post(api, "/api/v1/saved-searches", {"name": "Knees", "turn": turn["turn"]})
    assert saved.status_code == 201
    assert saved.json()["count"] == turn["total"]
    assert [row["name"] for row in api.get("/api/v1/saved-searches").json()] == ["Knees"]
    assert api.delete(f"/api/v1/saved-searches/{saved.json()['id']}").status_code == 204
    assert api.delete(f"/api/v1/conversations/{turn['conversation']}").status_code == 204
    assert (SavedSearch.objects.count(), Conversation.objects.count()) == (0, 0)


def test_a_name_that_is_taken_is_replaced_only_if_so_asked(build: IndexBuild, api: Client) -> None:
    first = post(api, "/api/v1/turns", {"utterance": "knee"}).json()
    second = post(api, "/api/v1/turns", {"utterance": "brain"}).json()
    url = "/api/v1/saved-searches"
    saved = post(api, url, {"name": "Round", "turn": first["turn"]}).json()
    refused = post(api, url, {"name": "Round", "turn": second["turn"]})
    assert refused.status_code == 409
    assert "“Round”" in refused.json()["detail"]
    assert api.get(f"{url}/{saved['id']}").json()["state"] == first["state"]
    replaced = post(api, url, {"name": "Round", "turn": second["turn"], "replace": True})
    assert (replaced.status_code, replaced.json()["id"]) == (200, saved["id"])
    assert replaced.json()["state"] == second["state"]


def test_what_belongs_to_others_is_not_found(
    build: IndexBuild, api: Client, django_user_model: Any
) -> None:
    turn = post(api, "/api/v1/turns", {"utterance": "knee"}).json()
    saved = post(api, "/api/v1/saved-searches", {"name": "Mine", "turn": turn["turn"]}).json()
    other = Client()
    other.force_login(django_user_model.objects.create_user("other"))
    assert other.get(f"/api/v1/turns/{turn['turn']}").status_code == 404
    assert other.get(f"/api/v1/saved-searches/{saved['id']}").status_code == 404
    assert other.delete(f"/api/v1/conversations/{turn['conversation']}").status_code == 404
    assert other.get(f"/c/{turn['conversation']}/").status_code == 404
    assert other.get("/api/v1/saved-searches").json() == []


def test_progress_of_jobs_is_for_those_who_may_see_them(
    build: IndexBuild, api: Client, admin_client: Client
) -> None:
    url = f"/api/v1/jobs/indexbuild/{build.pk}"
    assert api.get(url).status_code == 404
    assert admin_client.get(url).json()["status"] == "succeeded"
    assert admin_client.get("/api/v1/jobs/nonsense/1").status_code == 404


def test_a_session_cannot_write_without_the_csrf_token(build: IndexBuild, editor: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    response = post(client, "/api/v1/turns", {"utterance": "knee"})
    assert response.status_code == 403


def test_the_number_of_queries_does_not_grow_with_the_hits(build: IndexBuild, api: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    api.get("/api/v1/search", {"q": "knee"})
    counts = []
    for limit in (1, 8):
        with CaptureQueriesContext(connection) as queries:
            api.get("/api/v1/search", {"q": "knee", "limit": limit})
        counts.append(len(queries))
    assert counts[0] == counts[1]
