"""The product's settings over a folder of their own, with a real broker and no secrets."""

import atexit
import os
import shutil
import tempfile

folder = tempfile.mkdtemp(prefix="clipsite-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ["CLIPSITE_VAR"] = folder
os.environ["SECRET_KEY"] = "only for tests"
os.environ.setdefault("DATABASE_URL", "")
os.environ["REDIS_URL"] = ""
# A real Vespa is for the tests marked so; all others have the engine they make themselves.
for name in ("VESPA_URL", "VESPA_CONFIG_URL"):
    os.environ[f"TEST_{name}"] = os.environ.pop(name, "")
    os.environ[name] = ""

from clipsite.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT.mkdir()  # noqa: F405  WhiteNoise warns of a missing folder
