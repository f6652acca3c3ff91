"""Socket routes, below whatever prefix the host mounts them."""

from django.urls import path

from jobs.consumers import JobConsumer
from search.consumers import SearchConsumer

websocket_urlpatterns = [
    path("ws/search/", SearchConsumer.as_asgi()),
    path("ws/jobs/<str:kind>/<int:pk>/", JobConsumer.as_asgi()),
]
