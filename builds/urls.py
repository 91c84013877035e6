from django.urls import path

from .remote.views import builder_webhook
from .views import (
    actions,
    conversations,
    downloads,
    draft_chat,
    evaluation,
    log,
    messages,
    pages,
    retention,
    trial,
    verification,
)

app_name = "builds"

urlpatterns = [
    path("builds/", pages.build_list, name="list"),
    path("builds/<int:pk>/", pages.build_detail, name="detail"),
    path("builds/<int:pk>/log.txt", log.build_log_text, name="log"),
    path("builds/<int:pk>/log/", log.build_log_lines, name="log_lines"),
    path("builds/<int:pk>/log/search/", log.build_log_search, name="log_search"),
    path("builds/<int:pk>/cancel/", actions.build_cancel, name="cancel"),
    path("builds/<int:pk>/retry/", actions.build_retry, name="retry"),
    path("builds/<int:pk>/retry-elsewhere/", actions.build_retry_elsewhere, name="retry_elsewhere"),
    path("builds/<int:pk>/pin/", retention.build_pin, name="pin"),
    path("builds/<int:pk>/unpin/", retention.build_unpin, name="unpin"),
    path("builds/<int:pk>/verify/", verification.build_verify, name="verify"),
    path("signing-key.pem", verification.signing_key, name="signing_key"),
    path("builds/<int:pk>/download/", downloads.build_download, name="download"),
    path("builds/<int:pk>/files/<path:name>", downloads.build_file, name="file"),
    path("webhooks/builder/<int:build>/", builder_webhook, name="webhook"),
    path("agents/<int:pk>/builds/", pages.agent_builds, name="agent"),
    path("agents/<int:pk>/compile/", actions.build_compile, name="compile"),
    path("agents/<int:pk>/try/", trial.trial, name="try"),
    path("agents/<int:pk>/try/messages/", trial.trial_send, name="send"),
    path("agents/<int:pk>/try/messages/<int:message>/", messages.message_detail, name="message"),
    path(
        "agents/<int:pk>/try/messages/<int:message>/images/<int:number>/",
        messages.message_image,
        name="message_image",
    ),
    path(
        "agents/<int:pk>/try/messages/<int:message>/regenerate/",
        messages.message_regenerate,
        name="message_regenerate",
    ),
    path(
        "agents/<int:pk>/try/messages/<int:message>/resend/", messages.message_resend, name="message_resend"
    ),
    path(
        "agents/<int:pk>/try/messages/<int:message>/approve/",
        messages.message_approve,
        name="message_approve",
    ),
    path("agents/<int:pk>/try/export/", conversations.conversation_export, name="conversation_export"),
    path(
        "agents/<int:pk>/try/conversations/<int:conversation>/rename/",
        conversations.conversation_rename,
        name="conversation_rename",
    ),
    path("agents/<int:pk>/try/stop/", trial.trial_stop, name="stop"),
    path("agents/<int:pk>/try/clear/", trial.trial_clear, name="clear"),
    path("agents/<int:pk>/evaluation/", evaluation.evaluation, name="evaluation"),
    path("agents/<int:pk>/evaluation/start/", evaluation.evaluation_start, name="evaluation_start"),
    path("agents/<int:pk>/evaluation/stop/", evaluation.evaluation_stop, name="evaluation_stop"),
    path(
        "agents/<int:pk>/evaluation/promptfoo.yaml",
        evaluation.evaluation_promptfoo,
        name="evaluation_promptfoo",
    ),
    path("agents/<int:pk>/evaluation/<int:run>/", evaluation.evaluation_run, name="evaluation_run"),
    path(
        "agents/<int:pk>/evaluation/<int:run>/junit.xml",
        evaluation.evaluation_junit,
        name="evaluation_junit",
    ),
    path("agents/<int:pk>/draft/", draft_chat.draft, name="draft"),
    path("agents/<int:pk>/draft/messages/", draft_chat.draft_send, name="draft_send"),
    path("agents/<int:pk>/draft/export/", conversations.draft_export, name="draft_export"),
    path("agents/<int:pk>/draft/stop/", draft_chat.draft_stop, name="draft_stop"),
    path("agents/<int:pk>/draft/clear/", draft_chat.draft_clear, name="draft_clear"),
]
