"""A small city in a folder of its own, whole and without fault, for tests to break in one place."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "city.toml": """
id = "xs"
name = "小石市"
code = "990100"
demo_holders = true

[centre]
lon = 110.5
lat = 35.5

[demo]
seed = "small"
one_person_villages_percent = 30
crossed_villages_percent = 10

[shifts.day]
term = "白班"
start = "08:00"
end = "20:00"

[shifts.night]
term = "夜班"
start = "20:00"
end = "08:00"

[schemes.list-1]
term = "试用代码表"
""",
    "demo_names.toml": 'surnames = ["甲", "乙"]\ngiven = ["一", "二", "三"]\n',
    "divisions.csv": """\
id,name,short,level,kind,parent,lon,lat,valid_from,valid_to
xs,小石市,小石市,city,city,,,,,
xs-c1,东县,东县,county,county,xs,110.6,35.6,,
xs-t1,河口镇,河口镇,township,town,xs-c1,,,,
xs-v1,上村村委会,上村,village,village,xs-t1,,,,
xs-v2,桥头社区居委会,桥头社区,village,community,xs-t1,,,,
""",
    "division_codes.csv": """\
division,scheme,code,name_in_list,valid_from,valid_to
xs,list-1,990100,小石市,2020-01-01,
xs-c1,list-1,990121,东县,2020-01-01,
xs-t1,list-1,990121100,河口镇,2020-01-01,2024-01-01
xs-t1,list-1,990121101,河口镇,2024-01-01,
xs-v1,list-1,990121100201,上村村委会,2020-01-01,
xs-v2,list-1,990121101001,桥头社区居委会,2020-01-01,
""",
    "stations.csv": """\
id,name,lon,lat,altitude_m,county,kind,source,county_by
S1,东县站,110.61,35.61,900,xs-c1,rain,test,name
""",
    "posts.csv": """\
kind,level,division_kinds,title,department,duty,order,superior_kind,holding,mark
city_duty,city,,市值班室,市防办,叫应,1,,shift,proposed
county_duty,county,,县值班室,县防办,叫应,1,city_duty,shift,proposed
township_duty,township,,乡值班室,镇政府,叫应,1,county_duty,shift,proposed
village_flood_head,village,village,村级防汛责任人,村委会,转移,1,township_duty,pair,proposed
village_flood_head,village,community,社区防汛责任人,居委会,转移,1,township_duty,pair,proposed
village_warner,village,,预警转移员,村委会,叫醒,2,township_duty,pair,proposed
""",
}

HOLDERS_HEAD = "post,role,name,contact_kind,contact,valid_from,valid_to,shift\n"
HOLDERS = HOLDERS_HEAD + "".join(
    f"{post},{role},{post}{role},mobile,139{number}{'01'[role == 'B']}000000,,,\n"
    for number, post in enumerate(
        (
            "xs/city_duty",
            "xs-c1/county_duty",
            "xs-t1/township_duty",
            "xs-v1/village_flood_head",
            "xs-v1/village_warner",
            "xs-v2/village_flood_head",
            "xs-v2/village_warner",
        )
    )
    for role in "AB"
)


def write_city(folder: Path, *, registered: bool = False) -> Path:
    """Write the whole city; with `registered`, its holders come from a holders.csv."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    if registered:
        (folder / "holders.csv").write_text(HOLDERS, encoding="utf-8")
    return folder


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Change one place; a test whose place is not there is wrong."""
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
