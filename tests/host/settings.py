"""A project that is not ours, with the search as one of its tools."""

from pathlib import Path

from clipsite.product import *  # noqa: F403
from clipsite.product import VAR_DIR

HERE = Path(__file__).resolve().parent
SECRET_KEY = "a host's own"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    "search",
    "training",
    "ingest",
    "jobs",
    "rest_framework",
    "channels",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "tests.host.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "db.sqlite3"}}
MEDIA_ROOT = VAR_DIR / "media"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "desk"
STATIC_URL = "assets/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
