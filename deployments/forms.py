from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.text import capfirst

from configs.forms.text import TextField

from .accounts.host_accounts import KINDS, NETLIFY
from .hosts.base import Team
from .models import Access, Site

_NAME = RegexValidator(
    r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
    "A site's name has letters, digits and hyphens, 63 characters at most, no hyphen at an end.",
)


class HostForm(forms.Form):
    """Take the kind of host that a form is about; Netlify where none is named."""

    host = forms.ChoiceField(
        required=False,
        choices=[(code, capfirst(kind.label)) for code, kind in KINDS.items()],
        widget=forms.HiddenInput,
    )

    def clean_host(self) -> str:
        return self.cleaned_data["host"] or NETLIFY


class NewSiteForm(HostForm):
    """Take the name and the team of a site to create."""

    name = TextField(label="Name of the new site", max_length=63, validators=[_NAME])
    team = forms.ChoiceField(label="Team", required=False, choices=())

    def __init__(self, *args: Any, teams: tuple[Team, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"] = forms.ChoiceField(
            label="Team", required=False, choices=[(team.slug, team.name) for team in teams]
        )


class ChooseSiteForm(HostForm):
    """Take which of the sites at a host to use: its id or its name there."""

    site = TextField(
        label="Site", max_length=100, validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9.-]*$")]
    )


class SettingsForm(forms.Form):
    """Take who may talk to the deployed agent, and what its page says and offers."""

    access = forms.ChoiceField(label="Who may talk to it", choices=Access.choices, widget=forms.RadioSelect)
    password = TextField(
        label="Shared password",
        required=False,
        max_length=200,
        min_length=8,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Only its hash is kept. Left empty, the password that is set stays.",
    )
    greeting = TextField(label="Greeting", required=False, max_length=300)
    offers_download = forms.BooleanField(
        label="Offer the plugin for download", required=False,
        help_text="Whoever knows the address can then download it, whatever stands above.",
    )  # fmt: skip

    def __init__(self, *args: Any, site: Site | None = None, **kwargs: Any) -> None:
        self._site = site
        super().__init__(*args, **kwargs)
        if not settings.SUPABASE_URL:
            # Without a project there is nobody to let in.
            left = [choice for choice in Access.choices if choice[0] != Access.SUPABASE]
            cast(forms.ChoiceField, self.fields["access"]).choices = left
        if site is not None and not KINDS[site.host].sets_variables:
            # Whoever runs the agent chooses it there.
            del self.fields["password"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        has_one = self._site is not None and bool(self._site.password_hash)
        asked = "password" in self.fields and "password" not in self.errors
        lacks_one = asked and not cleaned.get("password") and not has_one
        if cleaned.get("access") == Access.PASSWORD and lacks_one:
            self.add_error("password", "Choose the password that visitors will need.")
        return cleaned


class StartForm(forms.Form):
    """Take which build to deploy, and whether as a draft."""

    build = forms.IntegerField(label="Build", min_value=1)
    draft = forms.BooleanField(label="As a draft, at an address of its own", required=False)


class DeleteSiteForm(forms.Form):
    """Take the name of the site as a confirmation."""

    name = TextField(label="The site's name, to confirm", max_length=63)

    def __init__(self, *args: Any, site: Site | None = None, **kwargs: Any) -> None:
        self._site = site
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self._site is not None and name != self._site.name:
            raise forms.ValidationError(f"Enter {self._site.name} to confirm.")
        return name
