"""The validation of an agent's draft: one form per tab."""

from configs.choices import Tab

from .base import DraftForm
from .capabilities import CapabilitiesForm
from .identity import IdentityForm
from .keys_tab import KeysForm
from .knowledge import KnowledgeForm
from .personality import PersonalityForm

TAB_FORMS: dict[str, type[DraftForm]] = {
    Tab.IDENTITY: IdentityForm,
    Tab.KEYS: KeysForm,
    Tab.PERSONALITY: PersonalityForm,
    Tab.CAPABILITIES: CapabilitiesForm,
    Tab.KNOWLEDGE: KnowledgeForm,
}

__all__ = [
    "TAB_FORMS",
    "CapabilitiesForm",
    "DraftForm",
    "IdentityForm",
    "KeysForm",
    "KnowledgeForm",
    "PersonalityForm",
]
