"""Workers die by SIGKILL in the middle of their work. Slow: real processes, real training."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.site.conftest import Site

MANY = 1000

ROW_IS = "SELECT status FROM {} WHERE id = {}"
ENQUEUE = "from {app}.models import *\njob = {create}\njob.enqueue()\nanswer = job.pk"
AGAIN = "from {app}.models import {model}\n{model}.objects.get(pk={pk}).enqueue()\nanswer = 0"


def start(site: Site, app: str, create: str) -> int:
    return int(site.run(ENQUEUE.format(app=app, create=create)))


def kill_and_start_again(site: Site, worker: str, app: str, model: str, pk: int) -> None:
    """Kill while it runs, see the row lost, start it again and see it succeed."""
    status = ROW_IS.format(f"clipsite_{app}_{model.lower()}", pk)
    site.kill_worker(worker)
    site.wait_for(status, lambda value: value == "lost", 60)
    site.run(AGAIN.format(app=app, model=model, pk=pk))
    site.wait_for(status, lambda value: value == "succeeded", 180)


def draw_noise(folder: Path, count: int) -> None:
    """Many small pictures, quickly: their import takes seconds."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 255, (96, 128), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04}.png")


def test_a_killed_import_is_lost_and_completes_when_started_again(site: Site) -> None:
    folder = site.folder / "many"
    draw_noise(folder, MANY)
    create = f"Import.objects.create(collection_name='many', path='{folder}', format='folder')"
    pk = start(site, "ingest", create)
    count = (
        "SELECT COUNT(*) FROM clipsite_ingest_image i JOIN clipsite_ingest_collection c "
        "ON c.id = i.collection_id WHERE c.name = 'many'"
    )
    site.wait_for(count, lambda value: value >= 64)
    kill_and_start_again(site, "default", "ingest", "Import", pk)
    distinct = count.replace("COUNT(*)", "COUNT(DISTINCT external_id)")
    assert site.rows(count) == site.rows(distinct) == [(MANY,)]


def test_a_killed_training_run_is_lost_and_completes_when_started_again(site: Site) -> None:
    settings = "{'epochs': '40', 'log_every': '1'}"
    create = (
        "TrainingRun.objects.create(collection=Collection.objects.get(name='demo'), "
        f"base='scratch:tiny', preset='tiny', settings={settings})"
    )
    pk = start(site, "training", create)
    points = f"SELECT COUNT(*) FROM clipsite_training_epochpoint WHERE run_id = {pk}"
    site.wait_for(points, lambda value: value >= 2)
    kill_and_start_again(site, "gpu", "training", "TrainingRun", pk)
    assert site.rows(points) == [(40,)]
    checkpoints = f"SELECT COUNT(*) FROM clipsite_training_checkpoint WHERE run_id = {pk}"
    assert site.rows(checkpoints) == [(1,)]


def test_a_killed_index_build_is_lost_and_completes_when_started_again(site: Site) -> None:
    before = site.rows("SELECT build_id FROM clipsite_search_liveindex")
    create = "IndexBuild.objects.create(checkpoint=Checkpoint.objects.last())"
    pk = start(site, "search", create)
    site.wait_for(f"SELECT done FROM clipsite_search_indexbuild WHERE id = {pk}", lambda n: n > 0)
    assert site.rows("SELECT build_id FROM clipsite_search_liveindex") == before
    kill_and_start_again(site, "gpu", "search", "IndexBuild", pk)
    images = site.rows("SELECT COUNT(*) FROM clipsite_ingest_image")
    documents = f"SELECT documents FROM clipsite_search_indexbuild WHERE id = {pk}"
    assert site.rows(documents) == images
    assert site.rows("SELECT build_id FROM clipsite_search_liveindex") == [(pk,)]
