"""The pages without JavaScript: what a plain browser, or a shared address, gets."""

from typing import Any

import pytest
from django.test import Client

from search import encoding
from search.models import IndexBuild, SavedSearch
from search.understanding.state import Phrase, QueryState

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_plain_search_shows_ranked_hits_with_highlights_and_chips(
    build: IndexBuild, browser: Client
) -> None:
    page = browser.get("/search", {"q": "gallstones"}).content.decode()
    assert "<mark>gallstones</mark>" in page
    assert "/images/" in page
    assert "Not for diagnosis" in page


def test_the_plain_search_is_the_api_search(build: IndexBuild, browser: Client) -> None:
    response = browser.get("/search", {"q": "knee", "alpha": "0.2"})
    api = browser.get("/api/v1/search", {"q": "knee", "alpha": "0.2"}).json()
    assert [h["image_id"] for h in response.context["response"]["hits"]] == [
        h["image_id"] for h in api["hits"]
    ]


def test_markup_in_words_and_captions_is_only_text(
    build: IndexBuild, browser: Client, images: dict[str, Any]
) -> None:
    image = images["knee"]
    image.caption = 'Knee <script>alert("x")</script>'
    image.save()
    page = browser.get("/search", {"q": "knee <img src=x onerror=alert(1)>"}).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("query", ["", "zzzzqqq", "'", "a" * 3000, '"no such phrase"'])
def test_no_search_is_a_dead_end(build: IndexBuild, browser: Client, query: str) -> None:
    response = browser.get("/search", {"q": query})
    assert response.status_code == 200
    assert "Traceback" not in response.content.decode()


def test_before_anything_is_indexed_every_page_says_what_to_do(browser: Client) -> None:
    assert browser.get("/").status_code == 200
    response = browser.get("/search", {"q": "x"})
    assert response.status_code == 503
    assert "index build" in response.content.decode()


def test_a_bad_parameter_is_told_in_a_sentence(build: IndexBuild, browser: Client) -> None:
    response = browser.get("/search", {"q": "x", "alpha": "often"})
    assert response.status_code == 400
    assert "alpha must be a number" in response.content.decode()


@pytest.fixture
def article(images: dict[str, Any]) -> list[int]:
    """Three images of one article whose names need counting: Fig2, Fig9, Fig10."""
    numbered = {"Fig10": images["knee"], "Fig2": images["brain"], "Fig9": images["clear"]}
    for name, image in numbered.items():
        image.external_id, image.group_key = name, "article-7"
        image.licence, image.source = "CC BY-NC 4.0", "https://example.org/7"
        image.credit = "Doe et al."
        image.save()
    return [numbered[name].pk for name in ("Fig2", "Fig9", "Fig10")]


@pytest.mark.parametrize("address", ["/images/{}/", "/images/{}/about"])
def test_an_image_comes_with_its_article_and_where_it_is_from(
    browser: Client, article: list[int], address: str
) -> None:
    response = browser.get(address.format(article[2]))
    page = response.content.decode()
    assert "article-7" in page
    assert 'href="https://creativecommons.org/licenses/by-nc/4.0/"' in page
    assert 'href="https://example.org/7"' in page
    assert [image.pk for image in response.context["figures"].shown] == article
    assert page.count('aria-current="true"') == 1
    assert f'data-figure="{article[2]}" title="Fig10" aria-current="true"' in page


def test_the_attribution_names_title_author_source_and_licence(
    browser: Client, article: list[int], images: dict[str, Any]
) -> None:
    page = browser.get(f"/images/{article[0]}/about").content.decode()
    licence = "CC BY-NC 4.0 https://creativecommons.org/licenses/by-nc/4.0"
    assert f"Fig2. Doe et al. https://example.org/7. {licence}/" in page
    plain = browser.get(f"/images/{images['stone'].pk}/about").content.decode()
    assert "stone. Licence not stated" in plain


def test_an_image_of_no_article_stands_alone(browser: Client, images: dict[str, Any]) -> None:
    page = browser.get(f"/images/{images['stone'].pk}/").content.decode()
    assert "All figures" not in page
    assert images["stone"].sha256 not in page


def test_what_a_caption_denies_is_told_apart(browser: Client, images: dict[str, Any]) -> None:
    denying = browser.get(f"/images/{images['clear'].pk}/about")
    assert denying.context["denied"] == ["pleural effusion"]
    assert "<li>pleural effusion</li>" in denying.content.decode()
    asserting = browser.get(f"/images/{images['effusion'].pk}/about").content.decode()
    assert "not there" not in asserting


