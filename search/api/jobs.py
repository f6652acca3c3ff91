"""How far a job has come."""

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.models import job_models
from search.problems import problem


class OneJob(APIView):
    """Progress of a job, for pages whose socket does not open."""

    def get(self, request: Request, kind: str, pk: int) -> Response:
        for model in job_models():
            if model._meta.model_name == kind:
                if not request.user.has_perm(f"{model._meta.app_label}.view_{kind}"):
                    break
                return Response(get_object_or_404(model, pk=pk).snapshot())
        return problem(404, _("Not found"), _("There is no such job."))
