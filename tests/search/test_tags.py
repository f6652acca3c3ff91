"""Images kept together under a name: all that a search ranks, or one at a time."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from ingest.models import Image
from search.models import IndexBuild, Tag, TaggedImage
from search.models import tags as tag_models
from tests.search.test_names import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def asked(browser: Client, utterance: str) -> dict[str, Any]:
    body = {"utterance": utterance}
    return browser.post("/api/v1/turns", body, content_type="application/json").json()


def exported(browser: Client, path: str) -> list[str]:
    """The numbers of the images in a file, in its order."""
    text = browser.get(path).content.decode("utf-8-sig")
    return [row["image_id"] for row in csv.DictReader(io.StringIO(text))]


def held(tag: Tag) -> list[str]:
    return [str(image.pk) for image in tag.in_order()]


def test_tagging_all_results_of_a_turn_tags_what_its_export_holds_in_its_order(
    build: IndexBuild, browser: Client
) -> None:
    turn = asked(browser, "effusion")
    sent = {"turn_id": turn["turn"], "name": " Lecture  3 "}
    page = browser.post("/tags/all", sent, follow=True)
    assert page.redirect_chain[0][0].startswith(f"/c/{turn['conversation']}/")
    assert "8 images have the tag “Lecture 3”." in page.content.decode()
    assert held(Tag.objects.get()) == exported(browser, f"/api/v1/turns/{turn['turn']}/export.csv")


def test_a_plain_search_is_tagged_whole_and_its_reader_stays_there(
    build: IndexBuild, browser: Client
) -> None:
    address = "q=effusion&modality=x-ray"
    assert f'action="/tags/all?{address.replace("&", "&amp;")}"' in (
        browser.get(f"/search?{address}").content.decode()
    )
    page = browser.post(f"/tags/all?{address}", {"turn_id": "", "name": "films"}, follow=True)
    assert page.redirect_chain[0][0].startswith(f"/search?{address}")
    assert "2 images have the tag “films”." in page.content.decode()
    assert held(Tag.objects.get()) == exported(browser, f"/api/v1/search/export.csv?{address}")
    assert "tagged=" not in page.context["export_query"]


def test_tagging_again_adds_only_what_is_new_in_whatever_case_the_name_is(
    build: IndexBuild, browser: Client, images: dict[str, Image]
) -> None:
    browser.post(f"/images/{images['colon'].pk}/tags", {"name": "Über Alles"})
    for _ in range(2):
        sent = {"turn_id": "", "name": "ÜBER ALLES"}
        page = browser.post("/tags/all?modality=x-ray", sent, follow=True)
    assert "3 images have the tag “Über Alles”." in page.content.decode()
    assert held(Tag.objects.get())[0] == str(images["colon"].pk)


def test_a_form_that_stays_gets_itself_with_the_sentence(
    build: IndexBuild, browser: Client
) -> None:
    sent = {"turn_id": "", "name": "films", "stays": "1"}
    fragment = browser.post("/tags/all?modality=x-ray", sent).content.decode()
    assert fragment.startswith("<form")
    assert "2 images have the tag “films”." in fragment
    assert '<option value="films">' in fragment
    nameless = browser.post("/tags/all?modality=x-ray", sent | {"name": " "}).content.decode()
    assert "A name has 1 to 120 characters." in nameless


def test_an_image_is_tagged_and_untagged_on_its_page_and_in_the_panel(
    browser: Client, images: dict[str, Image]
) -> None:
    knee = images["knee"].pk
    page = browser.post(f"/images/{knee}/tags", {"name": "joints"}, follow=True)
    tag = Tag.objects.get()
    assert page.redirect_chain == [(f"/images/{knee}/", 302)]
    assert f'<a href="/tags/{tag.pk}/">joints</a>' in page.content.decode()
    assert "joints" in browser.get(f"/images/{knee}/about").content.decode()
    sent = {"remove": tag.pk, "stays": "1"}
    fragment = browser.post(f"/images/{knee}/tags", sent).content.decode()
    assert f"/tags/{tag.pk}/" not in fragment
    assert held(tag) == []


def test_the_pages_of_tags_count_show_and_remove(
    browser: Client, images: dict[str, Image], editor: Any
) -> None:
    empty = browser.get("/tags/").content.decode()
    assert "No tags yet" in empty
    tag = Tag.named(editor, "joints")[0]
    tag.add([images["knee"].pk, images["brain"].pk])
    assert "2 images" in browser.get("/tags/").content.decode()
    page = browser.get(f"/tags/{tag.pk}/").content.decode()
    assert page.index("torn meniscus") < page.index("T2-weighted MRI")
    page = browser.post(
        f"/tags/{tag.pk}/remove/{images['knee'].pk}", {"page": "x&y"}, follow=True
    ).content.decode()
    assert "torn meniscus" not in page
    assert "1 image" in page
    assert browser.post(f"/tags/{tag.pk}/delete", follow=True).redirect_chain[0][0] == "/tags/"
    assert not Tag.objects.exists()
    assert len(images) == Image.objects.count()


def test_a_large_tag_is_read_page_by_page(
    browser: Client, editor: Any, images: dict[str, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.tag_pages.PAGE", 3)
    tag = Tag.named(editor, "all")[0]
    tag.add(image.pk for image in images.values())
    shown = [
        image.pk
        for number in (1, 2, 3)
        for image in browser.get(f"/tags/{tag.pk}/", {"page": number}).context["page"]
    ]
    assert shown == [image.pk for image in tag.in_order()]
    assert 'rel="next"' in browser.get(f"/tags/{tag.pk}/").content.decode()


def test_a_tag_is_exported_with_captions_licences_and_sources(
    browser: Client, editor: Any, images: dict[str, Image]
) -> None:
    knee = images["knee"]
    knee.licence, knee.source = "CC BY 4.0", "https://example.org/article"
    knee.save()
    tag = Tag.named(editor, "joints")[0]
    tag.add([knee.pk, images["brain"].pk])
    path = f"/api/v1/tags/{tag.pk}/export"
    assert exported(browser, f"{path}.csv") == held(tag)
    body = browser.get(f"{path}.json").json()
    assert body["tag"] == "joints"
    first = body["images"][0]
    assert (first["rank"], first["caption"]) == (1, "Sagittal MRI of the knee, torn meniscus")
    assert (first["licence"], first["source"]) == ("CC BY 4.0", "https://example.org/article")


def test_renaming_says_what_is_wrong_and_keeps_the_case_that_was_asked(
    browser: Client, editor: Any
) -> None:
    tag, taken = Tag.named(editor, "joints")[0], Tag.named(editor, "Films")[0]
    path = f"/tags/{tag.pk}/name"
    refused = browser.post(path, {"name": "FILMS"})
    assert refused.status_code == 400
    assert refused.context["error"] == "There is a tag named “FILMS” already."
    for wrong in ("", " ", "x" * 121, "a\x00b"):
        assert browser.post(path, {"name": wrong}).status_code == 400
    browser.post(path, {"name": "Joints"})
    tag.refresh_from_db()
    assert (tag.name, taken.name) == ("Joints", "Films")


def test_names_taken_and_tags_deleted_this_instant_are_told_in_a_sentence(
    browser: Client, editor: Any, images: dict[str, Image]
) -> None:
    tag = Tag.named(editor, "joints")[0]
    table = Tag._meta.db_table
    with meanwhile(table, lambda: Tag.named(editor, "films")):
        refused = browser.post(f"/tags/{tag.pk}/name", {"name": "films"})
    assert (refused.status_code, refused.context["error"]) == (
        400, "There is a tag named “films” already.",
    )  # fmt: skip
    with meanwhile(table, lambda: Tag.named(editor, "both"), after_a_look=True):
        made = browser.post(f"/images/{images['knee'].pk}/tags", {"name": "both"})
    assert made.status_code == 302
    assert held(Tag.objects.get(name="both")) == [str(images["knee"].pk)]
    gone = Tag.named(editor, "gone")[0]
    Tag.objects.filter(pk=gone.pk).delete()
    with pytest.raises(tag_models.NotTagged, match="The tag “gone” was deleted"):
        gone.add([images["knee"].pk])


def test_a_tag_that_is_full_takes_none_and_says_how_many_do_not_fit(
    build: IndexBuild, browser: Client, editor: Any, images: dict[str, Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(tag_models, "MOST_TAGGED", 8)
    tag = Tag.named(editor, "few")[0]
    tag.add([images["knee"].pk])
    monkeypatch.setattr(tag_models, "MOST_TAGGED", 7)
    refused = browser.post("/tags/all?q=effusion", {"turn_id": "", "name": "few"})
    sentence = "A tag holds at most 7 images. “few” has 1, so 7 more do not fit."
    assert (refused.status_code, refused.context["error"]) == (400, sentence)
    assert held(tag) == [str(images["knee"].pk)]


def test_markup_in_a_name_is_only_text(
    build: IndexBuild, browser: Client, images: dict[str, Image]
) -> None:
    name = '"><script>alert(1)</script>'
    knee = images["knee"].pk
    browser.post(f"/images/{knee}/tags", {"name": name})
    tag = Tag.objects.get()
    paths = [
        "/", "/tags/", f"/tags/{tag.pk}/", f"/images/{knee}/", f"/images/{knee}/about",
        f"/search?q=knee&tagged={tag.pk}",
    ]  # fmt: skip
    for path in paths:
        page = browser.get(path).content.decode()
        assert "<script>alert" not in page, path
        assert "alert(1)" in page, path


def test_an_image_that_is_deleted_leaves_its_tags(editor: Any, images: dict[str, Image]) -> None:
    tag = Tag.named(editor, "joints")[0]
    tag.add([images["knee"].pk, images["brain"].pk])
    images["knee"].delete()
    assert held(tag) == [str(images["brain"].pk)]
    assert TaggedImage.objects.count() == 1


def test_nobody_else_reaches_a_tag(
    build: IndexBuild, browser: Client, other: Client, editor: Any, images: dict[str, Image]
) -> None:
    knee = images["knee"].pk
    tag = Tag.named(editor, "private matters")[0]
    tag.add([knee])
    own = f"/tags/{tag.pk}"
    for path in (f"{own}/", f"/api/v1{own}/export.csv"):
        assert browser.get(path).status_code == 200
        assert other.get(path).status_code == 404
    forms: list[tuple[str, dict[str, Any]]] = [
        (f"{own}/name", {"name": "mine"}),
        (f"{own}/delete", {}),
        (f"{own}/remove/{knee}", {}),
        (f"/images/{knee}/tags", {"remove": tag.pk}),
        ("/tags/all", {"name": "x", "turn_id": asked(browser, "knee")["turn"]}),
    ]
    for path, sent in forms:
        assert other.post(path, sent).status_code == 404, path
        anonymous = Client().post(path, sent)
        assert (anonymous.status_code, anonymous.url.startswith("/login/")) == (302, True), path
    for path in ("/tags/", f"/images/{knee}/", f"/search?q=knee&tagged={tag.pk}", "/"):
        assert "private matters" not in other.get(path).content.decode(), path
    assert Client().get(f"{own}/").status_code == 302
    assert held(tag) == [str(knee)]


def test_forms_of_other_sites_are_refused(editor: Any, images: dict[str, Image]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    sent = {"name": "planted"}
    assert client.post(f"/images/{images['knee'].pk}/tags", sent).status_code == 403
    assert not Tag.objects.exists()


def test_the_api_makes_fills_renames_and_deletes_tags(
    build: IndexBuild, browser: Client, images: dict[str, Image]
) -> None:
    def call(method: str, path: str, **sent: Any) -> Any:
        send = getattr(browser, method)
        return send(f"/api/v1/tags{path}", sent or None, content_type="application/json")

    turn = asked(browser, "effusion")["turn"]
    knee = images["knee"].pk
    made = call("post", "", name="Lecture 3", images=[knee, knee, 10**15])
    assert (made.status_code, made.json()["added"], made.json()["size"]) == (201, 1, 1)
    path = f"/{made.json()['id']}"
    again = call("post", "", name="LECTURE 3", turn=turn)
    assert (again.status_code, again.json()["added"], again.json()["size"]) == (200, 7, 8)
    assert call("post", f"{path}/images", turn=turn).json()["added"] == 0
    assert [tag["name"] for tag in browser.get("/api/v1/tags").json()] == ["Lecture 3"]
    page = browser.get(f"/api/v1/tags{path}/images", {"offset": 0, "limit": 2}).json()
    assert (page["total"], page["images"][0]["image_id"], len(page["images"])) == (8, knee, 2)
    for _ in range(2):
        assert call("delete", f"{path}/images/{knee}").status_code == 204
    assert browser.get(f"/api/v1/tags{path}").json()["size"] == 7
    assert call("patch", path, name="Rounds").json()["name"] == "Rounds"
    assert call("delete", path).status_code == 204
    assert browser.get(f"/api/v1/tags{path}").status_code == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 400),
        ({"name": " "}, 400),
        ({"name": "x" * 121}, 400),
        ({"name": "a\x00b"}, 400),
        ({"name": "\ud800"}, 400),
        ({"name": "a", "images": ["x"]}, 400),
        ({"name": "a", "images": [10**30]}, 400),
        ({"name": "a", "images": [1] * 1001}, 400),
        ({"name": "a", "images": [1], "turn": 1}, 400),
        ({"name": "a", "turn": 12345}, 404),
        ({"name": "a", "turn": 10**30}, 404),
    ],
)
def test_the_api_says_in_a_sentence_what_is_wrong(
    browser: Client, sent: dict[str, Any], status: int
) -> None:
    refused = browser.post("/api/v1/tags", sent, content_type="application/json")
    assert (refused.status_code, refused["Content-Type"]) == (status, "application/problem+json")
    assert refused.json()["detail"].endswith(".")
    assert not Tag.objects.exists()


def test_the_api_refuses_names_that_are_taken_and_more_than_a_tag_holds(
    browser: Client, editor: Any, images: dict[str, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = Tag.named(editor, "joints")[0]
    Tag.named(editor, "films")
    path = f"/api/v1/tags/{tag.pk}"
    taken = browser.patch(path, {"name": "Films"}, content_type="application/json")
    assert (taken.status_code, "“Films”" in taken.json()["detail"]) == (409, True)
    monkeypatch.setattr(tag_models, "MOST_TAGGED", 2)
    sent = {"images": [image.pk for image in images.values()]}
    full = browser.post(f"{path}/images", sent, content_type="application/json")
    assert (full.status_code, "at most 2 images" in full.json()["detail"]) == (409, True)


def test_a_number_too_large_for_any_image_is_taken_away_like_one_that_has_no_tag(
    browser: Client, editor: Any
) -> None:
    tag, number = Tag.named(editor, "films")[0], 10**30
    assert browser.delete(f"/api/v1/tags/{tag.pk}/images/{number}").status_code == 204
    assert browser.post(f"/tags/{tag.pk}/remove/{number}").status_code == 302
    assert browser.get(f"/tags/{number}/").status_code == 404
    assert browser.post(f"/images/{number}/tags", {"name": "films"}).status_code == 404
    assert browser.get(f"/api/v1/images/{number}/heat-map?phrase=x").status_code == 404


def test_the_api_gives_nobody_another_s_tag(
    other: Client, editor: Any, images: dict[str, Image]
) -> None:
    tag, knee = Tag.named(editor, "private matters")[0], images["knee"].pk
    tag.add([knee])
    path = f"/api/v1/tags/{tag.pk}"
    assert other.get("/api/v1/tags").json() == []
    answers = [
        other.get(path),
        other.patch(path, {"name": "mine"}, content_type="application/json"),
        other.delete(path),
        other.get(f"{path}/images"),
        other.post(f"{path}/images", {"images": [knee]}, content_type="application/json"),
        other.delete(f"{path}/images/{knee}"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert Client().get("/api/v1/tags").status_code in (401, 403)
    assert held(tag) == [str(knee)]


def test_a_search_in_a_page_of_somebody_else_neither_tags_nor_shares(
    build: IndexBuild, browser: Client, editor: Any, images: dict[str, Image]
) -> None:
    Tag.named(editor, "private matters")[0].add([images["knee"].pk])
    for path in ("", "search?q=knee", f"images/{images['knee'].pk}/"):
        page = browser.get(f"/embed/own/{path}").content.decode()
        assert "knee" in page or not path
        for word in ("private matters", "/tags", "/shared/"):
            assert word not in page, (path, word)
