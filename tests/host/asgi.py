import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.host.settings")

http = get_asgi_application()

from search.routing import sockets  # noqa: E402  models need Django set up first

application = ProtocolTypeRouter({"http": http, "websocket": sockets("tools/find/")})
