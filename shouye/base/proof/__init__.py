"""身份核验 — that it is truly he who signs: a second factor (动态口令 TOTP, RFC 6238) beside the password.

Bound by scanning a picture (绑定), confirmed by a first code, with recovery codes (恢复码) shown once. Asked at
sign-in of whoever has bound one, and again before a signature (签发前核验). A code counts once (重放拒绝). In a
drill an account may go without; in earnest nobody signs without.
"""

from shouye.base.proof.facts import FactorBound as FactorBound
from shouye.base.proof.facts import FactorRemoved as FactorRemoved
from shouye.base.proof.model import PROOF_LASTS as PROOF_LASTS
from shouye.base.proof.model import CodeNeeded as CodeNeeded
from shouye.base.proof.model import CodeRefused as CodeRefused
from shouye.base.proof.model import Enrolment as Enrolment
from shouye.base.proof.model import FactorMissing as FactorMissing
from shouye.base.proof.model import ProofStale as ProofStale
from shouye.base.proof.model import TooManyCodes as TooManyCodes
from shouye.base.proof.model import proof_gate as proof_gate
from shouye.base.proof.service import begin as begin
from shouye.base.proof.service import check as check
from shouye.base.proof.service import confirm as confirm
from shouye.base.proof.service import has_factor as has_factor
from shouye.base.proof.service import remove as remove
from shouye.base.proof.service import require_proof as require_proof
from shouye.base.proof.service import spare_codes as spare_codes
