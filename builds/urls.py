from django.urls import path

from .views import actions, downloads, pages, trial

app_name = "builds"

urlpatterns = [
    path("builds/", pages.build_list, name="list"),
    path("builds/<int:pk>/", pages.build_detail, name="detail"),
    path("builds/<int:pk>/log.txt", pages.build_log, name="log"),
    path("builds/<int:pk>/cancel/", actions.build_cancel, name="cancel"),
    path("builds/<int:pk>/retry/", actions.build_retry, name="retry"),
    path("builds/<int:pk>/download/", downloads.build_download, name="download"),
    path("builds/<int:pk>/files/<str:name>", downloads.build_file, name="file"),
    path("agents/<int:pk>/builds/", pages.agent_builds, name="agent"),
    path("agents/<int:pk>/compile/", actions.build_compile, name="compile"),
    path("agents/<int:pk>/try/", trial.trial, name="try"),
    path("agents/<int:pk>/try/messages/", trial.trial_send, name="send"),
    path("agents/<int:pk>/try/stop/", trial.trial_stop, name="stop"),
    path("agents/<int:pk>/try/clear/", trial.trial_clear, name="clear"),
]