def test_of_a_large_article_the_nearest_figures_are_shown(
    browser: Client, article: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.provenance.MOST_FIGURES", 2)
    last = browser.get(f"/images/{article[2]}/about").context["figures"]
    assert ([image.pk for image in last.shown], last.total) == (article[1:], 3)
    first = browser.get(f"/images/{article[0]}/about").context["figures"]
    assert [image.pk for image in first.shown] == article[:2]


def test_images_stand_side_by_side_in_the_order_of_the_address(
    browser: Client, article: list[int], images: dict[str, Any]
) -> None:
    ids = [article[2], images["stone"].pk, article[0]]
    response = browser.get("/compare", {"ids": ",".join(map(str, ids))})
    columns = response.context["columns"]
    assert [column.image.pk for column in columns] == ids
    labels = [[fact.label for fact in column.facts] for column in columns]
    assert labels[0] == labels[1] == labels[2]
    assert "Article or case" in labels[1]
    assert "Year" not in labels[1]
    page = response.content.decode()
    assert "Axial CT of the abdomen with a renal calculus" in page
    assert f'href="?ids={ids[0]},{ids[2]}"' in page


def test_four_images_and_no_more_are_compared(browser: Client, images: dict[str, Any]) -> None:
    ids = [str(image.pk) for image in images.values()]
    assert browser.get("/compare", {"ids": ",".join(ids[:4])}).status_code == 200
    assert browser.get("/compare", {"ids": ",".join(ids[:5])}).status_code == 400


@pytest.mark.parametrize("ids", ["", "1", "1,1", "1,x", "1,-2", "1,2,", "1,<b>", f"1,{'9' * 40}"])
def test_what_cannot_be_compared_is_told_in_a_sentence(browser: Client, ids: str) -> None:
    response = browser.get("/compare", {"ids": ids})
    assert response.status_code == 400
    assert "Name two to four images by their numbers" in response.content.decode()


def test_an_image_that_is_not_there_is_named(browser: Client, images: dict[str, Any]) -> None:
    response = browser.get("/compare", {"ids": f"{images['stone'].pk},999999"})
    assert response.status_code == 400
    assert "There is no image 999999." in response.content.decode()


def test_the_figures_of_a_small_article_are_compared_without_javascript(
    browser: Client, article: list[int]
) -> None:
    page = browser.get(f"/images/{article[0]}/").content.decode()
    assert f'href="/compare?ids={",".join(map(str, article))}"' in page


def test_images_are_served_to_those_who_are_logged_in_only(
    build: IndexBuild, browser: Client, images: dict[str, Any]
) -> None:
    for kind in ("file", "thumbnail"):
        url = f"/images/{images['knee'].pk}/{kind}"
        served = browser.get(url)
        assert served["Content-Type"].startswith("image/")
        assert len(b"".join(served) if served.streaming else served.content) > 100
        assert Client().get(url).status_code == 302
    assert browser.get("/images/999999/file").status_code == 404


@pytest.mark.parametrize(
    "url", ["/", "/search?q=x", "/saved/", "/c/1/", "/images/1/", "/images/1/about", "/compare"]
)
def test_every_page_asks_for_a_login(url: str, db: None) -> None:
    response = Client().get(url)
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


def test_a_saved_search_opens_again_and_only_for_its_owner(
    build: IndexBuild, browser: Client, editor: Any, django_user_model: Any
) -> None:
    state = QueryState(phrases=(Phrase("gallstones"),), mode="lexical").as_json()
    row = SavedSearch.objects.create(user=editor, name="Stones", state=state, count=1)
    assert "Stones" in browser.get("/saved/").content.decode()
    response = browser.get("/search", {"saved": row.pk})
    assert [h["external_id"] for h in response.context["response"]["hits"]] == ["gallbladder"]
    other = Client()
    other.force_login(django_user_model.objects.create_user("other"))
    assert other.get("/search", {"saved": row.pk}).status_code == 404


def test_an_old_conversation_shows_its_turns_and_the_last_answer(
    build: IndexBuild, browser: Client
) -> None:
    body = browser.post(
        "/api/v1/turns", {"utterance": "gallstones"}, content_type="application/json"
    ).json()
    response = browser.get(f"/c/{body['conversation']}/")
    assert [turn["utterance"] for turn in response.context["turns"]] == ["gallstones"]
    assert response.context["response"]["hits"] == body["hits"]


def test_more_hits_are_a_link_away(
    build: IndexBuild, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = browser.get("/search", {"q": "gallstones"})
    assert first.context["page_url_next"] == ""
    monkeypatch.setattr(
        "search.wire.answer.__kwdefaults__", {"turn": None, "offset": 0, "limit": 3}
    )
    second = browser.get("/search", {"q": "gallstones"})
    assert "offset=3" in second.context["page_url_next"]


def test_health_names_what_is_missing(build: IndexBuild, client: Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json() == {"status": "ok", "missing": []}
    encoding._load.cache_clear()
    type(build.checkpoint).objects.update(folder="/nowhere")
    gone = client.get("/readyz")
    assert (gone.status_code, gone.json()["missing"]) == (503, ["encoder"])


def test_the_synthetic_corpus_is_labelled(
    build: IndexBuild, browser: Client, images: dict[str, Any]
) -> None:
    from ingest.models import Collection

    banner = "This collection is synthetic"
    assert banner not in browser.get("/search", {"q": "knee"}).content.decode()
    Collection.objects.update(synthetic=True)
    page = browser.get("/search", {"q": "knee"})
    assert banner in page.content.decode()
    assert all(hit["synthetic"] for hit in page.context["response"]["hits"])


def asked(browser: Client, utterance: str, **more: Any) -> Any:
    body = {"utterance": utterance, **more}
    return browser.post("/api/v1/turns", body, content_type="application/json").json()


def test_a_conversation_goes_on_from_any_of_its_turns(build: IndexBuild, browser: Client) -> None:
    first = asked(browser, "gallstones")
    asked(browser, "only ultrasound", conversation=first["conversation"])
    response = browser.post("/c/new", {"turn": first["turn"]}, follow=True)
    branch = response.context["conversation"]
    assert branch.pk != first["conversation"]
    assert [turn["utterance"] for turn in response.context["turns"]] == ["gallstones"]
    assert response.context["response"]["hits"] == first["hits"]
    assert f'Continued from <a href="/c/{first["conversation"]}/">' in response.content.decode()
    more = asked(browser, "more like #1", conversation=branch.pk)
    assert more["state"]["images"][0]["image_id"] == first["hits"][0]["image_id"]
    assert len(browser.get(f"/c/{first['conversation']}/").context["turns"]) == 2
    browser.delete(f"/api/v1/conversations/{first['conversation']}")
    assert browser.get(f"/c/{branch.pk}/").status_code == 200


def test_a_conversation_is_renamed_and_keeps_its_place(build: IndexBuild, browser: Client) -> None:
    first, last = asked(browser, "gallstones"), asked(browser, "knee")
    url = f"/c/{first['conversation']}/name"
    assert 'value="gallstones"' in browser.get(url).content.decode()
    page = browser.post(url, {"title": "  Stones for rounds "}, follow=True)
    titles = [c.title for c in page.context["conversations"]]
    assert titles == ["knee", "Stones for rounds"]
    for wrong in ("  ", "x" * 121):
        assert browser.post(url, {"title": wrong}).status_code == 400
    api = f"/api/v1/conversations/{last['conversation']}"
    answer = browser.patch(api, {"title": "Knees"}, content_type="application/json")
    assert (answer.json()["id"], answer.json()["title"]) == (last["conversation"], "Knees")


def test_nobody_goes_on_with_or_renames_what_is_not_theirs(
    build: IndexBuild, browser: Client, django_user_model: Any
) -> None:
    turn = asked(browser, "gallstones")
    other = Client()
    other.force_login(django_user_model.objects.create_user("other"))
    json = {"content_type": "application/json"}
    api = "/api/v1/conversations"
    assert other.post("/c/new", {"turn": turn["turn"]}).status_code == 404
    assert other.post(api, {"turn": turn["turn"]}, **json).status_code == 404
    assert other.get(f"/c/{turn['conversation']}/name").status_code == 404
    renamed = other.patch(f"{api}/{turn['conversation']}", {"title": "Mine"}, **json)
    assert renamed.status_code == 404
    mine = browser.post(api, {"turn": turn["turn"]}, **json).json()
    assert mine["branched_from"] == turn["turn"]


def test_a_saved_search_is_gone_on_with_by_whoever_saved_it_only(
    build: IndexBuild, browser: Client, client: Client, django_user_model: Any
) -> None:
    turn = asked(browser, "chest x-ray")
    data = {"name": "Chest films", "turn": turn["turn"]}
    saved = browser.post("/api/v1/saved-searches", data, content_type="application/json").json()
    page = browser.get("/search", {"saved": saved["id"]}).content.decode()
    assert f'name="saved" value="{saved["id"]}"' in page
    response = browser.post("/c/new", {"saved": saved["id"]}, follow=True)
    assert response.context["conversation"].title == "Chest films"
    assert response.context["saved_as"]["label"] == "Saved as Chest films"
    client.force_login(django_user_model.objects.create_user("somebody-else"))
    assert client.post("/c/new", {"saved": saved["id"]}).status_code == 404


def test_a_search_that_was_saved_before_states_grew_has_not_changed(
    build: IndexBuild, browser: Client
) -> None:
    turn = asked(browser, "chest x-ray")["turn"]
    body = {"name": "Chest films", "turn": turn}
    browser.post("/api/v1/saved-searches", body, content_type="application/json")
    saved = SavedSearch.objects.get()
    for later in ("sort", "denied"):
        del saved.state[later]
    saved.save()
    opened = browser.post("/c/new", {"saved": saved.pk}, follow=True)
    assert opened.context["saved_as"]["label"] == "Saved as Chest films"


def test_a_conversation_knows_what_it_is_saved_as_and_whether_it_changed(
    build: IndexBuild, browser: Client
) -> None:
    first = asked(browser, "chest x-ray")
    assert first["saved"] is None
    go_on = {"conversation": first["conversation"]}
    saved = asked(browser, "save this as ward round", **go_on)["saved"]
    assert (saved["label"], saved["changed"]) == ("Saved as ward round", False)
    saved = asked(browser, "in women", **go_on)["saved"]
    assert (saved["label"], saved["changed"]) == ("ward round, changed since", True)
    page = browser.get(f"/c/{first['conversation']}/").content.decode()
    assert "ward round, changed since" in page
    assert f'href="{saved["path"]}"' in page
    assert browser.get(saved["path"]).status_code == 200
    assert not asked(browser, "undo", **go_on)["saved"]["changed"]
    browser.delete(saved["path"].replace("/search?saved=", "/api/v1/saved-searches/"))
    assert asked(browser, "in men", **go_on)["saved"] is None


def test_a_saved_search_has_a_name_and_notes_of_ones_own(
    build: IndexBuild, browser: Client, client: Client, django_user_model: Any
) -> None:
    turn = asked(browser, "chest x-ray")
    api = "/api/v1/saved-searches"
    names = ("Chest films", "Knees")
    first, other = (
        browser.post(api, {"name": n, "turn": turn["turn"]}, content_type="application/json").json()
        for n in names
    )
    url = f"/saved/{first['id']}/"
    assert 'value="Chest films"' in browser.get(url).content.decode()
    page = browser.post(
        url, {"name": " Thorax ", "notes": "For <b>rounds</b>\r\non Friday"}, follow=True
    )
    assert "Thorax" in page.content.decode()
    assert "For &lt;b&gt;rounds&lt;/b&gt;<br>on Friday" in page.content.decode()
    for wrong in (
        {"name": "Knees"},
        {"name": " "},
        {"name": "x" * 121},
        {"name": "a", "notes": "x" * 2001},
    ):
        refused = browser.post(url, wrong)
        assert refused.status_code == 400
        assert 'class="field-error"' in refused.content.decode()
    path = f"{api}/{first['id']}"
    changed = browser.patch(path, {"notes": ""}, content_type="application/json").json()
    assert (changed["name"], changed["notes"]) == ("Thorax", "")
    taken = browser.patch(path, {"name": "Knees"}, content_type="application/json")
    assert taken.status_code == 409
    client.force_login(django_user_model.objects.create_user("somebody-else"))
    assert client.get(url).status_code == 404
    assert (
        client.patch(f"{api}/{other['id']}", {}, content_type="application/json").status_code == 404
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"q": "knee", "mode": "lexical", "alpha": "0.2", "offset": "24"}, "knee"),
        ({"q": "knee", "modality": ["ct", "mri"], "sex": ""}, 'knee modality:"ct" modality:"mri"'),
        ({"modality": "ct"}, 'modality:"ct"'),
        ({"q": ""}, ""),
    ],
)
def test_an_address_of_words_and_filters_can_be_asked_again_as_a_turn(
    build: IndexBuild, browser: Client, address: Any, said: str
) -> None:
    page = browser.get("/search", address)
    assert page.context["said"] == said
    assert ("is-plain" in page.content.decode()) == (not said)


def test_an_address_of_examples_stays_as_it_is(
    build: IndexBuild, browser: Client, images: dict[str, Any]
) -> None:
    page = browser.get("/search", {"q": "knee", "like": images["knee"].pk})
    assert page.context["said"] == ""
    assert '<div class="search is-plain"' in page.content.decode()


@pytest.mark.parametrize("number", ["9" * 18, "9" * 5000, "٣", "-1"])
def test_a_number_that_no_row_has_is_no_fault(
    build: IndexBuild, browser: Client, number: str
) -> None:
    for name in ("saved", "like", "tagged", "offset"):
        assert browser.get("/search", {"q": "knee", name: number}).status_code < 500, name
        assert browser.get("/api/v1/search", {"q": "knee", name: number}).status_code < 500, name
    for name in ("turn", "saved"):
        assert browser.post("/c/new", {name: number}).status_code < 500, name
