"""Every lint finds the fault it is for, in a city that has no other."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from shouye.base.roster import BadCity, Roster, Severity, lint, load_city
from tests.base.roster.small import HOLDERS_HEAD, edit, write_city

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@pytest.mark.parametrize("registered", [False, True])
def test_the_small_city_is_whole(tmp_path: Path, registered: bool) -> None:
    assert lint(load_city(write_city(tmp_path, registered=registered))) == []


BROKEN = [
    # divisions
    ("divisions.csv", "xs-c1,东县,东县", "XS_c1,东县,东县", ERROR, "divisions.csv XS_c1", "编号只能用小写"),
    ("divisions.csv", "xs-v2,桥头社区", "dt-v2,桥头社区", ERROR, "divisions.csv dt-v2", "编号应以“xs-”开头"),
    ("divisions.csv", ",village,village,xs-t1", ",village,village,xs-t9", ERROR, "xs-v1", "上级 xs-t9 不存在"),
    ("divisions.csv", ",village,village,xs-t1", ",village,village,xs-c1", ERROR, "xs-v1", "是县级，应为乡级"),
    ("divisions.csv", ",village,village,xs-t1", ",village,village,", ERROR, "xs-v1", "缺少上级"),
    ("divisions.csv", "city,city,,,,,", "city,city,xs-c1,,,,", ERROR, "divisions.csv xs", "市级区划不应有上级"),
    ("divisions.csv", "village,village", "village,street", ERROR, "xs-v1", "村级没有“street”这种类型"),
    ("divisions.csv", "village,village", "hamlet,village", ERROR, "第 5 行", "没有这样的层级：hamlet"),
    ("divisions.csv", ",桥头社区,", ",上村,", ERROR, "xs-v2", "简称“上村”与同一上级下的 xs-v1 重复"),
    ("divisions.csv", "xs-v2,桥头", "xs-v1,桥头", ERROR, "divisions.csv 第 6 行", "与第 5 行重复：xs-v1"),
    ("divisions.csv", "110.6,35.6", "35.6,110.6", ERROR, "xs-c1", "经纬度是否写反"),
    ("divisions.csv", "110.6,35.6", "110.6,", ERROR, "xs-c1", "同时填写或同时留空"),
    ("divisions.csv", "110.6,35.6", "nan,35.6", ERROR, "第 3 行", "经度不是数字：nan"),
    ("divisions.csv", "xs-t1,,,,\n", "xs-t1,,,2024-05-01,2024-05-01\n", ERROR, "xs-v1", "失效日期应晚于生效日期"),
    ("divisions.csv", "xs-t1,,,,\n", "xs-t1,,,2024/5/1,\n", ERROR, "第 5 行", "日期应写作"),
    ("divisions.csv", "上村村委会,上村", ",上村", ERROR, "xs-v1", "缺少名称"),
    (
        "divisions.csv",
        "xs,小石市,小石市,city,city,,",
        "xs,小石市,小石市,county,county,,",
        ERROR,
        "divisions",
        "市级",
    ),
    # codes
    ("division_codes.csv", "xs-c1,list-1", "xs-c1,list-9", ERROR, "xs-c1", "代码表 list-9 未在 city.toml 登记"),
    ("division_codes.csv", "xs-v2,list-1", "xs-v9,list-1", ERROR, "xs-v9", "所指区划不存在"),
    ("division_codes.csv", "xs-v2,list-1", "xs-v9,list-1", WARNING, "xs-v2", "没有任何官方代码"),
    ("division_codes.csv", "990121,", "99O121,", ERROR, "xs-c1", "不是 6、9 或 12 位的区划代码：99O121"),
    ("division_codes.csv", "990121,", "99012,", ERROR, "xs-c1", "不是 6、9 或 12 位的区划代码：99012"),
    ("division_codes.csv", "990121101001", "990121999001", ERROR, "xs-v2", "不在上级 xs-t1 的代码之下"),
    ("division_codes.csv", "990121101001", "990121100201", ERROR, "xs-v2", "同时属于 xs-v1 和 xs-v2"),
    ("division_codes.csv", "2020-01-01,2024-01-01", "2024-01-01,", ERROR, "第 5 行", "与第 4 行重复"),
    ("city.toml", '"990100"', '"990200"', ERROR, "city.toml", "城市代码 990200 不在代码表中"),
    # posts and chains
    ("posts.csv", "village_warner,", "Village Warner,", ERROR, "Village Warner", "岗位名目只能用小写"),
    (
        "posts.csv",
        "village_warner,village,,预警转移员",
        "village_warner,village,,",
        ERROR,
        "posts",
        "缺少岗位名称",
    ),
    ("posts.csv", "village,village,村级", "village,hamlet,村级", ERROR, "posts.csv", "村级没有“hamlet”这种类型"),
    ("posts.csv", "village,community,社区", "village,,社区", ERROR, "xs-v1/village_flood_head", "重复设立"),
    (
        "posts.csv",
        "village_warner,village,,",
        "county_duty,village,village,",
        ERROR,
        "county_duty",
        "不能用于两个层级",
    ),
    (
        "posts.csv",
        "1,county_duty",
        "1,county_desk",
        ERROR,
        "xs-t1/township_duty",
        "上级岗位 xs-t1/county_desk 不存在",
    ),
    (
        "posts.csv",
        "1,county_duty",
        "1,",
        ERROR,
        "xs-v1/village_warner",
        "没有通到市级的上级链，止于 xs-t1/township_duty",
    ),
    ("posts.csv", "1,,shift", "1,city_duty,shift", ERROR, "xs/city_duty", "上级链成环"),
    (
        "posts.csv",
        "county_duty,county,",
        "county_duty,county,district",
        ERROR,
        "divisions.csv xs-c1",
        "没有任何岗位",
    ),
    ("posts.csv", "2,township_duty,pair", "2,township_duty,both", ERROR, "第 7 行", "holding 应为 pair 或 shift"),
    # holders, contacts
    ("city.toml", "demo_holders = true", "demo_holders = false", ERROR, "xs-v1/village_warner", "岗位无责任人"),
    ("city.toml", 'end = "08:00"', 'end = "07:30"', ERROR, "xs-t1/township_duty", "值班有空档"),
    ("city.toml", 'end = "08:00"', 'end = "25:00"', ERROR, "city.toml [shifts.night]", "写法有误"),
    ("city.toml", "[demo]", "[demo", ERROR, "city.toml", "不是合格的 UTF-8 TOML"),
    ("city.toml", 'name = "小石市"', 'name = ""', ERROR, "city.toml", "缺少 name"),
    # stations
    ("stations.csv", "xs-c1,rain", "xs-t1,rain", ERROR, "stations.csv S1", "所属县 xs-t1 不存在或不是县级"),
    ("stations.csv", "110.61,35.61", "35.61,110.61", ERROR, "stations.csv S1", "坐标不在国内"),
    ("stations.csv", "110.61,", ",", ERROR, "stations.csv 第 2 行", "缺少经度"),
    ("stations.csv", "S1,东县站", "S1,", ERROR, "stations.csv S1", "编号、名称、类型都要填写"),
    ("stations.csv", ",rain,test,name", ",rain", ERROR, "stations.csv 第 2 行", "列数与表头不符"),
    ("stations.csv", "altitude_m", "height", ERROR, "stations.csv 第 2 行", "缺少列 altitude_m"),
]


@pytest.mark.parametrize(("name", "old", "new", "severity", "where", "what"), BROKEN)
def test_a_fault_is_found(
    tmp_path: Path, name: str, old: str, new: str, severity: Severity, where: str, what: str
) -> None:
    edit(write_city(tmp_path), name, old, new)
    problems = lint(load_city(tmp_path))
    found = [problem for problem in problems if where in problem.where and what in problem.what]
    assert found, problems
    assert found[0].severity is severity


REGISTER = [
    (",mobile,13940000000", ",mobile,", ERROR, "xs-v1/village_warner", "责任人无联系方式"),
    (",mobile,13940000000", ",mobile,12A", ERROR, "xs-v1/village_warner", "联系号码应为"),
    (",mobile,13940000000", ",mobile,00040000000", ERROR, "xs-v1/village_warner", "不可能是真实号码"),
    (",mobile,13940000000", ",mobile,13941000000", WARNING, "xs-v1/village_warner", "2 人共用一个号码"),
    ("xs-v1/village_warner,A", "xs-v1/village_cook,A", ERROR, "xs-v1/village_cook", "责任人所任岗位不存在"),
    ("xs-v1/village_warner,A", "xs-v1/village_warner,C", ERROR, "holders.csv 第 10 行", "角色应为 A 或 B：C"),
    ("xs-v1/village_warner,A", "xs-v2/village_warner,A", WARNING, "xs-v1/village_warner", "没有 A 角"),
    ("xs-v1/village_warner,A,xs-v1/village_warnerA", "xs-v1/village_warner,A,", ERROR, "第 10 行", "缺少姓名"),
    ("13900000000,,,", "13900000000,,,dusk", ERROR, "xs/city_duty", "班次 dusk 未在 city.toml 登记"),
    ("13900000000,,,", "13900000000,2026-02-01,2026-01-01,", ERROR, "xs/city_duty", "失效日期应晚于生效日期"),
]


@pytest.mark.parametrize(("old", "new", "severity", "where", "what"), REGISTER)
def test_a_fault_of_the_register_is_found(
    tmp_path: Path, old: str, new: str, severity: Severity, where: str, what: str
) -> None:
    edit(write_city(tmp_path, registered=True), "holders.csv", old, new)
    problems = lint(load_city(tmp_path))
    found = [problem for problem in problems if where in problem.where and what in problem.what]
    assert found, problems
    assert found[0].severity is severity


def test_a_post_whose_holders_have_left_is_empty_on_that_day(tmp_path: Path) -> None:
    write_city(tmp_path, registered=True)
    for number in "01":
        edit(tmp_path, "holders.csv", f"1390{number}000000,,,", f"1390{number}000000,,2026-07-01,")
    city = load_city(tmp_path)
    assert lint(city, date(2026, 6, 30)) == []
    (problem,) = lint(city, date(2026, 7, 1))
    assert (problem.where, problem.what) == ("holders.csv xs/city_duty", "岗位无责任人")


def test_a_desk_held_on_one_shift_only_has_a_gap(tmp_path: Path) -> None:
    write_city(tmp_path, registered=True)
    for number in "01":
        edit(tmp_path, "holders.csv", f"1390{number}000000,,,", f"1390{number}000000,,,day")
    assert [problem.what for problem in lint(load_city(tmp_path))] == ["值班有空档，并非全天有人"]


def test_an_empty_folder_names_every_missing_file(tmp_path: Path) -> None:
    problems = lint(load_city(tmp_path))
    assert {problem.where for problem in problems} == {
        "city.toml",
        "divisions.csv",
        "division_codes.csv",
        "posts.csv",
        "stations.csv",
    }
    assert all(problem.what == "缺少此文件" for problem in problems)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    write_city(tmp_path)
    (tmp_path / "stations.csv").write_bytes("编号,站名\n".encode("gb18030"))
    (problem,) = lint(load_city(tmp_path))
    assert (problem.where, problem.what) == ("stations.csv", "不是 UTF-8 编码的 CSV 文本")


def test_all_faults_come_at_once_errors_first(tmp_path: Path) -> None:
    write_city(tmp_path, registered=True)
    (tmp_path / "holders.csv").write_text(HOLDERS_HEAD, encoding="utf-8")
    edit(tmp_path, "division_codes.csv", "xs-v2,list-1,990121101001,桥头社区居委会,2020-01-01,\n", "")
    edit(tmp_path, "stations.csv", "xs-c1,rain", "xs-t1,rain")
    severities = [problem.severity for problem in lint(load_city(tmp_path))]
    assert severities == [ERROR] * 8 + [WARNING]


def test_no_snapshot_of_a_broken_city(tmp_path: Path) -> None:
    edit(write_city(tmp_path), "divisions.csv", "village,village,xs-t1", "village,village,xs-t9")
    with pytest.raises(BadCity, match="共 3 处，第一处：posts"):
        Roster.from_files(load_city(tmp_path))
