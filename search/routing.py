"""Socket routes, below whatever prefix the host mounts them."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from jobs.consumers import JobConsumer
from search.consumers import SearchConsumer

websocket_urlpatterns = [
    path("ws/search/", SearchConsumer.as_asgi()),
    path("embed/<str:key>/ws/search/", SearchConsumer.as_asgi()),
    path("ws/jobs/<str:kind>/<int:pk>/", JobConsumer.as_asgi()),
]


def sockets(prefix: str = "") -> AllowedHostsOriginValidator:
    """All sockets below `prefix` ("tools/find/"): for this site's pages only, with its sessions."""
    routes = URLRouter(websocket_urlpatterns)
    below = URLRouter([path(prefix, routes)]) if prefix else routes
    return AllowedHostsOriginValidator(AuthMiddlewareStack(below))
