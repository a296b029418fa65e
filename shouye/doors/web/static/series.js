// 过程线 — one script for the pace of a source, the readings of a station, several series on one axis.
// Gaps stay gaps; what is suspect or bad keeps its mark; no series has a warning colour.
(function () {
  "use strict";
  var box = document.getElementById("chart");
  if (!box || !window.echarts) return;
  var css = getComputedStyle(document.documentElement);
  function token(name) { return css.getPropertyValue(name).trim(); }
  var ink = token("--ink"), ink2 = token("--ink-2"), edge = token("--edge"), line = token("--line"), sunk = token("--sunk");
  var SHADES = [ink, token("--accent"), edge, ink2];
  var DASHES = ["solid", "dashed", "dotted"];
  var chart = window.echarts.init(box, null, { renderer: "canvas" });
  var note = document.getElementById("chart-note");
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function local(ms) { return new Date(ms + 8 * 3600e3); }
  function hm(ms) { var t = local(ms); return two(t.getUTCHours()) + ":" + two(t.getUTCMinutes()); }
  function md(ms) { var t = local(ms); return two(t.getUTCMonth() + 1) + "-" + two(t.getUTCDate()); }
  function when(ms) { return local(ms).getUTCFullYear() + "-" + md(ms) + " " + hm(ms); }
  function tick(span) { return function (ms) { return span > 40 * 86400e3 ? local(ms).getUTCFullYear() + "-" + md(ms) : span > 2 * 86400e3 ? md(ms) + " " + hm(ms) : hm(ms); }; }

  function frame(since, until, unit) {
    return {
      animation: false,
      textStyle: { fontFamily: getComputedStyle(box).fontFamily },
      grid: { left: 60, right: 24, top: 26, bottom: 26 },
      tooltip: { trigger: "axis", renderMode: "richText", confine: true },
      xAxis: { type: "time", min: since, max: until, axisLabel: { color: ink2, hideOverlap: true, formatter: tick(until - since) }, axisLine: { lineStyle: { color: edge } } },
      yAxis: { type: "value", scale: true, name: unit, nameTextStyle: { color: ink2 }, axisLabel: { color: ink2, formatter: function (v) { return String(Math.round(v * 1e6) / 1e6); } }, splitLine: { lineStyle: { color: line } } },
      series: []
    };
  }

  // Every minute has its place, or a lone bar would be given the width of the day and the axis with it.
  function minutes(data, counted) {
    var known = {}, all = [], first = Math.ceil(data.since / 60e3);
    counted.forEach(function (c) { known[Math.floor(c[0] / 60e3)] = c[1]; });
    for (var m = first; m * 60e3 <= data.until; m++) all.push([m * 60e3, known[m] || 0]);
    return all;
  }

  function pace(data) {
    var option = frame(data.since, data.until, "条/分");
    option.yAxis.scale = false;
    option.yAxis.minInterval = 1;
    option.tooltip.formatter = function (items) {
      return when(items[0].value[0]) + items.map(function (i) { return "\n" + i.seriesName + " " + i.value[1] + " 条"; }).join("");
    };
    option.series = [
      { name: "收下", type: "bar", stack: "all", data: minutes(data, data.taken), barMinWidth: 3, itemStyle: { color: edge } },
      { name: "拒收", type: "bar", stack: "all", data: minutes(data, data.refused), barMinWidth: 3, itemStyle: { color: ink } }
    ];
    note.textContent = "近一天每分钟来数：浅为收下，深为拒收" + (data.taken.length ? "" : " · 这一天没有来数");
    return option;
  }

  // A sentinel of 9999 or worse would flatten the line: it is drawn at the edge, its tooltip says the number.
  function edges(data) {
    var real = data.points.concat(data.sums, data.band, data.band.map(function (b) { return [b[0], b[2]]; }))
      .map(function (p) { return p[1]; }).filter(function (v) { return v !== null; }).concat(data.bars ? [0] : []);
    var low = real.length ? Math.min.apply(null, real) : 0, high = real.length ? Math.max.apply(null, real) : 1, room = Math.max(high - low, Math.abs(high) * 0.1, 1e-6);
    return function (value) { return Math.min(Math.max(value, low - room), high + room); };
  }
  function area(from, to) { return [{ xAxis: from }, { xAxis: to }]; }
  function station(data) {
    var option = frame(data.since, data.until, data.unit), bars = data.bars, inside = edges(data);
    option.yAxis.scale = !bars;
    option.tooltip.formatter = function (items) {
      var at = items[0].value[0];
      return when(at) + items.map(function (i) {
        if (i.seriesName === "band" || i.seriesName === "base" || i.seriesName === "lone") return "";
        return "\n" + i.seriesName + " " + (i.value[1] === null ? "缺测" : (i.data.said === undefined ? i.value[1] : i.data.said) + " " + data.unit) + (i.data.why ? "\n" + i.data.why : "");
      }).join("");
    };
    if (data.band.length) {
      option.series.push({ name: "base", type: "line", data: data.band.map(function (b) { return [b[0], b[1]]; }), stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 } });
      option.series.push({ name: "band", type: "line", data: data.band.map(function (b) { return [b[0], b[1] === null ? null : b[2] - b[1]]; }), stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 }, areaStyle: { color: edge, opacity: 0.35 } });
    }
    option.series.push({
      name: data.term, type: bars ? "bar" : "line", data: data.points, connectNulls: false, showSymbol: false, barMaxWidth: 12,
      lineStyle: { color: ink, width: 1.6 }, itemStyle: { color: bars ? edge : ink },
      markLine: { symbol: "none", silent: true, lineStyle: { color: ink, type: "dashed" }, label: { color: ink, position: "insideEndTop", formatter: function (i) { return i.name; } },
        data: data.limits.slice().sort(function (a, b) { return a.value - b.value; }).map(function (l, place) {
          return { yAxis: l.value, name: l.word, label: { position: place % 2 ? "insideMiddleTop" : "insideEndTop" } };  // two near ones keep their words
        }) },
      markArea: { silent: true, itemStyle: { color: sunk }, data: data.gaps.map(function (g) { return area(g[0], g[1]); }) }
    });
    // A reading between two gaps is no line: it is a dot, or nobody would see it.
    function known(p) { return p && p[1] !== null; }
    var lone = bars ? [] : data.points.filter(function (p, i) { return known(p) && !known(data.points[i - 1]) && !known(data.points[i + 1]); });
    if (lone.length) option.series.push({ name: "lone", type: "scatter", symbolSize: 5, silent: true, data: lone, itemStyle: { color: ink } });
    if (data.sums.length) option.series.push({ name: data.hours + " 小时累计", type: "line", data: data.sums, connectNulls: false, showSymbol: false, lineStyle: { color: ink, width: 2 }, itemStyle: { color: ink } });
    if (data.flagged.length) option.series.push({
      name: "标记", type: "scatter", symbolSize: 9, itemStyle: { color: token("--surface"), borderColor: ink, borderWidth: 1.6 },
      data: data.flagged.map(function (f) { return { value: [f.at, inside(f.value)], said: f.value, symbol: f.quality === "bad" ? "diamond" : "circle", why: f.why }; })
    });
    // Thresholds far above all readings would flatten the line; they are in the note, and drawn when near.
    if (data.limits.length && option.yAxis.scale) {
      var top = Math.max.apply(null, data.points.map(function (p) { return p[1]; }).filter(function (v) { return v !== null; })), low = Math.min.apply(null, data.points.map(function (p) { return p[1]; }).filter(function (v) { return v !== null; }));
      var near = data.limits.map(function (l) { return l.value; }).filter(function (v) { return v <= top + 2 * Math.max(top - low, Math.abs(top) * 0.1); });
      if (near.length) option.yAxis.max = function (v) { return Math.max(v.max, Math.max.apply(null, near)); };
    }
    note.textContent = data.note;
    return option;
  }

  function compare(data) {
    var option = frame(data.since, data.until, data.unit);
    option.legend = { top: 0, textStyle: { color: ink }, icon: "path://M0 4h20v2H0z" };
    if (box.clientWidth < 600) { option.legend.orient = "vertical"; option.legend.left = 8; option.legend.top = 6; }
    option.grid.top = box.clientWidth < 600 ? 34 + 20 * data.series.length : 34;
    if (data.years) option.xAxis.axisLabel.formatter = function (ms) { return md(ms); };
    option.tooltip.formatter = function (items) {
      var at = items[0].value[0];
      return (data.years ? md(at) + " " + hm(at) : when(at)) + items.map(function (i) { return "\n" + i.seriesName + " " + (i.value[1] === null ? "缺测" : i.value[1] + " " + data.unit); }).join("");
    };
    option.series = data.series.map(function (one, number) {
      return { name: one.name, type: "line", data: one.points, connectNulls: false, showSymbol: false,
        lineStyle: { color: SHADES[number % 4], type: DASHES[Math.floor(number / 4) % 3], width: 1.7 }, itemStyle: { color: SHADES[number % 4] } };
    });
    note.textContent = data.note;
    return option;
  }

  var KINDS = { pace: pace, station: station, compare: compare };
  function load() {
    return fetch(box.dataset.curve, { credentials: "same-origin" }).then(function (r) { if (!r.ok) throw new Error(r.status); return r.json(); }).then(function (data) {
      chart.setOption(KINDS[box.dataset.kind](data), true);
      box.dataset.ready = "1";
    }).catch(function () { note.textContent = "曲线没有取到，稍后自动再取"; });
  }
  var last = 0;
  document.addEventListener("shouye:changed", function () {
    var now = performance.now();
    if (now - last < 5000) return;   // a curve need not be younger than five seconds
    last = now;
    load();
  });
  window.addEventListener("resize", function () { chart.resize(); });
  load();
})();
