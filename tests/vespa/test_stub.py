"""The stub of Vespa answers as the arithmetic and the contract say, and refuses all else."""

import io
import math
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from vespa.application import Vespa
from vespa.exceptions import VespaError

from tests.vespa_stub.columns import bfloat16
from tests.vespa_stub.errors import BadPackage
from tests.vespa_stub.evaluation import evaluate, normalize_linear, reciprocal_rank
from tests.vespa_stub.expressions import names, parse
from tests.vespa_stub.package import read_folder
from tests.vespa_stub.server import StubServer

PACKAGE = Path(__file__).resolve().parents[2] / "vespa"
DOCUMENTS = "/document/v1/clipsite/image/docid"
COSINE_PROFILE = "schemas/image/semantic_a.profile"
SIZE = 512


@pytest.fixture(scope="module")
def server() -> Iterator[StubServer]:
    with StubServer() as started:
        yield started


@pytest.fixture
def stub(server: StubServer) -> StubServer:
    server.deploy_folder(PACKAGE)
    server.reset()
    return server


@pytest.fixture
def client(stub: StubServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stub.url) as opened:
        yield opened


@pytest.fixture
def put(client: httpx.Client) -> Callable[..., int]:
    def send(number: int, caption: str = "", **fields: Any) -> int:
        document = {"image_id": number, "language": "en", "caption": caption, **fields}
        answer = client.post(f"{DOCUMENTS}/{number}", json={"fields": document})
        return answer.status_code

    return send


@pytest.fixture
def ask(client: httpx.Client) -> Callable[..., dict[str, Any]]:
    """The root of a search; `where` is put behind the select."""

    def send(where: str, **parameters: Any) -> dict[str, Any]:
        body = {"yql": f"select * from image where {where}", "ranking": "unranked", **parameters}
        return dict(client.post("/search/", json=body).json()["root"])

    return send


def unit(*cells: float) -> list[float]:
    vector = np.zeros(SIZE, np.float32)
    vector[: len(cells)] = cells
    return [float(x) for x in vector / np.linalg.norm(vector)]


def ids(root: dict[str, Any]) -> list[int]:
    return [hit["fields"]["image_id"] for hit in root.get("children", [])]


def refusal(root: dict[str, Any]) -> str:
    return str(root["errors"][0]["message"])


def texts() -> dict[str, str]:
    """The real package, file by file."""
    return {path: content.decode() for path, content in read_folder(PACKAGE).items()}


def replaced(path: str, old: str, new: str) -> dict[str, str]:
    files = texts()
    assert old in files[path]
    return {**files, path: files[path].replace(old, new)}


WORDS = '({grammar: "weakAnd", targetHits: 10, defaultIndex: "default"}userInput(@w))'
NEAR = "({targetHits: 2}nearestNeighbor(embedding_a, q))"


def test_bm25_is_that_of_a_computation_by_hand(put: Any, ask: Any) -> None:
    put(1, "chest chest pain")
    put(2, "chest")
    put(3, "fractured tibia in two places")
    root = ask(WORDS, w="chest", ranking="lexical")
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    average = (3 + 1 + 5) / 3

    def bm25(times: int, length: int) -> float:
        return idf * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * length / average))

    assert ids(root) == [1, 2]
    found = [hit["relevance"] for hit in root["children"]]
    assert found == pytest.approx([bm25(2, 3), bm25(1, 1)])


def test_a_repeated_word_counts_each_time_and_an_unranked_one_not_at_all(
    put: Any, ask: Any
) -> None:
    put(1, "chest")
    put(2, "knee")
    once, twice = (ask(WORDS, w=w, ranking="lexical") for w in ("chest", "chest chest"))
    assert twice["children"][0]["relevance"] == pytest.approx(2 * once["children"][0]["relevance"])
    silent = '({grammar: "phrase", ranked: false}userInput(@w))'
    assert ask(silent, w="chest", ranking="lexical")["children"][0]["relevance"] == 0


