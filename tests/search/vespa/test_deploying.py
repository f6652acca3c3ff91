"""`vespa_deploy`: what it says before it does anything, and what it refuses."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobs.running import run
from search.engine import engine
from search.engines.vespa_package import ConfigServer, render, sizes_in
from search.indexing import build_index
from search.models import IndexBuild
from tests.vespa_stub.server import StubServer
from training.models import Checkpoint

pytestmark = pytest.mark.django_db(transaction=True)


def deploy(**options: Any) -> str:
    out = io.StringIO()
    call_command("vespa_deploy", stdout=out, **options)
    return out.getvalue()


def sizes(stub: StubServer) -> dict[str, int]:
    return ConfigServer(stub.url).deployed_sizes()


@pytest.fixture
def other(checkpoint: Checkpoint, tmp_path: Any) -> Checkpoint:
    """A model with vectors of another size."""
    return Checkpoint.objects.create(
        name="wide", folder=str(tmp_path), base="x", dimension=96, fingerprint="w"
    )


def test_the_first_deployment_takes_the_size_of_the_newest_model(
    switched: StubServer, checkpoint: Checkpoint
) -> None:
    size = checkpoint.dimension
    said = deploy()
    assert f"First deployment, with two slots for vectors: a of {size} numbers" in said
    assert said.endswith("Deployed.\n")
    assert sizes(switched) == {"a": size, "b": size}


def test_without_any_model_it_takes_the_size_of_the_package(switched: StubServer, db: None) -> None:
    deploy()
    assert sizes(switched) == {"a": 512, "b": 512}


def test_a_dry_run_only_talks(switched: StubServer, checkpoint: Checkpoint) -> None:
    assert "First deployment" in deploy(dry_run=True)
    assert sizes(switched) == {}


def test_deploying_again_leaves_every_document(vespa_build: IndexBuild, stub: StubServer) -> None:
    assert "all documents stay as they are" in deploy()
    assert len(stub.store) == 8


def test_a_model_of_another_size_gets_the_idle_slot_and_the_live_one_stays(
    vespa_build: IndexBuild, stub: StubServer, other: Checkpoint
) -> None:
    size = vespa_build.checkpoint.dimension
    said = deploy(checkpoint="wide", dry_run=True)
    assert said == f"Slot b changes from {size} to 96 numbers. No build stands in it.\n"
    deploy(checkpoint="wide", yes=True)
    assert sizes(stub) == {"a": size, "b": 96}
    assert len(stub.store) == 8


def test_vectors_that_a_deployment_would_delete_are_named_and_asked_for(
    vespa_build: IndexBuild,
    checkpoint: Checkpoint,
    stub: StubServer,
    other: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = IndexBuild.objects.create(checkpoint=checkpoint, promote_when_done=False)
    run(second, build_index)
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    with pytest.raises(CommandError, match="Nothing was changed"):
        deploy(checkpoint="wide")
    said = deploy(checkpoint="wide", dry_run=True)
    assert f"The vectors of {second} in it are deleted." in said
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    deploy(checkpoint="wide")
    second.refresh_from_db()
    assert (second.slot, second.can_answer) == ("", False)
    assert sizes(stub)["b"] == 96
    assert vespa_build.is_live


def test_a_build_whose_size_was_not_deployed_says_what_to_do(
    stub: StubServer, checkpoint: Checkpoint, images: dict[str, Any]
) -> None:
    stub.deploy(render(stub_package(), {"a": 96, "b": 96}))
    job = IndexBuild.objects.create(checkpoint=checkpoint)
    with pytest.raises(Exception, match="vespa_deploy --checkpoint"):
        run(job, build_index)


def test_a_package_that_vespa_refuses_is_told_in_its_words(
    switched: StubServer, checkpoint: Checkpoint, tmp_path: Any
) -> None:
    broken = tmp_path / "overlay/schemas/image"
    broken.mkdir(parents=True)
    (broken / "lexical.profile").write_text(
        "rank-profile lexical {\n  function bm25_score() {\n    expression: bm25(captoin)\n  }\n}\n"
    )
    with pytest.raises(CommandError, match=r"did not accept the application package: .*captoin"):
        deploy(overlay=tmp_path / "overlay")
    assert sizes(switched) == {}


def test_it_waits_until_every_service_has_taken_the_configuration(
    switched: StubServer, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.engines.vespa_package._POLL_EVERY", 0.01)
    switched.application.config.polls_until_converged = 3
    deploy()
    assert sum(
        count for path, count in switched.requests.paths.items() if "serviceconverge" in path
    ) == 4  # fmt: skip
    switched.application.config.polls_until_converged = 10_000
    with pytest.raises(CommandError, match="did not take up the configuration"):
        deploy(wait=0.1)


def test_settings_and_options_that_cannot_work_are_told(
    switched: StubServer, checkpoint: Checkpoint, settings: Any, tmp_path: Any
) -> None:
    with pytest.raises(CommandError, match="is not a folder"):
        deploy(overlay=tmp_path / "nowhere")
    with pytest.raises(CommandError, match="nobody"):
        deploy(checkpoint="nobody")
    settings.VESPA_CONFIG_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match=r"http://127\.0\.0\.1:9 does not answer"):
        deploy()
    for name in ("VESPA_CONFIG_URL", "VESPA_URL"):
        setattr(settings, name, "")
        with pytest.raises(CommandError, match="must both be set"):
            deploy()


def stub_package() -> Any:
    from django.conf import settings

    return settings.VESPA_PACKAGE


def test_every_size_in_the_package_is_rendered() -> None:
    files = render(stub_package(), {"a": 7, "b": 9})
    assert sizes_in(files["schemas/image.sd"]) == {"a": 7, "b": 9}
    assert "[512]" not in "".join(files.values())
    for slot, size in (("a", 7), ("b", 9)):
        for kind in ("semantic", "hybrid", "rrf"):
            profile = files[f"schemas/image/{kind}_{slot}.profile"]
            assert "x[" not in profile or f"tensor<float>(x[{size}])" in profile


def test_the_engine_of_the_settings_is_vespa(switched: StubServer) -> None:
    assert engine().name == "vespa"
