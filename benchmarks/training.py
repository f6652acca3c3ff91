"""
The first demo's recipe and ours, side by side: `make bench-training`.

Same base, same pairs, same number of pairs seen, several seeds; each run in a process of its own,
one after the other. Judged on the validation and test splits together, which neither recipe sees.
With `--base openai/clip-vit-base-patch32` on a machine with a GPU it is the comparison a user
makes on a corpus of their own.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ("seed", "recommended")
# Passes over the training pairs, where a base needs more of them to show anything.
PASSES = {"packaged": 1, "scratch:tiny": 12}


def main() -> None:
    options = _options()
    if options.one:
        print(json.dumps(_one(**json.loads(options.one))))
        return
    rows = []
    for corpus in options.corpus:
        for base in options.base:
            found: dict[str, list[dict[str, Any]]] = {recipe: [] for recipe in RECIPES}
            for seed in range(options.seeds):
                for recipe in RECIPES:
                    passes = options.passes or PASSES.get(base, 5)
                    job = {
                        "corpus": corpus,
                        "base": base,
                        "recipe": recipe,
                        "seed": seed,
                        "passes": passes,
                        "device": options.device,
                        "samples": options.samples,
                    }
                    found[recipe].append(_in_process(job))
            rows += [_row(corpus, base, recipe, found[recipe]) for recipe in RECIPES]
            print("\n".join(rows[-2:]), flush=True)
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(
        "| corpus | base | recipe | pairs seen | candidates | seed-inbatch-v1 MRR@1 | corpus-v1 "
        "text→image MRR@10 | recall@10 | seconds | peak GB |\n" + "|---" * 10 + "|"
    )
    print("\n".join(rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--corpus", nargs="+", default=["phantoms"], help="phantoms, or a folder to import"
    )
    parser.add_argument("--base", nargs="+", default=["packaged", "scratch:tiny"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--passes", type=int, help="over the training pairs, in each run")
    parser.add_argument("--samples", type=int, help="pairs seen in all, instead of passes")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_process(job: dict[str, Any]) -> dict[str, Any]:
    hidden = {} if job["device"] == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps(job)],
        env={**os.environ, **hidden},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    shown = {name: round(float(np.mean(values)), 3) for name, values in result["per_query"].items()}
    told = {**job, "seconds": round(result["seconds"], 1), **shown}
    print(" ".join(f"{name}={value}" for name, value in told.items()), file=sys.stderr, flush=True)
    return result


def _one(
    corpus: str,
    base: str,
    recipe: str,
    seed: int,
    passes: int,
    device: str,
    samples: int | None,
) -> dict[str, Any]:
    """One run in this process, and every query's values on what it has not seen."""
    _prepare_django(corpus)
    import torch

    from benchmarks.seed_recipe import SeedRecipe
    from training.clip.bases import load_base
    from training.clip.cpu import prepare_cpu
    from training.clip.evaluate import SEED_BATCH_SIZE, per_query
    from training.clip.ranking import ranks_in_batches

    prepare_cpu(os.cpu_count() or 1)
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit("There is no CUDA device here; leave --device out.")
    splits = _pairs(corpus)
    train, unseen = splits["train"], splits["validation"] + splits["test"]
    encoder = load_base(base, captions=[pair.caption for pair in train])
    seen = samples or passes * len(train)
    if recipe == "seed":
        run = SeedRecipe(encoder.on_fastest_device(), samples=seen, seed=seed)
        seconds = run.run(train)
    else:
        seconds, seen, encoder = _recommended(encoder, base, train, seen, seed)
    images = encoder.encode_images([pair.image for pair in unseen])
    texts = encoder.encode_texts([pair.caption for pair in unseen])
    table = per_query(texts, images, np.arange(len(unseen)))
    in_batch = ranks_in_batches(images, texts, SEED_BATCH_SIZE)
    return {
        "seconds": seconds,
        "peak_gb": _peak_bytes(device) / 2**30,
        "seen": seen,
        "groups": [pair.group for pair in unseen],
        "per_query": {
            "inbatch_mrr@1": (in_batch <= 1).astype(float).tolist(),
            "mrr@10": table["mrr@10"].tolist(),
            "recall@10": table["recall@10"].tolist(),
        },
    }


def _recommended(
    encoder: Any, base: str, train: Any, seen: int, seed: int
) -> tuple[float, int, Any]:
    """Epochs are as many as see no more pairs than the other recipe: a tenth is held out."""
    from tempfile import TemporaryDirectory

    from training.clip.config import configure
    from training.clip.encoder import DualEncoder
    from training.clip.finetune import finetune

    epochs = max(1, seen // len(train))
    config = configure("recommended", {"epochs": str(epochs), "seed": str(seed)}, base)
    with TemporaryDirectory() as folder:
        started = time.monotonic()
        outcome = finetune(
            encoder,
            train,
            [],
            config,
            Path(folder) / "tuned",
            on_step=lambda point: None,
            on_epoch=lambda point: None,
            on_read=lambda *read: None,
            should_stop=lambda: False,
            cache_folder=Path(folder) / "pixels",
            on_note=lambda line: print(line, file=sys.stderr),
        )
        seconds = time.monotonic() - started
        tuned = DualEncoder.load(outcome.folder).on_fastest_device()
        return seconds, outcome.samples_seen, tuned


def _peak_bytes(device: str) -> float:
    import torch

    if device == "cuda":
        return float(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def _row(corpus: str, base: str, recipe: str, runs: list[dict[str, Any]]) -> str:
    """Means over seeds; intervals from resampling articles, each query's value its seeds' mean."""
    from training.clip.bootstrap import Resamples

    names = ("inbatch_mrr@1", "mrr@10", "recall@10")
    table = {name: np.mean([run["per_query"][name] for run in runs], axis=0) for name in names}
    intervals = Resamples(runs[0]["groups"]).intervals(table)
    cells = [
        f"{table[name].mean():.3f} ({low:.3f}–{high:.3f})"
        for name, (low, high) in intervals.items()
    ]
    seconds = np.mean([run["seconds"] for run in runs])
    peak = max(run["peak_gb"] for run in runs)
    facts = [
        _name(corpus),
        f"`{base}`",
        recipe,
        f"{runs[0]['seen']:,}",
        str(len(runs[0]["groups"])),
    ]
    return f"| {' | '.join([*facts, *cells, f'{seconds:.0f}', f'{peak:.1f}'])} |"


def _name(corpus: str) -> str:
    return corpus if corpus == "phantoms" else Path(corpus).name


def _prepare_django(corpus: str) -> None:
    """A database of its own for each corpus, filled the first time."""
    os.environ.setdefault("SECRET_KEY", "benchmark")
    os.environ["CLIPSITE_VAR"] = str(ROOT / "var" / "benchmarks" / f"training-{_name(corpus)}")
    os.environ["DJANGO_SETTINGS_MODULE"] = "clipsite.settings"
    import django

    django.setup()


def _pairs(corpus: str) -> dict[str, list[Any]]:
    from contextlib import redirect_stdout

    from django.core.management import call_command

    from ingest.models import Collection, Import
    from training.pairs import pairs_of

    with redirect_stdout(sys.stderr):
        call_command("migrate", verbosity=0)
        if not Import.objects.filter(status="succeeded").exists():
            call_command("import_corpus", *_import_arguments(corpus))
    collection = Collection.objects.get()
    return {side: pairs_of(collection, side) for side in ("train", "validation", "test")}


def _import_arguments(corpus: str) -> Iterator[str]:
    yield from (["--format", "phantoms"] if corpus == "phantoms" else [corpus])


if __name__ == "__main__":
    main()
