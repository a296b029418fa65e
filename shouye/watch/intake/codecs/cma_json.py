"""国家预警网页 — the JSONP of weather.com.cn; and the identifiers, codes and colours that Chinese signals share.

依据: GB/T 35965.1-2018 (预警信息标识); 气象灾害预警信号发布与传播办法 (中国气象局令第16号) 的信号种类.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from shouye.base.kernel import BEIJING, AlertLevel, iso
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    Refused,
    SessionOptions,
    Signal,
    SignalArea,
    SignalInfo,
)

_HAZARDS = {
    "typhoon": "台风 11B01 01",
    "rainstorm": "暴雨 11B03 02",
    "snowstorm": "暴雪 11B04 03",
    "cold_wave": "寒潮 11B05 04",
    "gale": "大风 11B06 05",
    "sandstorm": "沙尘暴 11B07 06",
    "heat": "高温 11B09 07",
    "drought": "干旱 11B22 08",
    "lightning": "雷电 11B14 09",
    "hail": "冰雹 11B15 10",
    "frost": "霜冻 11B16 11",
    "fog": "大雾 11B17 12",
    "haze": "霾 11B19 13",
    "road_icing": "道路结冰 11B21 14",
    "landslide_threat": "地质灾害 - 21",
    "flash_flood": "山洪灾害 - 24",
    "severe_convection": "强对流 - 26",
    "forest_fire": "森林火险 - 30",
    "thunderstorm_gale": "雷雨大风 11B20 -",
    "storm_surge": "风暴潮 11E02 -",
    "sea_wave": "海浪 11E06 -",
}
"""灾种 — our word: the Chinese word, the national event code, the type number of the meteorological icons."""
_TERMS = {key: row.split()[0] for key, row in _HAZARDS.items()}
_BY_CODE = {row.split()[1]: key for key, row in _HAZARDS.items() if "-" not in row.split()[1]}
_BY_TYPE = {row.split()[2].zfill(4): key for key, row in _HAZARDS.items() if "-" not in row.split()[2]}
_LONGEST = sorted(_TERMS.items(), key=lambda item: -len(item[1]))
_LEVELS = dict(zip("蓝黄橙红", AlertLevel, strict=True))
_AGENCIES = {"416": "气象", "332": "水利"}
_MOST_BYTES = 16 * 1024 * 1024
_IDENTIFIER = re.compile(r"(\d{6})(\d{3})([0-9A-Z]{3})([0-9A-Z]{2})_(\d{14})(?:_(\d))?")
_KINDS = ("Alert", "Update", "Cancel", "Ack", "Error")
_BEIJING_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?")
_JSONP = re.compile(r"(?:var\s{1,9})?[\w.$]{1,99}\s{0,9}[=(]\s{0,9}(?=[{\[])")


@dataclass(frozen=True)
class SignalId:
    """预警信息标识 — who entered it and when; public feeds drop the serial."""

    division: str
    agency: str
    unit: str
    extension: str
    entered_at: datetime
    serial: int | None = None

    @property
    def fields(self) -> dict[str, object]:
        return {
            "division": self.division,
            "agency": self.agency,
            "agency_name": _AGENCIES.get(self.agency, ""),
            "unit": self.unit,
            "extension": self.extension,
            "entered_at": iso(self.entered_at),
            "serial": self.serial,
        }


def identify(text: str) -> SignalId | None:
    """标识解析 — `ZZZZZZDDDUUUXX_YYYYMMDDhhmmss[_N]`, 29 or 31 characters; None when it is no such identifier."""
    match = _IDENTIFIER.fullmatch(text)
    if match is None or not match[0].isascii():
        return None
    try:
        entered_at = datetime.strptime(match[5], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError:
        return None
    return SignalId(match[1], match[2], match[3], match[4], entered_at, int(match[6]) if match[6] else None)


def event_of(code: str) -> tuple[str, AlertLevel | None] | None:
    """事件编码 — hazard and colour of `11B03`, `11B0302`, `p0002003` or `0201`; an unknown type gives None.

    The compact and the short form count from 01 蓝 up to 04 红, the icon form from 1 红 down to 4 蓝.
    """
    ascending = list(AlertLevel)
    if match := re.fullmatch(r"(1[1-4][A-Z][0-9]{2})(?:0([1-4]))?", code):
        return _graded(_BY_CODE.get(match[1]), ascending[int(match[2]) - 1] if match[2] else None)
    if match := re.fullmatch(r"p([0-9]{4})00([1-4])", code):
        return _graded(_BY_TYPE.get(match[1]), ascending[4 - int(match[2])])
    if match := re.fullmatch(r"([0-9]{2})0([1-4])", code):
        return _graded(_BY_TYPE.get(match[1].zfill(4)), ascending[int(match[2]) - 1])
    return None


def _graded(hazard: str | None, level: AlertLevel | None) -> tuple[str, AlertLevel | None] | None:
    return None if hazard is None else (hazard, level)


def hazard_in(text: str) -> str:
    """灾种 — our word for the longest Chinese hazard name in the text, or for its plain English; else empty."""
    english = text.strip().lower().replace(" ", "_")
    return next((key for key, term in _LONGEST if term in text), english if english in _TERMS else "")


def term_of(hazard: str) -> str:
    """The Chinese word of a hazard, empty when we have none."""
    return _TERMS.get(hazard, "")


def terms() -> list[str]:
    """Every Chinese hazard name, the longest first, as a pattern needs them."""
    return [term for _, term in _LONGEST]


def level_in(text: str, *, english: bool = False) -> AlertLevel | None:
    """颜色 — the first colour word followed by 色 in the text; an English one only of a Chinese sender."""
    if match := re.search(r"([蓝黄橙红])色", text):
        return _LEVELS[match[1]]
    match = re.search(r"\b(red|orange|yellow|blue)\b", text, re.IGNORECASE) if english else None
    return AlertLevel(match[1].upper()) if match else None


def level_of_severity(severity: str) -> AlertLevel | None:
    """严重程度 — of a Chinese sender without a colour: Minor 蓝 to Extreme 红."""
    words = ("Minor", "Moderate", "Severe", "Extreme")
    return list(AlertLevel)[words.index(severity)] if severity in words else None


def to_decoded(signal: Signal, extra: Mapping[str, object] | None = None) -> Decoded:
    """预警信号的通用字段 — what every signal codec says in the same words; the signal itself goes beside it."""
    number = identify(signal.identifier)
    return Decoded(
        station=signal.sender,
        function=signal.kind,
        sent=signal.sent,
        fields={
            "identifier": signal.identifier,
            **({"identifier_parts": number.fields} if number else {}),
            "status": signal.status,
            "scope": signal.scope,
            "drill": not signal.is_actual,
            "level": signal.level,
            "expires": iso(signal.expires) if signal.expires else None,
            "references": [list(reference) for reference in signal.references],
            "signature": signal.signature.state,
            "signer": signal.signature.signer,
            "signature_detail": signal.signature.detail,
            "infos": [_plain_info(info) for info in signal.infos],
            "sha256": signal.digest,
            "part": signal.part,
            "notes": list(signal.notes),
            **(extra or {}),
        },
        note="；".join(signal.notes),
        record=signal,
    )


def _plain_info(info: SignalInfo) -> dict[str, object]:
    said = {
        key: iso(value) if isinstance(value, datetime) else value
        for key, value in vars(info).items()
        if key != "areas" and value not in ("", None, ())
    }
    areas = [{key: value for key, value in vars(area).items() if value} for area in info.areas]
    return said | {"hazard_name": term_of(info.hazard), "level": info.level, "areas": areas}


def _national(row: Mapping[str, object], raw: bytes) -> Signal:
    """国家预警发布中心网页 — one signal; the words and the codes say the same thing twice and are compared."""
    head, identifier, kind = text_of(row, "head"), text_of(row, "identifier"), text_of(row, "msgType")
    coded = event_of(text_of(row, "TYPECODE") + text_of(row, "LEVELCODE"))
    hazard, level = hazard_in(text_of(row, "SIGNALTYPE")), level_in(text_of(row, "SIGNALLEVEL"))
    notes = []
    if identify(identifier) is None:
        notes.append(f"标识 {identifier} 不是国家预警信息标识")
    if coded and coded != (hazard, level):
        notes.append(
            f"类型级别代码与文字不一致，按文字 {text_of(row, 'SIGNALTYPE')}{text_of(row, 'SIGNALLEVEL')} 读"
        )
    if not hazard or not level:
        notes.append("种类或级别不认识")
    kind, changed = kind_of(kind or ("Cancel" if "解除" in head else "Alert"))
    references = text_of(row, "references").replace(",", " ").split()
    if identifier in references:
        notes.append("references 指向自己，已略去")
    place = "".join(dict.fromkeys(text_of(row, key) for key in ("PROVINCE", "CITY", "STATIONNAME")))
    number = identify(identifier)
    return Signal(
        raw=raw,
        identifier=identifier,
        sender=place,
        sent=beijing(text_of(row, "ISSUETIME")),
        status="Actual",
        kind=kind,
        infos=(
            SignalInfo(
                event=text_of(row, "SIGNALTYPE"),
                hazard=hazard,
                level=level,
                act="解除" if kind == "Cancel" else "发布",
                expires=beijing(text_of(row, "RELIEVETIME")) if text_of(row, "RELIEVETIME") else None,
                sender_name=place,
                headline=head,
                text=text_of(row, "ISSUECONTENT"),
                areas=(SignalArea(place, division=number.division if number else ""),),
                codes=(("TYPECODE", text_of(row, "TYPECODE")), ("LEVELCODE", text_of(row, "LEVELCODE"))),
            ),
        ),
        references=tuple(("", other, "") for other in references if other != identifier),
        scope="Public",
        notes=(*notes, *changed),
    )


def kind_of(word: str) -> tuple[str, list[str]]:
    """msgType — the word of CAP, and a note where the sender misspelt it; an unknown word is refused."""
    right = {kind.lower(): kind for kind in _KINDS} | {"cancle": "Cancel", "updata": "Update"}
    kind = right.get(word.strip().lower())
    if kind is None:
        raise BadFrame(RefusalCode.UNSUPPORTED, f"msgType {word[:40]!r} 不是 CAP 的消息类型")
    return kind, [] if kind == word else [f"msgType 写作 {word}，按 {kind} 读"]


def text_of(row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value).strip()


def beijing(text: str) -> datetime:
    try:
        if not _BEIJING_TIME.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text).replace(tzinfo=BEIJING)
    except ValueError:
        raise BadFrame(RefusalCode.TIME, f"时间 {text[:40]!r} 不可辨认") from None


def objects_in(data: bytes, read: Callable[[dict[str, object], bytes], Decoded]) -> Iterator[Message]:
    """One JSON or JSONP object, or one a line: each read, or refused with its bytes."""
    if len(data) > _MOST_BYTES:
        yield Refused(RefusalCode.LENGTH, f"文件 {len(data)} 字节，超过 {_MOST_BYTES}", data[:1024])
        return
    lines = [line for line in data.splitlines() if line.strip()]
    many = len(lines) > 1 and all(line.lstrip().startswith(b"{") for line in lines)
    for one in lines if many else [data]:
        try:
            text = one.decode("utf-8-sig").strip()
            wrapped = _JSONP.match(text)
            row = json.loads(text[wrapped.end() :].rstrip(";").rstrip(")") if wrapped else text)
            json.dumps(row, ensure_ascii=False).encode()  # half a surrogate pair is no text
            if not isinstance(row, dict):
                raise BadFrame(RefusalCode.HEADER, "不是一条 JSON 记录")
            yield read(row, one)
        except BadFrame as error:
            yield error.about(one)
        except UnicodeDecodeError:
            yield Refused(RefusalCode.ENCODING, "不是 UTF-8", one)
        except (ValueError, RecursionError):
            yield Refused(RefusalCode.HEADER, "不是完整的 JSON", one)


def only(messages: Iterator[Message], data: bytes) -> Message:
    """The one message of a document; of none or many it is refused, since one cannot stand for all."""
    found = list(islice(messages, 2))
    return found[0] if len(found) == 1 else Refused(RefusalCode.LENGTH, "不是恰好一条，须按文件读入", data)


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterator[Message]:
    return objects_in(data, _read)


def _read(row: dict[str, object], raw: bytes) -> Decoded:
    if "SIGNALTYPE" not in row or "identifier" not in row:
        raise BadFrame(RefusalCode.UNSUPPORTED, "没有 SIGNALTYPE 和 identifier，不是国家预警网页的记录")
    return to_decoded(_national(row, raw))


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    return only(decode_all(data, options), data)


CODEC = Codec(
    term="国家预警网页 JSONP",
    source="GB/T 35965.1-2018；weather.com.cn 网页的实际格式",
    decode=decode,
    decode_all=decode_all,
    document=True,
)
