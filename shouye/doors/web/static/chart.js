// 过程线 — bars for each step, a line for the running sum, dashed thresholds with their word. Gaps stay gaps.
(function () {
  "use strict";
  var box = document.getElementById("chart");
  if (!box || !window.echarts) return;
  var css = getComputedStyle(document.documentElement);
  function token(name) { return css.getPropertyValue(name).trim(); }
  var chart = window.echarts.init(box, null, { renderer: "canvas" });
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function hm(ms) { var t = new Date(ms + 8 * 3600e3); return two(t.getUTCHours()) + ":" + two(t.getUTCMinutes()); }
  function draw(data) {
    document.getElementById("chart-note").textContent = data.station
      ? data.station + "站 · 柱为每次报数，线为 " + data.hours + " 小时累计，虚线为标准 · 毫米" : "没有测站";
    var ink = token("--ink"), pale = token("--edge"), line = token("--line");
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: getComputedStyle(box).fontFamily },
      grid: { left: 48, right: 96, top: 16, bottom: 28 },
      tooltip: { trigger: "axis", renderMode: "richText", formatter: function (items) {
        return hm(items[0].value[0]) + items.map(function (i) { return "\n" + i.seriesName + " " + (i.value[1] === null ? "缺测" : i.value[1] + " mm"); }).join("");
      } },
      xAxis: { type: "time", axisLabel: { color: pale, formatter: hm }, axisLine: { lineStyle: { color: pale } } },
      yAxis: { type: "value", min: 0, axisLabel: { color: pale }, splitLine: { lineStyle: { color: line } } },
      series: [
        { name: "每次报数", type: "bar", data: data.bars, barMaxWidth: 14, itemStyle: { color: pale } },
        { name: data.hours + " 小时累计", type: "line", data: data.sums, connectNulls: false, showSymbol: false,
          lineStyle: { color: ink, width: 2 }, itemStyle: { color: ink },
          markLine: { symbol: "none", silent: true, lineStyle: { color: ink, type: "dashed" },
            label: { color: ink, position: "end", formatter: function (i) { return i.name; } },
            data: data.limits.map(function (l) { return { yAxis: l.value, name: l.word + " ≥" + l.value }; }) } }
      ]
    }, true);
    box.dataset.ready = "1";
  }
  function load() {
    return fetch(box.dataset.curve, { credentials: "same-origin" }).then(function (r) { if (!r.ok) throw new Error(r.status); return r.json(); }).then(draw);
  }
  document.addEventListener("shouye:changed", load);
  window.addEventListener("resize", function () { chart.resize(); });
  load();
})();
