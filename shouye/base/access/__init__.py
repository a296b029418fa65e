"""权限 — who acts (操作人 Actor), what they may see (管辖范围 Scope) and do (权限 Permission).

Accounts with an end, sign-in (登录) with argon2 and a throttle, sessions as hashed 128-bit tokens, the form token
(CSRF) bound to the session, answer tokens (应答令牌) for people without an account, keys (接口密钥) for machines,
the read log (查阅记录).
"""

from shouye.base.access.facts import KeyIssued as KeyIssued
from shouye.base.access.facts import KeyRevoked as KeyRevoked
from shouye.base.access.facts import PasswordSet as PasswordSet
from shouye.base.access.facts import SignedIn as SignedIn
from shouye.base.access.facts import SignedOut as SignedOut
from shouye.base.access.facts import UserAdded as UserAdded
from shouye.base.access.facts import UserClosed as UserClosed
from shouye.base.access.model import CALLED as CALLED
from shouye.base.access.model import OPERATOR as OPERATOR
from shouye.base.access.model import PEOPLE as PEOPLE
from shouye.base.access.model import SYSTEM as SYSTEM
from shouye.base.access.model import WHOLE as WHOLE
from shouye.base.access.model import Actor as Actor
from shouye.base.access.model import AnswerGrant as AnswerGrant
from shouye.base.access.model import DemoUser as DemoUser
from shouye.base.access.model import Key as Key
from shouye.base.access.model import Permission as Permission
from shouye.base.access.model import Purpose as Purpose
from shouye.base.access.model import Role as Role
from shouye.base.access.model import Scope as Scope
from shouye.base.access.model import Session as Session
from shouye.base.access.model import SignInGate as SignInGate
from shouye.base.access.model import Throttle as Throttle
from shouye.base.access.model import User as User
from shouye.base.access.model import csrf_matches as csrf_matches
from shouye.base.access.model import csrf_token as csrf_token
from shouye.base.access.model import named as named
from shouye.base.access.model import new_token as new_token
from shouye.base.access.model import require as require
from shouye.base.access.model import steady_now as steady_now
from shouye.base.access.service import MIN_PASSWORD as MIN_PASSWORD
from shouye.base.access.service import NotLocal as NotLocal
from shouye.base.access.service import SignInRefused as SignInRefused
from shouye.base.access.service import TooManyTries as TooManyTries
from shouye.base.access.service import add_user as add_user
from shouye.base.access.service import answer_token as answer_token
from shouye.base.access.service import check_key as check_key
from shouye.base.access.service import check_password as check_password
from shouye.base.access.service import close_user as close_user
from shouye.base.access.service import concerns as concerns
from shouye.base.access.service import covers as covers
from shouye.base.access.service import issue_answer_token as issue_answer_token
from shouye.base.access.service import issue_key as issue_key
from shouye.base.access.service import keys as keys
from shouye.base.access.service import log_read as log_read
from shouye.base.access.service import names as names
from shouye.base.access.service import open_demo_users as open_demo_users
from shouye.base.access.service import reads_of as reads_of
from shouye.base.access.service import revoke_key as revoke_key
from shouye.base.access.service import session as session
from shouye.base.access.service import session_actor as session_actor
from shouye.base.access.service import set_password as set_password
from shouye.base.access.service import sign_in as sign_in
from shouye.base.access.service import sign_out as sign_out
from shouye.base.access.service import touch as touch
from shouye.base.access.service import users as users
