"""The addresses inside a frame: below the key of `embed/<key>/`, whatever else the site serves."""

from django.urls import include, path

from search.urls import app_name, searching

urlpatterns = [path("", include((searching, app_name)))]
