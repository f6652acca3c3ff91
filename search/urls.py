from django.urls import path, register_converter
from django.urls.converters import StringConverter

from search import embedding, health, image_pages, kept_pages, share_pages, tag_pages, views
from search.api import (
    conversations,
    embed_tokens,
    heat_maps,
    jobs,
    pictures,
    saved_searches,
    searches,
    shares,
    tags,
    turns,
)


class ExportForm(StringConverter):
    regex = "csv|json"


register_converter(ExportForm, "form")

app_name = "search"

# What a search needs, and no more: all that a page embedded elsewhere can reach.
searching = [
    path("", views.page, name="page"),
    path("search", views.results, name="results"),
    path("c/<int:pk>/", views.conversation, name="conversation"),
    path("c/new", views.branch, name="branch"),
    path("compare", image_pages.compare, name="compare"),
    path("images/<int:pk>/", image_pages.image, name="image"),
    path("images/<int:pk>/about", image_pages.about, name="about"),
    path("images/<int:pk>/file", image_pages.file, name="file"),
    path("images/<int:pk>/heat-map", image_pages.heat_map, name="heat-map"),
    path("images/<int:pk>/thumbnail", image_pages.thumbnail, name="thumbnail"),
    path("query-images/<str:upload>", image_pages.query_image, name="query-image"),
    path(
        "api/v1/search/export.<form:form>", searches.ExportedSearch.as_view(), name="export-search"
    ),
    path("api/v1/suggestions", searches.Suggestions.as_view(), name="api-suggestions"),
    path("api/v1/turns", turns.Turns.as_view(), name="api-turns"),
    path("api/v1/turns/<int:pk>", turns.OneTurn.as_view(), name="api-turn"),
    path(
        "api/v1/turns/<int:pk>/export.<form:form>", turns.ExportedTurn.as_view(), name="export-turn"
    ),
    path("api/v1/turns/<int:pk>/feedback", turns.TurnFeedback.as_view(), name="api-feedback"),
    path(
        "api/v1/images/<int:pk>/heat-map", heat_maps.HeatMapOfImage.as_view(), name="api-heat-map"
    ),
    path("api/v1/query-images", pictures.QueryImages.as_view(), name="api-query-images"),
    path(
        "api/v1/saved-searches", saved_searches.SavedSearches.as_view(), name="api-saved-searches"
    ),
]

urlpatterns = [
    *searching,
    path("embed/", embedding.door, name="embed"),
    path("embed/<str:key>/", embedding.framed),
    path("embed/<str:key>/<path:rest>", embedding.framed),
    path("c/<int:pk>/name", kept_pages.rename, name="rename"),
    path("c/<int:pk>/pin", kept_pages.pin, name="pin"),
    path("history/", kept_pages.history, name="history"),
    path("saved/", kept_pages.saved, name="saved"),
    path("saved/<int:pk>/", kept_pages.describe, name="describe"),
    path("tags/", tag_pages.tags, name="tags"),
    path("tags/all", tag_pages.tag_all, name="tag-all"),
    path("tags/<int:pk>/", tag_pages.tag, name="tag"),
    path("tags/<int:pk>/name", tag_pages.rename, name="rename-tag"),
    path("tags/<int:pk>/delete", tag_pages.delete, name="delete-tag"),
    path("tags/<int:pk>/remove/<int:image>", tag_pages.remove, name="untag"),
    path("shared/new", share_pages.share, name="share"),
    path("shared/<slug:key>/", share_pages.shared, name="shared"),
    path("shared/<slug:key>/end", share_pages.end, name="end-share"),
    path("images/<int:pk>/tags", tag_pages.tag_image, name="tag-image"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("api/v1/search", searches.Search.as_view(), name="api-search"),
    path("api/v1/frames.schema.json", searches.Frames.as_view(), name="api-frames"),
    path(
        "api/v1/query-images/<str:upload>", pictures.OneQueryImage.as_view(), name="api-query-image"
    ),
    path(
        "api/v1/saved-searches/<int:pk>",
        saved_searches.OneSavedSearch.as_view(),
        name="api-saved-search",
    ),
    path("api/v1/conversations", conversations.Conversations.as_view(), name="api-conversations"),
    path(
        "api/v1/conversations/<int:pk>",
        conversations.OneConversation.as_view(),
        name="api-conversation",
    ),
    path("api/v1/embed-tokens", embed_tokens.EmbedTokens.as_view(), name="api-embed-tokens"),
    path("api/v1/tags", tags.Tags.as_view(), name="api-tags"),
    path("api/v1/tags/<int:pk>", tags.OneTag.as_view(), name="api-tag"),
    path("api/v1/tags/<int:pk>/images", tags.TagImages.as_view(), name="api-tag-images"),
    path(
        "api/v1/tags/<int:pk>/images/<int:image>", tags.OneTagImage.as_view(), name="api-tag-image"
    ),
    path("api/v1/tags/<int:pk>/export.<form:form>", tags.ExportedTag.as_view(), name="export-tag"),
    path("api/v1/shares", shares.Shares.as_view(), name="api-shares"),
    path("api/v1/shares/<slug:key>", shares.OneShare.as_view(), name="api-share"),
    path(
        "api/v1/shares/<slug:key>/export.<form:form>",
        shares.ExportedShare.as_view(),
        name="export-shared",
    ),
    path("api/v1/images/<int:pk>", pictures.OneImage.as_view(), name="api-image"),
    path("api/v1/jobs/<str:kind>/<int:pk>", jobs.OneJob.as_view(), name="api-job"),
]
