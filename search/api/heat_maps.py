"""Where in an image the model sees a phrase, as numbers."""

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest.models import Image
from search.heat_maps import NoHeatMap, heat_map, read_grid, read_phrase
from search.models import LiveIndex
from search.problems import problem
from search.retrieval import NOTHING_INDEXED, NothingIndexed


class HeatMapOfImage(APIView):
    def get(self, request: Request, pk: int) -> Response:
        """Of all grids together, or the windows of one."""
        image = get_object_or_404(Image, pk=pk)
        phrase = read_phrase(request.query_params.get("phrase", ""))
        grid = read_grid(request.query_params.get("grid", ""))
        build = LiveIndex.current()
        if build is None:
            raise NothingIndexed(NOTHING_INDEXED)
        try:
            heat = heat_map(build, image, phrase, grid)
        except NoHeatMap as exc:
            return problem(503, _("No heat map"), str(exc))
        whole, lowest, highest = heat.cosines
        return Response(
            {
                "phrase": phrase,
                "grid": len(heat.values),
                "values": [[round(float(value), 3) for value in row] for row in heat.values],
                "where": heat.where,
                "warmest": [round(share, 3) for share in heat.peak],
                "cosine": {"whole": whole, "lowest": lowest, "highest": highest},
            }
        )
