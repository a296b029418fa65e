"""金库 — what must not be read from a copied database: sealed with a key that lies outside it.

SM4-GCM with the place of the value as associated data, so that a sealed value moved to another row does not open.
The nonce is the keyed digest of place and value (HMAC-SM3): equal values in one place seal alike, a nonce is never
used for two values, and a drill seals the same bytes each time. A blind index (HMAC-SM3) finds a value without
opening any. 依据: SM4 is GB/T 32907-2016, SM3 is GB/T 32905-2016; 个人信息保护法 第五十一条 (加密等安全技术措施).
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC
from sqlalchemy import URL, make_url

from shouye.base.kernel.files import write_new, write_over
from shouye.base.kernel.levels import Mode
from shouye.base.kernel.refusals import Refusal

KEY_SETTING = "SHOUYE_CONTACT_KEY"
"""密钥文件的路径 — an environment variable; else keys/contacts.key beside an SQLite file or in the data folder."""


NONCE, TAG, KEY = 12, 16, 32


class VaultMissing(Refusal):
    """没有找到联系方式的密钥文件；实战须先用 shouye access contacts make-key 生成，并另存一份。"""


class VaultLost(Refusal):
    """库里的号码已用密钥加密，那把密钥的文件不在：请从另存的一份放回，不要另建。"""


class VaultHomeless(Refusal):
    """没有说明联系方式的密钥在哪里：PostgreSQL 库请用 --data 指明数据目录，或设置 SHOUYE_CONTACT_KEY。"""


class VaultExposed(Refusal):
    """联系方式的密钥文件对他人可读，请改为 0600。"""


class VaultUnreadable(Refusal):
    """联系方式的密钥文件读不通，或不是这个库的密钥。"""


class VaultExists(Refusal):
    """联系方式的密钥文件已存在，没有覆盖。"""


class Vault:
    """金库 — seals and opens with the keys of one file; the last line is in use, earlier ones only open."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._keys = {number: _Key(key) for number, key in keys.items()}
        self.number = max(keys)

    def seal(self, place: str, value: str) -> str:
        """加密 — the number of the key, then nonce, text and tag."""
        sealed = self._keys[self.number].seal(place.encode(), value.encode())
        return f"{self.number}:{base64.b64encode(sealed).decode()}"

    def open(self, place: str, sealed: str) -> str:
        """解密 — refuses what was sealed elsewhere, by another key, or has been touched."""
        number, _, text = sealed.partition(":")
        key = self._keys.get(int(number)) if number.isdecimal() else None
        if key is None:
            raise VaultUnreadable(f"缺第 {number} 号密钥")
        try:
            return key.open(place.encode(), base64.b64decode(text, validate=True)).decode()
        except (InvalidTag, ValueError) as error:
            raise VaultUnreadable(place) from error

    def trace(self, value: str) -> str:
        """盲索引 — the same for the same value, and tells nobody without the key which."""
        return self._keys[self.number].digest(b"trace", value.encode()).hex()


class _Key:
    """One key and the two that are derived from it."""

    def __init__(self, key: bytes) -> None:
        self._cipher = algorithms.SM4(_hmac(key, b"cipher")[:16])
        self._mac = _hmac(key, b"mac")

    def digest(self, *parts: bytes) -> bytes:
        return _hmac(self._mac, b"".join(len(part).to_bytes(4) + part for part in parts))

    def seal(self, place: bytes, value: bytes) -> bytes:
        nonce = self.digest(b"nonce", place, value)[:NONCE]
        sealing = Cipher(self._cipher, modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(place)
        return nonce + sealing.update(value) + sealing.finalize() + sealing.tag

    def open(self, place: bytes, sealed: bytes) -> bytes:
        nonce, text, tag = sealed[:NONCE], sealed[NONCE:-TAG], sealed[-TAG:]
        opening = Cipher(self._cipher, modes.GCM(nonce, tag)).decryptor()
        opening.authenticate_additional_data(place)
        return opening.update(text) + opening.finalize()


def _hmac(key: bytes, text: bytes) -> bytes:
    made = HMAC(key, SM3())
    made.update(text)
    return made.finalize()


def vault_path(database: str | URL, keys: Path | None = None) -> Path:
    """密钥文件 — never in the database and never in its backup; `keys` is the folder of the program's own keys."""
    url = make_url(database)
    if said := os.environ.get(KEY_SETTING):
        return Path(said)
    if url.get_backend_name() == "sqlite" and url.database:
        keys = Path(url.database).parent / "keys"
    if keys is None:
        raise VaultHomeless
    return keys / "contacts.key"


def open_vault(path: Path, *, make: bool) -> Vault:
    """开金库 — from its file; `make` one at the first start where nothing real is at stake."""
    if not path.exists():
        if not make:
            raise VaultMissing(str(path))
        with suppress(VaultExists):  # another process was first: its key is the one
            make_vault(path)
    if path.stat().st_mode & 0o077:
        raise VaultExposed(str(path))
    try:
        lines = [line.partition(":") for line in path.read_text("ascii").split()]
        keys = {int(number): bytes.fromhex(key) for number, _, key in lines}
    except ValueError as error:
        raise VaultUnreadable(str(path)) from error
    if not keys or any(len(key) != KEY for key in keys.values()):
        raise VaultUnreadable(str(path))
    return Vault(keys)


def vault_for(database: str | URL, mode: Mode, keys: Path | None = None, *, new: bool = True) -> Vault:
    """这个库的金库 — in earnest its key must be there already: somebody has made it and kept a copy.

    A database that is not `new` was sealed with a key: another one, made here, would open nothing.
    """
    path = vault_path(database, keys)
    if not new and not path.exists():
        raise VaultLost(str(path))
    return open_vault(path, make=mode is not Mode.ACTUAL)


def make_vault(path: Path) -> None:
    """生成密钥 — a new file, never over one that is there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        write_new(path, _line(1))
    except FileExistsError:
        raise VaultExists(str(path)) from None


def rotate_vault(path: Path) -> Vault:
    """换密钥 — a new key beside the old ones, which open older backups."""
    known = open_vault(path, make=False)
    write_over(path, path.read_bytes() + _line(known.number + 1))
    return open_vault(path, make=False)


def _line(number: int) -> bytes:
    return f"{number}:{secrets.token_hex(KEY)}\n".encode("ascii")