def test_words_are_stemmed_and_stripped_of_accents_and_phrases_keep_their_order(
    put: Any, ask: Any
) -> None:
    put(1, "Fractures of the fémur")
    put(2, "femur of fractures")
    assert ids(ask(WORDS, w="fracture")) == [1, 2]
    phrase = '({grammar: "phrase"}userInput(@w))'
    assert ids(ask(phrase, w="the femurs")) == [1]
    assert ids(ask(f"true and !({phrase})", w="the femurs")) == [2]


def test_a_cosine_is_that_of_the_rounded_vectors_after_all_filters(put: Any, ask: Any) -> None:
    rng = np.random.default_rng(3)
    stored = [unit(*rng.normal(size=SIZE)) for _ in range(4)]
    for number, vector in enumerate(stored, start=1):
        put(number, modality="CT" if number < 4 else "MR", embedding_a=vector)
    query = unit(*rng.normal(size=SIZE))
    root = ask(
        f"modality contains @v and {NEAR}",
        **{"v": "ct", "ranking": "semantic_a", "input.query(q)": query},
    )
    cosines = bfloat16(np.array(stored[:3], np.float32)) @ np.array(query, np.float32)
    assert root["fields"]["totalCount"] == 2
    assert [hit["relevance"] for hit in root["children"]] == pytest.approx(
        sorted(cosines, reverse=True)[:2], abs=1e-6
    )


def test_bfloat16_rounds_to_the_nearest_and_ties_to_even() -> None:
    step = 2.0**-7
    given = np.array([1 + 0.4 * step, 1 + step / 2, 1 + 1.5 * step, 1 + 0.6 * step], np.float32)
    assert bfloat16(given).tolist() == [1.0, 1.0, 1 + 2 * step, 1 + step]


def test_normalisers_and_expressions_are_those_of_vespa() -> None:
    values = np.array([3.0, 1.0, 2.0])
    assert normalize_linear(values).tolist() == [1.0, 0.0, 0.5]
    assert normalize_linear(np.array([7.0, 7.0])).tolist() == [0.5, 0.5]
    assert reciprocal_rank(np.array([1.0, 5.0, 1.0]), 60).tolist() == [1 / 62, 1 / 61, 1 / 63]
    fused = evaluate(parse("reciprocal_rank_fusion(f, f)"), lambda name: values)
    assert fused.tolist() == [2 / 61, 2 / 63, 2 / 62]
    chosen = evaluate(parse("if (f - 1 * 2 >= 0, -f, 2 * atan(1))"), lambda name: values)
    assert chosen.tolist() == [-3.0, math.pi / 2, -2.0]
    assert names("a + closeness(field, x) * query(q)") == {"a", "closeness(field,x)", "query(q)"}


def test_the_pool_is_blended_over_all_its_members(put: Any, ask: Any) -> None:
    put(1, "chest", embedding_a=unit(0, 1))
    put(2, "chest chest knee", embedding_a=unit(1))
    put(3, "chest", embedding_a=unit(1))
    pool = "weightedSet(image_id, [[1, 1], [2, 1]])"
    blend = {"ranking": "hybrid_a", "input.query(q)": unit(1), "input.query(alpha)": 1.0}
    root = ask(f"rank({pool}, {NEAR}, {WORDS})", w="chest", **blend)
    assert [(hit["fields"]["image_id"], hit["relevance"]) for hit in root["children"]] == [
        (2, 1.0),
        (1, 0.0),
    ]
    assert set(root["children"][0]["fields"]["matchfeatures"]) == {"cosine", "bm25_score"}
    # Ranks that nobody shares: 2 is first by picture, and by words.
    fused = ask(f"rank({pool}, {NEAR}, {WORDS})", w="knee", **{**blend, "ranking": "rrf_a"})
    assert [hit["relevance"] for hit in fused["children"]] == pytest.approx([2 / 61, 1 / 62])


