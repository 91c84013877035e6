"""Whatever the framework is to call by itself, with the test that sees it called.

A hook that never runs fails no test of its own function. So each signal receiver, system check, startup
hook, periodic task and middleware is found mechanically, and named here with a test that goes through the
front door (a request, a command, the queue's clock) and sees the effect.
"""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import ReferenceType

from django.conf import settings
from django.core.checks.registry import registry
from django.dispatch import Signal

ROOT = Path(__file__).resolve().parent.parent
OURS = ("agentforge", "builds", "configs", "deployments")

MIDDLEWARE = {
    "agentforge.stack_room.stack_room": "test_stack_room.py::test_a_view_has_room",
    "agentforge.telemetry.requests.RequestIdMiddleware": (
        "telemetry/test_request_ids.py::test_an_id_that_is_plain_is_kept_and_any_other_replaced"
    ),
    "agentforge.tenancy.connections.GiveBackMiddleware": (
        "tenancy/test_connections.py::test_a_request_that_its_client_left_gives_its_connection_back"
    ),
    "agentforge.probe_hosts.ProbeHostMiddleware": (
        "test_production.py::test_machines_of_trusted_networks_ask_by_address"
    ),
    "agentforge.compression.TextCompressionMiddleware": (
        "test_static_files.py::test_pages_json_and_errors_are_compressed"
    ),
    "django.middleware.security.SecurityMiddleware": (
        "test_production.py::test_pages_move_to_tls_and_the_health_check_does_not"
    ),
    "whitenoise.middleware.WhiteNoiseMiddleware": "live/test_access.py::test_pages_go_through_django",
    "agentforge.content_policy.ContentPolicyMiddleware": (
        "test_production.py::test_every_answer_forbids_inline_code_and_framing"
    ),
    "agentforge.problems.ProblemMiddleware": "openapi/test_refusals.py::test_a_cookie_without_a_csrf_token",
    "agentforge.error_pages.ErrorPageMiddleware": "test_error_pages.py::test_not_found",
    "django.contrib.sessions.middleware.SessionMiddleware": (
        "accounts/test_sign_in.py::test_sign_up_lets_in_then_out_then_in"
    ),
    "django.middleware.common.CommonMiddleware": "test_error_pages.py::test_a_missing_slash_is_still_added",
    "agentforge.accounts.middleware.IdentityMiddleware": (
        "accounts/test_bearer.py::test_a_bearer_token_signs_in_without_a_cookie"
    ),
    "django.middleware.csrf.CsrfViewMiddleware": "accounts/test_sign_in.py::test_forms_need_the_csrf_token",
    "django.contrib.messages.middleware.MessageMiddleware": (
        "configs/keys/test_key_list.py::test_removing_asks_first_and_names_who_uses_it"
    ),
    "django.middleware.clickjacking.XFrameOptionsMiddleware": (
        "test_production.py::test_every_answer_forbids_inline_code_and_framing"
    ),
    "django_htmx.middleware.HtmxMiddleware": "configs/test_tabs.py::test_htmx_gets_the_form_alone",
    "agentforge.accounts.api_tokens.ApiTokenMiddleware": (
        "accounts/test_api_tokens.py::test_a_token_does_what_its_scope_allows"
    ),
    "agentforge.accounts.second_factor.SecondFactorMiddleware": (
        "accounts/test_acts.py::test_operators_choose_the_acts"
    ),
    "agentforge.accounts.password_choice.PasswordChoiceMiddleware": (
        "accounts/supabase/test_ownership.py::test_an_invited_person_chooses_a_password"
    ),
    "agentforge.accounts.throttling.rate_limits.RateLimitMiddleware": (
        "test_rate_limits.py::test_the_one_too_many_waits"
    ),
    "agentforge.accounts.throttling.acts.ActMiddleware": (
        "accounts/test_acts.py::test_each_act_asks_for_the_second_factor"
    ),
    "agentforge.accounts.throttling.shares.ShareMiddleware": (
        "chaos/test_attacks.py::test_sixty_sign_ins_and_fifteen_key_tests_of_one_person_at_once"
    ),
    "agentforge.openapi.methods.MethodMiddleware": (
        "openapi/test_errors_of_operations.py::test_a_wrong_method_is_told_the_right_ones"
    ),
    "agentforge.tenancy.middleware.TenancyMiddleware": (
        "tenancy/test_middleware.py::test_a_request_runs_as_its_user"
    ),
    "agentforge.accounts.middleware.LoginRequiredMiddleware": "test_access_matrix.py::test_anonymous",
}
_TOLD = "test_system_checks.py::test_a_wrong_setting_is_told_by_check"
_SHARED = "machines/test_differences.py::test_another_secret_is_named_by_all_that_examine"
CHECKS = {
    "agentforge.machines.checks.check_shared": _SHARED,
    **dict.fromkeys(
        (
            "agentforge.accounts.checks.check_local_identity",
            "agentforge.accounts.checks.check_supabase",
            "agentforge.accounts.checks.check_forwarded_addresses",
            "agentforge.accounts.checks.check_second_factor_acts",
            "agentforge.accounts.checks.check_second_factor_paths",
            "agentforge.accounts.checks.check_identity_key",
            "agentforge.audit.checks.check_retention",
            "builds.operations.checks.check_storage",
            "builds.operations.checks.check_toolchain",
            "builds.remote.checks.check_builders",
            "builds.remote.checks.check_role",
            "configs.checks.check_operators_urls",
            "configs.checks.check_vault_keys",
            "deployments.checks.check_netlify_application",
            "deployments.checks.check_netlify_urls",
        ),
        _TOLD,
    ),
    "agentforge.tenancy.checks.check_row_level_security": (
        "tenancy/test_supabase_database.py::test_a_hostile_grant_is_named_and_closed"
    ),
    "configs.checks.check_prices": "configs/test_prices.py::test_a_list_that_is_not_there_is_reported",
    "builds.operations.checks.check_sandbox": (
        "test_system_checks.py::test_a_sandbox_that_does_not_work_is_told_by_check"
    ),
}
RECEIVERS = {
    "builds.example_agent.create_later": (
        "builds/test_example_agent.py::"
        "test_a_new_account_finds_an_agent_that_was_compiled_while_the_cache_warmed"
    ),
    "configs.announcements.announce_activity": (
        "screen/test_other_windows.py::test_the_activity_grows_in_front_of_its_reader"
    ),
}
# What `AppConfig.ready` does in each app; most of it registers something of the other lists.
STARTUP = {
    "agentforge/accounts/apps.py": _TOLD,
    "agentforge/audit/apps.py": _TOLD,
    "agentforge/machines/apps.py": _SHARED,
    "agentforge/live/apps.py": "live/test_eventstream.py::test_their_view_is_woken_by_the_log",
    "agentforge/tenancy/apps.py": (
        "tenancy/test_checks.py::test_an_owned_table_without_protection_fails_the_check"
    ),
    "builds/apps.py": "administration/test_doctor.py::test_a_running_forge_is_well",
    "builds/remote/apps.py": _TOLD,
    "configs/apps.py": _TOLD,
    "deployments/apps.py": (
        "deployments/sites/test_kept_files.py::"
        "test_deployed_builds_are_kept_until_they_are_not_deployed_any_more"
    ),
}
PERIODIC = {
    "agentforge/accounts/tasks.py remove_guests": "test_periodic_tasks.py::test_accounts_remove_guests",
    "builds/builder/tasks.py recover": (
        "builds/remote/test_remote_build.py::test_a_builder_that_dies_in_the_middle_goes_on"
    ),
    "builds/builder/tasks.py prune": (
        "builds/remote/test_remote_build.py::test_old_jobs_and_message_ids_of_a_builder_go"
    ),
    "builds/tasks.py recover": (
        "builds/execution/test_faults.py::test_a_dead_workers_build_is_picked_up_by_another_and_says_so"
    ),
    "builds/tasks.py warm_up": (
        "builds/test_example_agent.py::"
        "test_a_new_account_finds_an_agent_that_was_compiled_while_the_cache_warmed"
    ),
    "builds/tasks.py tidy": "test_periodic_tasks.py::test_builds_tidy",
    "builds/tasks.py prune": "test_periodic_tasks.py::test_builds_prune",
    "configs/tasks.py recheck_keys": "test_periodic_tasks.py::test_configs_recheck_keys",
    "configs/tasks.py recover": "test_periodic_tasks.py::test_configs_recover",
    "deployments/tasks.py recover": "deployments/test_periodic_tasks.py::test_deployments_recover",
    "deployments/tasks.py look": "deployments/test_periodic_tasks.py::test_deployments_look",
}


