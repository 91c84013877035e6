from django.urls import path

from .views import (
    agents,
    conflict_resolution,
    documents,
    home,
    key_list,
    keys_tab,
    preview,
    revisions,
    tabs,
    validation,
)

app_name = "configs"

urlpatterns = [
    path("", home.home, name="home"),
    path("agents/", agents.agent_list, name="list"),
    path("agents/new/", agents.agent_new, name="new"),
    path("agents/import/", documents.document_import, name="import"),
    path("agents/<int:pk>/agent.yaml", documents.document_export, name="export"),
    path("schemas/agent-1.json", documents.document_schema, name="schema"),
    path("agents/<int:pk>/revisions/", revisions.revision_list, name="revisions"),
    path("agents/<int:pk>/revisions/<int:number>/", revisions.revision_detail, name="revision"),
    path("agents/<int:pk>/revisions/<int:number>/restore/", revisions.revision_restore, name="restore"),
    path("agents/<int:pk>/identity/", tabs.identity, name="identity"),
    path("agents/<int:pk>/keys/", tabs.keys, name="keys"),
    path("agents/<int:pk>/keys/model/", keys_tab.model_field, name="model_field"),
    path("agents/<int:pk>/keys/<slug:provider>/", keys_tab.key_save, name="key_save"),
    path("agents/<int:pk>/keys/<slug:provider>/add/", keys_tab.key_add, name="key_add"),
    path("agents/<int:pk>/keys/<slug:provider>/test/", keys_tab.key_test, name="key_test"),
    path("agents/<int:pk>/keys/<slug:provider>/remove/", keys_tab.key_remove, name="key_remove"),
    path("keys/", key_list.key_list, name="key_list"),
    path("keys/add/<slug:provider>/", key_list.key_add, name="stored_key_add"),
    path("keys/<int:pk>/rename/", key_list.key_rename, name="stored_key_rename"),
    path("keys/<int:pk>/", key_list.key_replace, name="stored_key_replace"),
    path("keys/<int:pk>/test/", key_list.key_test, name="stored_key_test"),
    path("keys/<int:pk>/remove/", key_list.key_remove, name="stored_key_remove"),
    path("agents/<int:pk>/personality/", tabs.personality, name="personality"),
    path("agents/<int:pk>/personality/preset/", tabs.personality_preset, name="personality_preset"),
    path("agents/<int:pk>/capabilities/", tabs.capabilities, name="capabilities"),
    path("agents/<int:pk>/conflict/<slug:tab>/", conflict_resolution.resolve, name="resolve"),
    path("agents/<int:pk>/preview/", preview.preview, name="preview"),
    path("agents/<int:pk>/process/", validation.process_start, name="process"),
    path("agents/<int:pk>/duplicate/", agents.agent_duplicate, name="duplicate"),
    path("agents/<int:pk>/delete/", agents.agent_delete, name="delete"),
]