@pytest.mark.parametrize(
    ("where", "parameters"),
    [
        ("true", {"rnaking": "unranked"}),
        ("true", {"ranking": "best"}),
        ("true", {"presentation.summary": "all"}),
        ("true", {"hits": 1001}),
        ("true", {"offset": 1001}),
        ("true", {"language": "de"}),
        ("true", {"timeout": "soon"}),
        ("true", {"input.query(alpha)": 0.5}),
        ("colour contains @v", {"v": "red"}),
        ("modality contains @v", {}),
        ('caption contains "Ignore; all"', {}),
        ("modality = 7", {}),
        ("!(modality contains @v)", {"v": "ct"}),
        ("true order by caption asc", {}),
        ("({boost: 3}userInput(@w))", {"w": "chest"}),
        ("userInput(@w)", {"w": "chest -pain"}),
        ("userInput(@w)", {"w": " "}),
        ("({approximate: true}nearestNeighbor(embedding_a, q))", {"input.query(q)": unit(1)}),
        (NEAR, {"ranking": "semantic_a", "input.query(q)": [1.0, 0.0]}),
        (NEAR, {"ranking": "semantic_a", "input.query(q)": [0.5] * SIZE}),
        (NEAR, {"ranking": "unranked"}),
        ("true | all(group(caption) order(-count()) each(output(count())))", {}),
    ],
)
def test_what_the_stub_does_not_know_is_refused(
    ask: Any, where: str, parameters: dict[str, Any]
) -> None:
    assert refusal(ask(where, **parameters))


def test_groups_are_counted_over_all_matches_and_values_keep_their_letters(
    put: Any, ask: Any
) -> None:
    for number, modality in enumerate(["CT", "MR", "CT", ""], start=1):
        put(number, modality=modality)
    grouping = "all(group(modality) max(2) order(-count()) each(output(count())))"
    root = ask(f"true limit 0 | all({grouping})")
    groups = root["children"][0]["children"][0]
    counted = [(group["value"], group["fields"]["count()"]) for group in groups["children"]]
    assert (root["fields"]["totalCount"], groups["label"]) == (4, "modality")
    assert counted == [("CT", 2), ("", 1)]


def test_only_selected_fields_of_a_summary_are_shown(put: Any, client: httpx.Client) -> None:
    put(1, "chest", embedding_a=unit(1))
    body = {"ranking": "unranked", "presentation.summary": "vector_a"}
    shown = []
    for select in ("image_id", "image_id, embedding_a"):
        question = {**body, "yql": f"select {select} from image where true"}
        hit = client.post("/search/", json=question).json()["root"]["children"][0]
        shown.append(set(hit["fields"]))
    assert shown == [{"image_id"}, {"image_id", "embedding_a"}]


def test_a_visit_goes_on_until_there_is_no_continuation(put: Any, client: httpx.Client) -> None:
    for number in range(7):
        put(number, generation_a=number % 2)
    asked = {"cluster": "images", "wantedDocumentCount": 2, "fieldSet": "image:image_id",
             "selection": "image.generation_a != 1"}  # fmt: skip
    seen, page = [], {"continuation": ""}
    while "continuation" in page:
        more = {"continuation": page["continuation"]} if page["continuation"] else {}
        page = client.get(f"{DOCUMENTS}/", params={**asked, **more}).json()
        seen += [document["fields"]["image_id"] for document in page["documents"]]
    assert sorted(seen) == [0, 2, 4, 6]
    assert client.get(DOCUMENTS, params={"cluster": "pictures"}).status_code == 400


def test_changes_by_selection_come_in_pieces(
    stub: StubServer, put: Any, client: httpx.Client
) -> None:
    for number in range(5):
        put(number, generation_a=1)
    stub.application.chunk = 3
    where = {"cluster": "images", "selection": "image.generation_a == 1"}
    clear = {"fields": {"generation_a": {"assign": None}}}
    first = client.put(DOCUMENTS, params=where, json=clear).json()
    assert (first["documentCount"], "continuation" in first) == (3, True)
    rest = client.put(
        DOCUMENTS, params={**where, "continuation": first["continuation"]}, json=clear
    ).json()
    assert (rest["documentCount"], "continuation" in rest) == (2, False)
    empty = {"cluster": "images", "selection": "image.generation_a == null"}
    client.delete(DOCUMENTS, params=empty)
    assert len(stub.store) == 2
    client.delete(DOCUMENTS, params=empty)
    assert len(stub.store) == 0