def test_every_middleware_has_a_test_that_sees_it() -> None:
    assert set(settings.MIDDLEWARE) == MIDDLEWARE.keys()


def test_every_system_check_has_a_test_that_sees_it() -> None:
    found = set(map(_name, registry.get_checks(include_deployment_checks=True)))
    assert {name for name in found if _is_ours(name)} == CHECKS.keys()


def test_every_signal_receiver_has_a_test_that_sees_it() -> None:
    assert {name for name in _receivers() if _is_ours(name)} == RECEIVERS.keys()


def test_every_startup_hook_has_a_test_that_sees_it() -> None:
    found = {
        path for path, function in _functions() if path.endswith("/apps.py") and function.name == "ready"
    }
    assert found == STARTUP.keys()


def test_every_periodic_task_has_a_test_that_sees_it() -> None:
    assert {f"{path} {task.name}" for path, task in _functions() if _is_periodic(task)} == PERIODIC.keys()


def test_the_tests_that_are_named_exist() -> None:
    for named in {
        *MIDDLEWARE.values(),
        *CHECKS.values(),
        *RECEIVERS.values(),
        *STARTUP.values(),
        *PERIODIC.values(),
    }:
        path, _, name = named.partition("::")
        tree = ast.parse((ROOT / "tests" / path).read_text())
        assert name in {getattr(node, "name", "") for node in tree.body}, named


def _name(function: Any) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in OURS


def _receivers() -> Iterator[str]:
    # `isinstance` would ask a lazy object that another test left for its class, and so the database.
    for signal in [each for each in gc.get_objects() if issubclass(type(each), Signal)]:
        for _, reference, *_ in signal.receivers:
            receiver = reference() if isinstance(reference, ReferenceType) else reference
            if receiver is not None:
                yield _name(receiver)


def _functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in sorted(path for folder in OURS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield str(path.relative_to(ROOT)), node


def _is_periodic(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    called = [each.func for each in function.decorator_list if isinstance(each, ast.Call)]
    return any(isinstance(each, ast.Attribute) and each.attr == "periodic" for each in called)
