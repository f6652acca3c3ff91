import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clipsite.settings")

django_application = get_asgi_application()

from search.routing import sockets  # noqa: E402  models need Django set up first

application = ProtocolTypeRouter({"http": django_application, "websocket": sockets()})