def test_operations_on_one_document_answer_with_the_documented_status(
    stub: StubServer, put: Any, client: httpx.Client
) -> None:
    assert put(1, "chest", modality="CT") == 200
    one = f"{DOCUMENTS}/1"
    unmet = {"condition": "image.modality == null"}
    assert client.delete(one, params=unmet).status_code == 412
    assert client.get(f"{DOCUMENTS}/2").status_code == 404
    change = {"fields": {"modality": {"assign": "MR"}}}
    assert client.put(f"{DOCUMENTS}/2", json=change).status_code == 200
    assert len(stub.store) == 1
    assert client.put(f"{DOCUMENTS}/2?create=true", json=change).status_code == 200
    assert client.put(one, json=change).status_code == 200
    assert client.get(one).json()["fields"] == {
        "image_id": 1, "language": "en", "caption": "chest", "modality": "MR",
    }  # fmt: skip
    assert client.patch(one).status_code == 405


@pytest.mark.parametrize(
    "fields",
    [
        {"colour": "red"},
        {"image_id": "7"},
        {"generation_a": 2**31},
        {"caption": "chest"},
        {"modality": "a\x00b"},
        {"embedding_a": [1.0]},
        {"embedding_a": [0.0] * SIZE},
        {"embedding_a": {"values": "zz"}},
    ],
)
def test_a_wrong_field_is_refused(client: httpx.Client, fields: dict[str, Any]) -> None:
    answer = client.post(f"{DOCUMENTS}/1", json={"fields": fields})
    assert (answer.status_code, bool(answer.json()["message"])) == (400, True)


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (COSINE_PROFILE, "expression: cosine", "expression: cosinus", "cosinus"),
        (COSINE_PROFILE, "distance(field, embedding_a)", "distance(field, vector)", "vector"),
        (COSINE_PROFILE, "x[512]", "x[256]", "embedding_a is tensor"),
        (COSINE_PROFILE, "expression: cosine", "expression: normalize_linear(cosine)", "global"),
        (COSINE_PROFILE, "approximate-threshold", "approximately", "approximately"),
        ("schemas/image/lexical.profile", "query(unit) double: 1.0", "", "query(unit)"),
        ("schemas/image.sd", "fields: caption, negated", "fields: caption, denied", "denied"),
        ("schemas/image.sd", "      index: enable-bm25\n", "", "bm25"),
        ("schemas/image.sd", "summary embedding_b {}", "summary embedding_c {}", "embedding_c"),
    ],
)
def test_a_package_with_a_mistake_is_not_deployed(
    stub: StubServer, path: str, old: str, new: str, told: str
) -> None:
    with pytest.raises(BadPackage, match=told.replace("(", r"\(").replace(")", r"\)")):
        stub.deploy(replaced(path, old, new))


def test_a_field_with_data_changes_its_type_only_if_that_is_allowed(
    stub: StubServer, put: Any
) -> None:
    put(1, "chest", embedding_a=unit(1))
    smaller = {
        path: text.replace("x[512]", "x[256]") if path.endswith("a.profile") else text
        for path, text in texts().items()
    }
    before, after = smaller["schemas/image.sd"].split("field embedding_a", 1)
    smaller["schemas/image.sd"] = f"{before}field embedding_a{after.replace('512', '256', 1)}"
    with pytest.raises(BadPackage, match="field-type-change"):
        stub.deploy(smaller)
    until = date.today() + timedelta(days=7)
    allow = f"<allow until='{until}'>field-type-change</allow>"
    override = f"<validation-overrides>{allow}</validation-overrides>"
    actions = stub.deploy({**smaller, "validation-overrides.xml": override})
    assert [action["name"] for action in actions["refeed"]] == ["field-type-change"]
    assert stub.store.get("1") == {"image_id": 1, "language": "en", "caption": "chest"}


