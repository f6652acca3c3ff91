import json
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from ingest.importing import import_corpus
from ingest.models import Collection, Image, Import
from ingest.readers import recognise
from jobs.models import Job
from jobs.terminal import run_in_terminal
from search.engine import engine_name
from search.models import IndexBuild, LiveIndex
from training.models import Evaluation, TrainingRun

# A first start on a corpus of this size ends in minutes, whatever the machine.
SMALL_CORPUS = 2_500
FIRST_RUN_SECONDS = 240
LOGIN_FILE = settings.VAR_DIR / "login.json"


class Command(BaseCommand):
    help = "Tables and static files; at first also a login, a corpus, a tuned model, an index."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--corpus", default="", help="folder or CSV of your own images")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        _make_login()
        if not options["corpus"] and LiveIndex.current() is not None:
            return
        run = self._finetune(self._import(options["corpus"]))
        self._evaluate(run)
        self._index(run)

    def _import(self, corpus: str) -> Collection:
        """The collection to make searchable: the user's own, the one there is, or phantoms."""
        if not corpus:
            started = Collection.objects.filter(images__isnull=False, synthetic=False).first()
            if started is not None:
                return started
            job = Import(collection_name="phantoms", format=Import.Format.PHANTOMS)
        else:
            path = Path(corpus).expanduser().resolve()
            if not path.exists():
                raise CommandError(f"CORPUS {path} does not exist.")
            name = (path.parent if path.is_file() else path).name[:100]
            job = Import(collection_name=name, path=str(path), format=recognise(path))
        self._do("Importing", job, import_corpus)
        self._list_issues(job)
        return Collection.objects.get(name=job.collection_name)

    def _finetune(self, collection: Collection) -> TrainingRun:
        done = collection.runs.filter(status=Job.Status.SUCCEEDED, checkpoint__isnull=False)
        if (earlier := done.first()) is not None:
            return earlier
        run = TrainingRun(collection=collection, base=settings.DEFAULT_BASE)
        if collection.synthetic:
            # Heads alone do well on the demo corpus, in half the time.
            run.preset = "quick"
        elif collection.images.count() <= SMALL_CORPUS:
            run.settings = {"max_seconds": str(FIRST_RUN_SECONDS)}
        self._do("Tuning", run, _finetune)
        return run

    def _evaluate(self, run: TrainingRun) -> None:
        checkpoint = run.checkpoint
        if checkpoint.evaluations.filter(status=Job.Status.SUCCEEDED).exists():
            return
        captioned = run.collection.images.exclude(caption_clean="")
        for split in (Image.Split.TEST, Image.Split.VALIDATION):
            if captioned.filter(split=split).exists():
                job = Evaluation(checkpoint=checkpoint, collection=run.collection, split=split)
                self._do(f"Evaluating ({split})", job, _evaluate)
                return

    def _index(self, run: TrainingRun) -> None:
        """Nothing if a build of this model holds every image: which one is live is a choice."""
        builds = run.checkpoint.builds.filter(verified_at__isnull=False, engine=engine_name())
        if not builds.filter(documents__gte=Image.objects.count()).exists():
            if settings.VESPA_CONFIG_URL:
                call_command("vespa_deploy", checkpoint=run.checkpoint.name, stdout=self.stdout)
            self._do("Indexing", IndexBuild(checkpoint=run.checkpoint), _build_index)

    def _do(self, title: str, job: Any, work: Any) -> None:
        self.stdout.write(f"{title} …")
        self.stdout.flush()
        job.save()
        run_in_terminal(job, work)
        self.stdout.write(f"  {job.message} ({job.seconds:.0f} s)")

    def _list_issues(self, job: Import) -> None:
        for issue in job.issues.all()[:20]:
            self.stdout.write(f"  line {issue.line} {issue.record}: {issue.reason}")
        if job.issues.count() > 20:
            self.stdout.write(f"  and {job.issues.count() - 20} more, listed in the admin")


def login_line() -> str:
    """The first start's login, as long as its password was not changed."""
    if LOGIN_FILE.is_file():
        login = json.loads(LOGIN_FILE.read_text())
        if authenticate(**login) is not None:
            return f"Login: {login['username']}  password: {login['password']}"
    return "Log in with your own account."


def _make_login() -> None:
    users = get_user_model()
    if users.objects.exists():
        return
    login = {"username": "admin", "password": secrets.token_urlsafe(9)}
    LOGIN_FILE.touch(mode=0o600)
    LOGIN_FILE.write_text(json.dumps(login))
    users.objects.create_superuser(email="", **login)


def _finetune(run: TrainingRun) -> str:
    from training.finetuning import finetune

    return finetune(run)


def _evaluate(job: Evaluation) -> str:
    from training.evaluation import evaluate

    return evaluate(job)


def _build_index(build: IndexBuild) -> str:
    from search.indexing import build_index

    return build_index(build)
