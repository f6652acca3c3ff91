"""Generations of the index, and which of them answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from celery import current_app
from django.db import models, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from ingest.models import Image
from jobs.models import Job, JobQuerySet
from search.engine import engine_name
from search.engines.base import Generation, Rejected
from training.models import Checkpoint

if TYPE_CHECKING:
    from search.verification import Verification


logger = logging.getLogger(__name__)


class IndexBuildQuerySet(JobQuerySet["IndexBuild"]):
    def lock(self) -> Self:
        """All builds of the engine, in one order, until the transaction ends.

        Slots and the live row are only looked at and changed under it.
        """
        rows = self.filter(engine=engine_name()).order_by("pk")
        list(rows.select_for_update().values_list("pk"))
        return self.all()

    def in_slot(self, slot: str) -> Self:
        return self.filter(engine=engine_name(), slot=slot)

    def idle_slots(self, slots: Sequence[str]) -> list[str]:
        """Where neither the live nor a running build stands."""
        live = LiveIndex.objects.filter(engine=engine_name()).values("build")
        kept = models.Q(pk__in=live) | models.Q(status=Job.Status.RUNNING)
        busy = set(self.filter(kept, engine=engine_name()).values_list("slot", flat=True))
        return [slot for slot in slots if slot not in busy]


class IndexBuild(Job):
    """One generation of the index: every image of the corpus, encoded by one checkpoint."""

    task_name = "search.tasks.run_index_build"

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="builds")
    promote_when_done = models.BooleanField(
        default=True, help_text="Answer searches from it as soon as it is verified."
    )
    engine = models.CharField(max_length=20, default=engine_name, editable=False)
    slot = models.CharField(
        max_length=1,
        blank=True,
        editable=False,
        help_text="Where it stands in an engine that has room for two generations only.",
    )
    documents = models.PositiveIntegerField(default=0, editable=False)
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    verified_at = models.DateTimeField(null=True, editable=False)
    verification = models.JSONField(default=dict, blank=True, editable=False)

    objects = IndexBuildQuerySet.as_manager()  # type: ignore[misc]  # Job's own is a class variable

    class Meta:
        ordering = ["-pk"]
        permissions = [("promote_indexbuild", "Can make an index build the live one")]

    def __str__(self) -> str:
        return f"generation {self.pk} of {self.checkpoint}"

    @property
    def generation(self) -> Generation:
        return Generation(self.pk, self.slot)

    @property
    def is_live(self) -> bool:
        return LiveIndex.objects.filter(build=self).exists()

    @property
    def can_answer(self) -> bool:
        """Verified, not overwritten or cleared since, and of the engine in use."""
        return self.verified_at is not None and self.engine == engine_name()

    def reserve(self, fingerprint: str, slots: Sequence[str]) -> None:
        """Note the model, and a slot that no live or running build uses; its documents stay.

        Raises ValueError with a sentence if there is none.
        """
        with transaction.atomic():
            others = IndexBuild.objects.lock().exclude(pk=self.pk)
            self.engine, self.fingerprint, self.verified_at = engine_name(), fingerprint, None
            if slots:
                free = others.idle_slots(slots)
                if not free:
                    raise ValueError(
                        "Both slots of the engine are in use, by the live index and by another "
                        "build. Start this one again when the other has ended."
                    )
                self.slot = self.slot if self.slot in free else free[0]
            self.save(update_fields=["engine", "slot", "fingerprint", "verified_at"])

    def take_over(self) -> None:
        """From now on this build writes over what stands in its slot."""
        with transaction.atomic():
            others = IndexBuild.objects.lock().exclude(pk=self.pk)
            if self.slot:
                others.in_slot(self.slot).update(slot="", verified_at=None)

    def keep_rejected(self, rejected: Sequence[Rejected]) -> None:
        Rejection.objects.bulk_create(
            Rejection(build=self, image_id=one.image_id, reason=one.reason[:300])
            for one in rejected
        )

    def rejected_ids(self) -> set[int]:
        return set(self.rejections.values_list("image_id", flat=True))

    def pass_with(self, verification: Verification) -> None:
        """Raises LeaseLost if somebody else holds the row by now."""
        self.verification = dict(verification)
        self.documents, self.verified_at = verification["documents"], timezone.now()
        self._write(
            documents=self.documents, verified_at=self.verified_at, verification=self.verification
        )

    def promote(self) -> None:
        """Make searches use this build, by one row. Raises ValueError with a sentence."""
        with transaction.atomic():
            stands = IndexBuild.objects.lock().get(pk=self.pk)
            if not stands.can_answer:
                raise ValueError(
                    "Only a build that was verified, and whose documents are still there, "
                    "can go live."
                )
            LiveIndex.objects.update_or_create(
                engine=self.engine, defaults={"build": self, "promoted_at": timezone.now()}
            )
            self._mark_live_checkpoint()

    def _mark_live_checkpoint(self) -> None:
        """So that training, which knows nothing of indexes, can tell what answers searches."""
        Checkpoint.objects.filter(is_live=True).exclude(pk=self.checkpoint_id).update(is_live=False)
        Checkpoint.objects.filter(pk=self.checkpoint_id).update(is_live=True)

    def forget_documents(self) -> None:
        """Before its documents are cleared away. Raises ValueError for a build in use."""
        with transaction.atomic():
            stands = IndexBuild.objects.lock().get(pk=self.pk)
            if stands.is_live or not stands.has_ended:
                raise ValueError(
                    "A build that answers searches, or has not ended, cannot be cleared."
                )
            self.verified_at = None
            self.save(update_fields=["verified_at"])

    @property
    def may_be_cleared(self) -> bool:
        """Ended, unused, and possibly still holding documents."""
        there = self.engine == engine_name() and (self.slot or self.engine != "vespa")
        return bool(there) and self.has_ended and not self.is_live

    def clear(self) -> None:
        """Forget its documents and have a worker remove them. Raises ValueError as above.

        Without a broker they stay where they are, unseen, until the next build of their slot.
        """
        self.forget_documents()
        try:
            current_app.send_task("search.tasks.clear_index_build", (self.pk,))
        except OperationalError:
            logger.warning("the documents of build %s are not removed: no broker", self.pk)


class Rejection(models.Model):
    """A document that the engine, or reading its file, refused in a build."""

    build = models.ForeignKey(IndexBuild, on_delete=models.CASCADE, related_name="rejections")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=300)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"image {self.image_id}: {self.reason}"


class LiveIndex(models.Model):
    """The row, one for each engine, that says which build answers."""

    engine = models.CharField(max_length=20, unique=True)
    build = models.ForeignKey(IndexBuild, on_delete=models.PROTECT, related_name="+")
    promoted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"live: {self.build}"

    @classmethod
    def current(cls) -> IndexBuild | None:
        live = cls.objects.select_related("build__checkpoint").filter(engine=engine_name()).first()
        return live.build if live else None
