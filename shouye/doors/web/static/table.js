// 排序 — a press on a head sorts the list; a new picture is sorted again; ticks survive it.
(function () {
  "use strict";
  var column = -1, up = true, ticked = {};
  function table() { return document.querySelector("[data-sortable]"); }
  function value(row) {
    var cell = row.cells[column], v = cell.dataset.v;
    if (v === undefined) return cell.textContent.trim();
    return v === "" ? -Infinity : Number(v);
  }
  function sort() {
    var found = table();
    if (!found) return;
    Array.prototype.forEach.call(found.querySelectorAll("[data-sort]"), function (b) {
      var mine = b.parentNode.cellIndex === column;
      if (mine) b.parentNode.setAttribute("aria-sort", up ? "ascending" : "descending");
      else b.parentNode.removeAttribute("aria-sort");
    });
    if (column < 0) return;
    var body = found.tBodies[0], rows = Array.prototype.slice.call(body.rows);
    rows.map(function (row, place) { return [value(row), place, row]; }).sort(function (a, b) {
      var order = typeof a[0] === "string" ? a[0].localeCompare(b[0], "zh-CN") : a[0] - b[0];
      return (up ? order : -order) || a[1] - b[1];
    }).forEach(function (one) { body.appendChild(one[2]); });
  }
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-sort]");
    if (!button) return;
    var at = button.parentNode.cellIndex;
    up = at === column ? !up : true;
    column = at;
    sort();
  });
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-sortable] input[type=checkbox]")) ticked[event.target.value] = event.target.checked;
  });
  document.addEventListener("shouye:changed", function () {
    var found = table();
    if (found) Array.prototype.forEach.call(found.querySelectorAll("input[type=checkbox]"), function (box) { if (ticked[box.value]) box.checked = true; });
    sort();
  });
})();
