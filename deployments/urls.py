from django.urls import path

from .views import account, actions, archive, pages, planning, setup

app_name = "deployments"

urlpatterns = [
    path("deployments/", pages.deployment_list, name="list"),
    path("deployments/netlify/", account.authorized, name="authorized"),
    path("deployments/<int:pk>/", pages.deployment_detail, name="detail"),
    path("deployments/<int:pk>/site.tar.gz", archive.download, name="archive"),
    path("deployments/<int:pk>/cancel/", actions.cancel, name="cancel"),
    path("deployments/<int:pk>/retry/", actions.retry, name="retry"),
    path("deployments/<int:pk>/publish/", actions.publish, name="publish"),
    path("deployments/<int:pk>/delete/", actions.delete, name="delete"),
    path("sites/<int:pk>/refresh/", actions.site_refresh, name="site_refresh"),
    path("sites/<int:pk>/lock/", actions.site_lock, name="site_lock"),
    path("sites/<int:pk>/unlock/", actions.site_unlock, name="site_unlock"),
    path("sites/<int:pk>/delete/", actions.site_delete, name="site_delete"),
    path("agents/<int:pk>/deploy/", setup.agent_deploy, name="agent"),
    path("agents/<int:pk>/deploy/start/", actions.start, name="start"),
    path("agents/<int:pk>/deploy/when-built/", planning.plan, name="plan"),
    path("agents/<int:pk>/deploy/when-built/drop/", planning.drop, name="drop_plan"),
    path("agents/<int:pk>/deploy/connect/", account.connect, name="connect"),
    path("agents/<int:pk>/deploy/authorize/", account.authorize, name="authorize"),
    path("agents/<int:pk>/deploy/account/", account.recheck, name="recheck"),
    path("agents/<int:pk>/deploy/disconnect/", account.disconnect, name="disconnect"),
    path("agents/<int:pk>/deploy/sites/", setup.remote_sites, name="remote_sites"),
    path("agents/<int:pk>/deploy/sites/new/", setup.create_site, name="create_site"),
    path("agents/<int:pk>/deploy/sites/choose/", setup.choose_site, name="choose_site"),
    path("agents/<int:pk>/deploy/settings/", setup.settings, name="settings"),
]
