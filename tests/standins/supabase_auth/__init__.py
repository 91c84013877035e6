"""Stand in for Supabase Auth on a socket: its real paths, bodies, errors and rules, with state in memory.

Written after the behaviour of the service (github.com/supabase/auth, internal/api and internal/tokens): the
gateway's check of the `apikey`, error bodies of both API versions, mails with token hashes and codes, PKCE
flow states, rotation of refresh tokens with detection of reuse, TOTP factors with `aal` and `amr`, limits.
Answers recorded from the service are compared with this one's in tests/standins/supabase_answers.
"""

from .server import SupabaseAuth
from .state import Mail
from .totp import code_at

__all__ = ["Mail", "SupabaseAuth", "code_at"]
