"""The live progress of one job, for the staff who may see it."""

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from jobs.models import Job, job_models


class JobConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        route = self.scope["url_route"]["kwargs"]
        job = await self._visible_job(route["kind"], route["pk"])
        if job is None:
            await self.close(code=4404)
            return
        self.group = job.group
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send_json(job.snapshot())

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "group"):
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def job_progress(self, event: dict[str, Any]) -> None:
        await self.send_json(event["snapshot"])

    @database_sync_to_async
    def _visible_job(self, kind: str, pk: int) -> Job | None:
        user = self.scope["user"]
        for model in job_models():
            meta = model._meta
            may_see = user.is_staff and user.has_perm(f"{meta.app_label}.view_{kind}")
            if meta.model_name == kind and may_see:
                return model.objects.filter(pk=pk).first()
        return None
