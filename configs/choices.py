"""The choices of the wizard's forms; every value reaches the agent's system prompt or settings."""

from django.db.models import TextChoices


class AgentType(TextChoices):
    ASSISTANT = "assistant", "Assistant"
    SPECIALIST = "specialist", "Specialist"
    RESEARCHER = "researcher", "Researcher"
    ANALYST = "analyst", "Analyst"
    CREATIVE = "creative", "Creative"
    TECHNICAL = "technical", "Technical"


class Preset(TextChoices):
    BALANCED = "balanced", "Balanced"
    PROFESSIONAL = "professional", "Professional"
    FRIENDLY = "friendly", "Friendly"
    MENTOR = "mentor", "Mentor"
    ANALYTICAL = "analytical", "Analytical"
    IMAGINATIVE = "imaginative", "Imaginative"


class Trait(TextChoices):
    CURIOUS = "curious", "Curious"
    PATIENT = "patient", "Patient"
    PRECISE = "precise", "Precise"
    EMPATHETIC = "empathetic", "Empathetic"
    CANDID = "candid", "Candid"
    CAUTIOUS = "cautious", "Cautious"
    CREATIVE = "creative", "Creative"
    PRAGMATIC = "pragmatic", "Pragmatic"
    SKEPTICAL = "skeptical", "Skeptical"
    ENCOURAGING = "encouraging", "Encouraging"
    HUMOROUS = "humorous", "Humorous"
    SYSTEMATIC = "systematic", "Systematic"


class CommunicationStyle(TextChoices):
    PLAIN = "plain", "Plain"
    CONVERSATIONAL = "conversational", "Conversational"
    SOCRATIC = "socratic", "Socratic"
    STRUCTURED = "structured", "Structured"
    NARRATIVE = "narrative", "Narrative"


class Tone(TextChoices):
    NEUTRAL = "neutral", "Neutral"
    WARM = "warm", "Warm"
    FORMAL = "formal", "Formal"
    CASUAL = "casual", "Casual"
    ENTHUSIASTIC = "enthusiastic", "Enthusiastic"


class ResponseLength(TextChoices):
    BRIEF = "brief", "Brief"
    BALANCED = "balanced", "Balanced"
    DETAILED = "detailed", "Detailed"


class Tool(TextChoices):
    CALCULATOR = "calculator", "Calculator"
    CLOCK = "clock", "Clock"
    FACTS = "facts", "Facts"
    FETCH = "fetch", "Web pages"
    DATES = "dates", "Dates"
    UNITS = "units", "Units"
    DATA_QUERY = "data_query", "Tables"
    MCP = "mcp", "MCP servers"
    AGENT = "agent", "Other agents"
    API = "api", "HTTP APIs"
    WEB_SEARCH = "web_search", "Web search"
    LOCAL = "local", "Programs on your machine"
    WORKSPACE = "workspace", "Files"


class KeyStatus(TextChoices):
    """The state of a key: not yet tested, or one of the six outcomes of a test."""

    UNVERIFIED = "unverified", "Unverified"
    VALID = "valid", "Valid"
    INVALID = "invalid", "Invalid"
    UNSCOPED = "unscoped", "Valid, but without the needed permission"
    NO_CREDIT = "no_credit", "Valid, but without credit"
    RATE_LIMITED = "rate_limited", "Rate limited"
    UNREACHABLE = "unreachable", "Provider unreachable"


class Tab(TextChoices):
    """The wizard's tabs, in the order in which they are validated."""

    IDENTITY = "identity", "Identity"
    KEYS = "keys", "API keys"
    PERSONALITY = "personality", "Personality"
    CAPABILITIES = "capabilities", "Capabilities"
    KNOWLEDGE = "knowledge", "Knowledge"


class RunStatus(TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    READY = "ready", "Ready to compile"
    INVALID = "invalid", "Needs attention"
    FAILED = "failed", "Failed"
