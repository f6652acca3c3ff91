"""Links that end: what they show, to whom, and what they say once they have ended."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from ingest.models import Image
from search.models import Conversation, IndexBuild, Share, Tag
from search.models.shares import DAYS_REMEMBERED
from search.tasks import forget_ended_shares
from tests.search.test_names import meanwhile
from tests.search.test_tags import asked, exported

pytestmark = pytest.mark.django_db(transaction=True)

OWN = {"upload": f"upload:{'0' * 32}"}


@pytest.fixture
def tag(editor: Any, images: dict[str, Image]) -> Tag:
    made = Tag.named(editor, "Lecture 3")[0]
    made.add([images["knee"].pk, images["brain"].pk])
    return made


def expire(share: Share, days_ago: float = 0.01) -> None:
    ended = timezone.now() - timedelta(days=days_ago)
    Share.objects.filter(pk=share.pk).update(expires_at=ended)


def ids(page: Any) -> list[int]:
    return [hit["image_id"] for hit in page.context["response"]["hits"]]


def test_a_shared_search_shows_others_what_the_turn_found_and_goes_on_as_their_own(
    build: IndexBuild, browser: Client, other: Client
) -> None:
    turn = asked(browser, "effusion")
    made = browser.post("/shared/new", {"turn_id": turn["turn"], "days": 7}, follow=True)
    share = Share.objects.get()
    address = f"http://testserver/shared/{share.key}/"
    assert f"<code>{address}</code>" in made.content.decode()
    assert timedelta(days=6.9) < share.expires_at - timezone.now() <= timedelta(days=7)
    opened = other.get(address, follow=True)
    assert ids(opened) == [hit["image_id"] for hit in turn["hits"]]
    assert " by editor." in opened.content.decode()
    query = opened.context["export_query"]
    rows = exported(other, f"/api/v1/search/export.csv?{query}")
    assert rows == exported(browser, f"/api/v1/turns/{turn['turn']}/export.csv")
    kind, value = opened.context["origin"]
    went_on = other.post("/c/new", {kind: value}, follow=True)
    assert ids(went_on) == ids(opened)
    assert Conversation.objects.get(user__username="other").title == "effusion"


def test_a_plain_search_is_shared_too(build: IndexBuild, browser: Client, other: Client) -> None:
    query = "q=effusion&modality=x-ray"
    page = browser.get(f"/search?{query}")
    browser.post(f"/shared/new?{query}", {"turn_id": "", "days": 1})
    assert ids(other.get(f"/shared/{Share.objects.get().key}/", follow=True)) == ids(page)


def test_a_shared_tag_is_read_and_exported_and_nothing_else(
    browser: Client, other: Client, tag: Tag
) -> None:
    browser.post("/shared/new", {"tag": tag.pk, "days": 30})
    share = Share.objects.get()
    page = other.get(f"/shared/{share.key}/").content.decode()
    assert "torn meniscus" in page
    assert share.told() in page
    assert "<form" not in page.split("<main")[1]
    path = f"/api/v1/shares/{share.key}/export.csv"
    assert path in page
    assert exported(other, path) == exported(browser, f"/api/v1/tags/{tag.pk}/export.csv")
    assert other.get(f"/tags/{tag.pk}/").status_code == 404
    assert other.get("/search", {"shared": share.key}).status_code == 404


@pytest.mark.parametrize("how", ["expired", "ended early"])
def test_a_link_that_has_ended_says_who_shared_it_and_until_when(
    build: IndexBuild, browser: Client, other: Client, tag: Tag, how: str
) -> None:
    turn = asked(browser, "effusion")["turn"]
    browser.post("/shared/new", {"tag": tag.pk, "days": 1})
    browser.post("/shared/new", {"turn_id": turn, "days": 1})
    search, images = Share.objects.all()
    for share in (search, images):
        if how == "expired":
            expire(share)
        else:
            assert browser.post(f"/shared/{share.key}/end").status_code == 302
    gone = [
        other.get(f"/shared/{search.key}/", follow=True),
        other.get("/search", {"shared": search.key}),
        other.get(f"/shared/{images.key}/"),
        browser.get(f"/shared/{images.key}/"),
        other.get("/api/v1/search", {"shared": search.key}),
        other.get(f"/api/v1/shares/{images.key}/export.json"),
    ]
    for answer in gone:
        told = answer.content.decode()
        assert answer.status_code == 410
        assert re.search(r"Shared until .*\d{4}, .* by editor\. Ask for a new link\.", told)
        assert "Lecture 3" not in told
    assert "Shared links" not in browser.get("/saved/").content.decode()


@pytest.mark.parametrize("stays", [{}, {"stays": "1"}])
def test_tagging_all_of_a_search_whose_link_has_ended_meanwhile_is_told(
    build: IndexBuild, browser: Client, other: Client, stays: dict[str, str]
) -> None:
    browser.post("/shared/new", {"turn_id": asked(browser, "effusion")["turn"], "days": 1})
    share = Share.objects.get()
    expire(share)
    answer = other.post(f"/tags/all?shared={share.key}", {"name": "films", **stays})
    assert answer.status_code == (200 if stays else 400)
    assert "by editor. Ask for a new link." in answer.content.decode()
    assert not Tag.objects.exists()


def test_an_end_is_not_put_off_by_ending_again(browser: Client, tag: Tag) -> None:
    share = Share.images(tag, 1)
    expire(share)
    before = Share.objects.get().expires_at
    browser.post(f"/shared/{share.key}/end")
    assert Share.objects.get().expires_at == before


def test_whoever_is_not_signed_in_is_asked_to_and_comes_back(tag: Tag) -> None:
    path = f"/shared/{Share.images(tag, 1).key}/"
    for address in (path, "/shared/unknown/"):
        asked_to = Client().get(address)
        assert (asked_to.status_code, asked_to.url) == (302, f"/login/?next={address}")


def test_only_a_key_that_is_known_opens_anything(
    build: IndexBuild, browser: Client, tag: Tag
) -> None:
    key = Share.images(tag, 1).key
    assert len(key) == 22
    assert browser.get("/shared/unknown/").status_code == 404
    for wrong in ("unknown", "a\x00b", "é" * 5000, key[:-1]):
        assert browser.get("/search", {"shared": wrong}).status_code == 404
        assert browser.get("/api/v1/search", {"shared": wrong}).status_code == 404


def test_nobody_else_ends_lists_or_makes_a_link_to_what_is_one_s_own(
    build: IndexBuild, browser: Client, other: Client, tag: Tag
) -> None:
    share = Share.images(tag, 1)
    turn = asked(browser, "effusion")["turn"]
    assert other.post(f"/shared/{share.key}/end").status_code == 404
    assert other.delete(f"/api/v1/shares/{share.key}").status_code == 404
    assert other.get("/api/v1/shares").json() == []
    assert share.key not in other.get("/saved/").content.decode()
    for sent in ({"tag": tag.pk, "days": 1}, {"turn_id": turn, "days": 1}):
        assert other.post("/shared/new", sent).status_code == 404
    for sent in ({"tag": tag.pk, "days": 1}, {"turn": turn, "days": 1}):
        refused = other.post("/api/v1/shares", sent, content_type="application/json")
        assert refused.status_code == 404
    assert Client().post("/shared/new", {"tag": tag.pk, "days": 1}).status_code == 302
    assert [row.pk for row in Share.objects.all()] == [share.pk]


@pytest.mark.parametrize("days", ["", "0", "2", "-1", "x", "9" * 30])
def test_a_link_works_for_one_of_three_spans(browser: Client, tag: Tag, days: str) -> None:
    refused = browser.post("/shared/new", {"tag": tag.pk, "days": days})
    assert refused.status_code == 400
    assert "A link works for 1, 7 or 30 days." in refused.content.decode()
    assert not Share.objects.exists()


def test_pictures_of_one_s_own_are_not_shared(
    build: IndexBuild, browser: Client, editor: Any, images: dict[str, Image]
) -> None:
    turn = asked(browser, "effusion")["turn"]
    row = Conversation.objects.get().turns.get()
    row.state = {**row.state, "images": [OWN, {"image_id": images["knee"].pk}]}
    row.save()
    made = browser.post("/shared/new", {"turn_id": turn, "days": 1}, follow=True)
    assert "Your own pictures are not part of the link." in made.content.decode()
    assert "upload:" not in str(Share.objects.get().state)
    assert Share.objects.get().query_state.images[0].image_id == images["knee"].pk
    row.state = {"images": [OWN]}
    row.save()
    refused = browser.post("/shared/new", {"turn_id": turn, "days": 1})
    assert refused.status_code == 400
    assert "nothing else is asked for" in refused.content.decode()


def test_the_page_of_what_is_kept_lists_own_links_that_work_and_ends_them(
    browser: Client, tag: Tag
) -> None:
    share, old = Share.images(tag, 7), Share.images(tag, 7)
    expire(old)
    page = browser.get("/saved/").content.decode()
    assert share.key in page
    assert old.key not in page
    page = browser.post(f"/shared/{share.key}/end", follow=True).content.decode()
    assert share.key not in page


def test_markup_in_a_shared_name_is_only_text(browser: Client, other: Client, tag: Tag) -> None:
    tag.rename('"><script>alert(1)</script>')
    share = Share.images(tag, 1)
    for client, path in ((browser, "/saved/"), (other, f"/shared/{share.key}/")):
        page = client.get(path).content.decode()
        assert "alert(1)" in page
        assert "<script>alert" not in page


def test_links_that_ended_long_ago_are_deleted_with_all_they_said(
    browser: Client, tag: Tag
) -> None:
    working, recent, old = (Share.images(tag, 1) for _ in range(3))
    expire(recent, DAYS_REMEMBERED - 1)
    expire(old, DAYS_REMEMBERED + 1)
    forget_ended_shares()
    assert set(Share.objects.all()) == {working, recent}
    assert browser.get(f"/shared/{old.key}/").status_code == 404


def test_a_tag_that_is_deleted_takes_its_links_along(browser: Client, tag: Tag) -> None:
    share = Share.images(tag, 1)
    tag.delete()
    assert browser.get(f"/shared/{share.key}/").status_code == 404


@pytest.mark.parametrize(
    ("path", "form"),
    [("/shared/new", {}), ("/api/v1/shares", {"content_type": "application/json"})],
)
def test_a_tag_that_another_tab_deletes_in_the_same_instant_is_told(
    browser: Client, tag: Tag, path: str, form: dict[str, str]
) -> None:
    with meanwhile("clipsite_search_tag", tag.delete, after_a_look=True):
        refused = browser.post(path, {"tag": tag.pk, "days": 7}, **form)
    assert refused.status_code == 400
    assert "Lecture 3” was deleted" in refused.content.decode()
    assert not Share.objects.exists()


def test_the_api_makes_lists_and_ends_links(
    build: IndexBuild, browser: Client, other: Client, tag: Tag
) -> None:
    def make(**sent: Any) -> Any:
        return browser.post("/api/v1/shares", sent, content_type="application/json")

    turn = asked(browser, "effusion")
    made = make(turn=turn["turn"], days=7, name="Effusions")
    assert made.status_code == 201
    search, of_tag = made.json(), make(tag=tag.pk, days=30).json()
    assert (search["name"], search["tag"], of_tag["tag"]) == ("Effusions", None, tag.pk)
    assert search["address"] == f"http://testserver/shared/{search['key']}/"
    assert browser.get("/api/v1/shares").json() == [of_tag, search]
    found = other.get("/api/v1/search", {"shared": search["key"]}).json()
    assert found["hits"] == turn["hits"]
    export = f"/api/v1/shares/{search['key']}/export.csv"
    assert "shared=<key>" in other.get(export).json()["detail"]
    for _ in range(2):
        assert browser.delete(f"/api/v1/shares/{search['key']}").status_code == 204
    assert browser.get("/api/v1/shares").json() == [of_tag]
    for wrong in (
        {}, {"days": 7}, {"turn": turn["turn"]}, {"turn": turn["turn"], "days": 2},
        {"turn": turn["turn"], "tag": tag.pk, "days": 7}, {"tag": tag.pk, "days": "often"},
        {"turn": turn["turn"], "days": 10**30}, {"turn": turn["turn"], "days": 7, "name": "\x00"},
    ):  # fmt: skip
        refused = make(**wrong)
        assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
        assert refused.json()["detail"].endswith(".")


def test_the_sweep_is_scheduled_and_does_not_wait_behind_training() -> None:
    from clipsite import product
    from clipsite.celery import app

    task = product.CELERY_BEAT_SCHEDULE["forget-ended-shares"]["task"]
    assert task == forget_ended_shares.name
    assert app.amqp.router.route({}, task)["queue"].name == "default"
