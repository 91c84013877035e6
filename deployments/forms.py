from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.text import capfirst

from agentforge.flag_field import FlagField
from agentforge.json_forms import JsonForm
from builds.compiler import targets
from builds.forms import TargetForm
from configs.forms.agent_filter import AgentFilterForm
from configs.forms.text import TextField
from configs.forms.url import clean_base_url

from .hosts.base import HostKind, Team
from .hosts.registry import KINDS, NETLIFY
from .models import Access, DeploymentStatus, Site

_NAME = RegexValidator(
    r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
    "A site's name may have up to 63 letters, digits and hyphens, with no hyphen at either end.",
)


class DeploymentListForm(AgentFilterForm):
    """What a list of deployments shows."""

    status = forms.ChoiceField(
        label="Status", required=False, choices=[("", "Any status"), *DeploymentStatus.choices]
    )


class HostForm(JsonForm):
    """A form with a kind of host, by default Netlify."""

    host = forms.ChoiceField(
        required=False,
        choices=[(code, capfirst(kind.label)) for code, kind in KINDS.items()],
        widget=forms.HiddenInput,
    )

    def clean_host(self) -> str:
        return self.cleaned_data["host"] or NETLIFY


class NewSiteForm(HostForm):
    name = TextField(
        label="Name of the new site",
        max_length=63,
        validators=[_NAME],
        error_messages={"required": "Give the site a name."},
    )
    team = forms.ChoiceField(label="Team", required=False, choices=())

    def __init__(self, *args: Any, teams: tuple[Team, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"] = forms.ChoiceField(
            label="Team", required=False, choices=[(team.slug, team.name) for team in teams]
        )


class ChooseSiteForm(HostForm):
    """An existing site of a host, by its id or its name there."""

    site = TextField(
        label="Site", max_length=100, validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9.-]*$")]
    )


class SettingsForm(JsonForm):
    """A site's access, greeting and download."""

    access = forms.ChoiceField(label="Who may talk to it", choices=Access.choices, widget=forms.RadioSelect)
    password = TextField(
        label="Shared password",
        required=False,
        max_length=200,
        min_length=8,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Only its hash is stored. Leave empty to keep the current password.",
    )
    greeting = TextField(label="Greeting", required=False, max_length=300)
    offers_download = FlagField(
        label="Offer the plugin for download", required=False,
        help_text="Anybody who knows the address can then download it, regardless of the access above.",
    )  # fmt: skip

    own_address = TextField(
        label="Address of your server", required=False, max_length=300,
        help_text="Where it runs, like https://ada.example.com. The forge then sees whether it answers.",
    )  # fmt: skip

    def __init__(self, *args: Any, site: Site | None = None, **kwargs: Any) -> None:
        self._site = site
        super().__init__(*args, **kwargs)
        if site is None or KINDS[site.host].serves:
            del self.fields["own_address"]
        if not settings.SUPABASE_URL:
            # Without a project there are no users.
            choices = [choice for choice in Access.choices if choice[0] != Access.SUPABASE]
            cast(forms.ChoiceField, self.fields["access"]).choices = choices
        if site is not None and not KINDS[site.host].sets_variables:
            # The password is set on the server that runs the agent.
            del self.fields["password"]

    def clean_own_address(self) -> str:
        address: str = self.cleaned_data["own_address"]
        return clean_base_url(address) if address else ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        has_password = self._site is not None and bool(self._site.password_hash)
        is_required = "password" in self.fields and "password" not in self.errors and not has_password
        if cleaned.get("access") == Access.PASSWORD and is_required and not cleaned.get("password"):
            self.add_error("password", "Choose the password that visitors will need.")
        return cleaned


class StartForm(JsonForm):
    build = forms.IntegerField(label="Build", min_value=1)
    draft = FlagField(label="As a draft, at an address of its own", required=False)


class PlanForm(TargetForm):
    """The programs to compile for a site, of those that its host runs, and then to deploy."""

    draft = FlagField(label="As a draft, at an address of its own", required=False)

    def __init__(self, *args: Any, kind: HostKind | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        runs = kind.targets if kind else [target for each in KINDS.values() for target in each.targets]
        field = cast(forms.MultipleChoiceField, self.fields["targets"])
        field.label = "Processor" if len(runs) > 1 else "Program"
        field.choices = [(target.name, target.label) for target in map(targets.get, runs)]

    def clean_targets(self) -> list[str]:
        if not self.cleaned_data["targets"]:
            raise forms.ValidationError("Choose at least one program.")
        return super().clean_targets()


class DeleteSiteForm(JsonForm):
    """Requires the name of the site as a confirmation."""

    name = TextField(
        label="The site's name, to confirm",
        max_length=63,
        error_messages={"required": "Type the site's name to confirm. Nothing was deleted."},
    )

    def __init__(self, *args: Any, site: Site | None = None, **kwargs: Any) -> None:
        self._site = site
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self._site is not None and name != self._site.name:
            raise forms.ValidationError(f"Enter {self._site.name} to confirm.")
        return name
