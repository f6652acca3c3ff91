from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"
    label = "clipsite_search"
    verbose_name = "Search"