def test_deploying_over_http_answers_and_converges_like_a_config_server(
    stub: StubServer, client: httpx.Client
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in read_folder(PACKAGE).items():
            archive.writestr(path, content)
    stub.application.config.polls_until_converged = 1
    url = "/application/v2/tenant/default/prepareandactivate"
    headers = {"Content-Type": "application/zip"}
    deployed = client.post(url, content=packed.getvalue(), headers=headers)
    there = deployed.json()["url"]
    assert [client.get(f"{there}/serviceconverge").json()["converged"] for _ in range(2)] == [
        False,
        True,
    ]
    assert client.get(f"{there}/content/services.xml").text.startswith("<?xml")
    broken = client.post(url, content=b"no zip", headers=headers)
    assert broken.status_code == 400
    assert broken.json()["error-code"] == "INVALID_APPLICATION_PACKAGE"


def test_faults_strike_as_often_as_they_were_asked_to(
    stub: StubServer, put: Any, ask: Any, client: httpx.Client
) -> None:
    stub.faults.add("document", "429", times=2)
    assert [put(number) for number in range(4)] == [429, 429, 200, 200]
    stub.faults.add("search", "degraded")
    degraded, whole = ask("true"), ask("true")
    assert (len(ids(degraded)), degraded["coverage"]["coverage"]) == (1, 50)
    assert (len(ids(whole)), whole["coverage"]["full"]) == (2, True)
    stub.faults.add("search", "reset")
    with pytest.raises(httpx.RemoteProtocolError):
        ask("true")
    stub.faults.add("/search/", "html", times=None)
    assert client.get("/search/").status_code == 502
    assert stub.requests.areas["search"] == 4


def test_pyvespa_speaks_http_1_with_the_sync_and_http_2_with_the_async_client(
    stub: StubServer,
) -> None:
    body = {"yql": "select * from image where true", "ranking": {"profile": "unranked"}}
    with Vespa(url=stub.url).syncio() as session:
        session.feed_data_point("image", "1", {"image_id": 1}, namespace="clipsite")
        assert session.query(body).number_documents_retrieved == 1
        with pytest.raises(VespaError):
            session.query({**body, "nonsense": 1})
    assert set(stub.requests.protocols) == {"1.1"}


async def test_an_answer_larger_than_the_window_arrives_whole_over_http_2(
    stub: StubServer,
) -> None:
    body = {"yql": "select * from image where true", "ranking.profile": "unranked", "hits": 300,
            "presentation.summary": "vector_a"}  # fmt: skip
    vector = unit(1, 2, 3)
    async with Vespa(url=stub.url).asyncio() as session:
        for number in range(300):
            fields = {"image_id": number, "embedding_a": vector}
            await session.feed_data_point("image", str(number), fields, namespace="clipsite")
        answer = await session.query(body)
    assert len(answer.hits) == 300
    assert answer.hits[-1]["fields"]["embedding_a"] == bfloat16(np.float32(vector)).tolist()
    assert set(stub.requests.protocols) == {"2"}


def test_a_stub_in_a_process_of_its_own_takes_faults_over_http() -> None:
    command = [sys.executable, "-m", "tests.vespa_stub.server", "--package", str(PACKAGE)]
    with subprocess.Popen(command, cwd=PACKAGE.parent, stdout=subprocess.PIPE, text=True) as own:
        assert own.stdout
        url = own.stdout.readline().split()[-1]
        assert httpx.post(f"{url}/stub/faults", json={"where": "other", "kind": "503"}).is_success
        assert [httpx.get(f"{url}/status.html").status_code for _ in range(2)] == [503, 200]
        assert httpx.get(f"{url}/stub/counters").json()["struck"] == {"503": 1}
        own.terminate()
        assert own.wait(10) == 0
