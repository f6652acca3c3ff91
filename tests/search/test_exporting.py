"""The whole ranked list as CSV and JSON, of a turn and of a plain search."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from search import wire
from search.models import IndexBuild

pytestmark = pytest.mark.django_db(transaction=True)


def rows_of(response: Any) -> list[dict[str, str]]:
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_a_search_is_exported_whole_in_its_order_with_where_each_image_is_from(
    build: IndexBuild, browser: Client, images: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    images["knee"].licence, images["knee"].credit = "CC BY 4.0", "Müller et al. 2019"
    images["knee"].source = "https://example.org/article"
    images["knee"].save()
    ranked = browser.get("/api/v1/search", {"q": "meniscus", "limit": 100}).json()["hits"]
    monkeypatch.setitem(wire.answer.__kwdefaults__, "limit", 3)
    response = browser.get("/api/v1/search/export.csv", {"q": "meniscus"})
    assert response["Content-Disposition"] == 'attachment; filename="clipsite-search.csv"'
    rows = rows_of(response)
    assert [row["image_id"] for row in rows] == [str(hit["image_id"]) for hit in ranked]
    assert [row["rank"] for row in rows] == [str(n) for n in range(1, 9)]
    knee = next(row for row in rows if row["external_id"] == "knee")
    assert (knee["licence"], knee["credit"]) == ("CC BY 4.0", "Müller et al. 2019")
    assert (knee["source"], knee["modality"]) == ("https://example.org/article", "MRI")
    assert knee["link"] == f"http://testserver/images/{images['knee'].pk}/"


def test_json_holds_the_same_rows_and_what_was_asked(build: IndexBuild, browser: Client) -> None:
    rows = rows_of(browser.get("/api/v1/search/export.csv", {"q": "effusion"}))
    body = browser.get("/api/v1/search/export.json", {"q": "effusion"}).json()
    assert [str(row["image_id"]) for row in body["images"]] == [row["image_id"] for row in rows]
    assert set(body["images"][0]) == set(rows[0])
    assert (body["ranked"], body["state"]["utterance"]) == (8, "effusion")


def test_a_turn_is_exported_for_its_owner_alone(
    build: IndexBuild, browser: Client, django_user_model: Any
) -> None:
    made = browser.post(
        "/api/v1/turns", {"utterance": "gallstones"}, content_type="application/json"
    ).json()
    url = f"/api/v1/turns/{made['turn']}/export.csv"
    assert rows_of(browser.get(url))[0]["external_id"] == "gallbladder"
    other = Client()
    other.force_login(django_user_model.objects.create_user("other"))
    assert other.get(url).status_code == 404
    for address in (url, "/api/v1/search/export.json?q=x"):
        assert Client().get(address).status_code in (401, 403)


@pytest.mark.parametrize(
    "caption",
    ["=HYPERLINK(1)", "+1", "-2", "@SUM(A1)", "\t=1", "  =1+1", "＝1"],
)
def test_no_cell_is_a_formula(
    build: IndexBuild, browser: Client, images: dict[str, Any], caption: str
) -> None:
    type(images["knee"]).objects.filter(pk=images["knee"].pk).update(caption=caption)
    rows = rows_of(browser.get("/api/v1/search/export.csv", {"q": "knee"}))
    assert next(r for r in rows if r["external_id"] == "knee")["caption"] == f"'{caption}"
    body = browser.get("/api/v1/search/export.json", {"q": "knee"}).json()
    assert caption in {row["caption"] for row in body["images"]}


def test_only_csv_and_json_exist_and_bad_parameters_are_told(
    build: IndexBuild, browser: Client
) -> None:
    assert browser.get("/api/v1/search/export.exe", {"q": "x"}).status_code == 404
    refused = browser.get("/api/v1/search/export.csv", {"q": "x", "alpha": "often"})
    assert (refused.status_code, "alpha" in refused.json()["detail"]) == (400, True)


def test_the_page_links_to_the_export_of_what_it_shows(build: IndexBuild, browser: Client) -> None:
    page = browser.get("/search", {"q": "knee", "modality": "mri"}).content.decode()
    assert 'href="/api/v1/search/export.csv?q=knee&amp;modality=mri"' in page
    made = browser.post(
        "/api/v1/turns", {"utterance": "knee"}, content_type="application/json"
    ).json()
    page = browser.get(f"/c/{made['conversation']}/").content.decode()
    assert f'href="/api/v1/turns/{made["turn"]}/export.json"' in page
