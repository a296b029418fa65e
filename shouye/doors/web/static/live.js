// 实时画面 — clocks that run between two fetches, lists that keep still under a pointer, the F2 key.
(function () {
  "use strict";
  var app = document.querySelector(".app");
  var state = function () { return document.getElementById("state"); };
  var speed = Number(app.dataset.speed) || 1;
  var anchor = Number((state() || app).dataset.now);   // the server's instant, in its own time
  var arrived = performance.now();                      // when we learnt it, on the monotonic clock
  var held = false;

  function serverNow() { return anchor + (performance.now() - arrived) * speed; }
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function span(ms) {
    var s = Math.max(0, Math.floor(ms / 1000)), d = Math.floor(s / 86400), h = Math.floor(s % 86400 / 3600);
    var m = Math.floor(s % 3600 / 60);
    if (d) return d + " 天 " + two(h) + ":" + two(m);
    return (h ? h + ":" : "") + two(m) + ":" + two(s % 60);
  }
  function clock(ms) {
    var t = new Date(ms + 8 * 3600e3);
    return two(t.getUTCHours()) + ":" + two(t.getUTCMinutes()) + ":" + two(t.getUTCSeconds());
  }
  function each(selector, act) { Array.prototype.forEach.call(document.querySelectorAll(selector), act); }

  function run() {
    var now = serverNow();
    each("[data-clock]", function (e) { e.textContent = clock(now); });
    each("[data-due]", function (e) {
      var left = Number(e.dataset.due) - now;
      e.textContent = (left < 0 ? "逾 " : "剩 ") + span(Math.abs(left));
      e.classList.toggle("over", left < 0);
      e.classList.toggle("soon", left >= 0 && left < 60e3);
    });
    each("[data-since]", function (e) { e.textContent = span(now - Number(e.dataset.since)); });
    each("[data-seconds]", function (e) {
      e.textContent = Math.max(0, Math.floor((now - Number(e.dataset.seconds)) / 1000));
    });
    var age = Math.floor((performance.now() - arrived) / 1000);
    each("[data-fresh]", function (e) {
      var stopped = document.getElementById("live") && age > 30;   // our own silence is shown as loudly as any other
      e.textContent = stopped ? "画面已停 " + age + " 秒" : age < 2 ? "画面刚刚更新" : "画面 " + age + " 秒前更新";
      e.parentNode.classList.toggle("loud", Boolean(stopped));
    });
  }
  setInterval(run, 500);

  // A list does not change its order while somebody points at it or has the focus in it.
  function busy(element) {
    return element.hasAttribute("data-calm") && (element.matches(":hover") || element.contains(document.activeElement));
  }
  document.addEventListener("htmx:oobBeforeSwap", function (event) {
    var target = event.detail.target;
    if (busy(target)) {
      event.detail.shouldSwap = false;
      held = true;
      target.classList.add("held");
    }
  });
  function release(event) {
    if (!held) return;
    setTimeout(function () {
      var any = Array.prototype.some.call(document.querySelectorAll("[data-calm]"), busy);
      if (!any) { held = false; window.htmx.trigger("#live", "calm"); }
    }, 50);
    void event;
  }
  document.addEventListener("mouseout", release);
  document.addEventListener("focusout", release);

  document.addEventListener("htmx:afterRequest", function (event) {
    if (!event.detail.successful || event.detail.elt.id !== "live") return;
    anchor = Number(state().dataset.now);
    arrived = performance.now();
    document.dispatchEvent(new CustomEvent("shouye:changed"));
  });

  // 查找 — hides the rows whose words do not fit; a new picture is searched again.
  function find() {
    each("[data-find]", function (box) {
      var words = box.value.trim();
      each(box.dataset.find, function (row) {
        var fits = row.textContent.indexOf(words) >= 0;
        row.classList.toggle("gone", words !== "" && !fits);
        row.classList.toggle("found", words !== "" && fits);   // also one that lies folded
      });
    });
  }
  document.addEventListener("input", find);
  document.addEventListener("shouye:changed", find);

  document.addEventListener("keydown", function (event) {
    if (event.key !== "F2") return;
    event.preventDefault();
    var action = document.querySelector("#next .btn.main, main .btn.main");
    // A key held down must not act on the page it leads to, nor a refusal being written end as a signature.
    if (action && !event.repeat && !writing(action.form)) action.click();
  });
  function writing(form) {
    var field = document.activeElement;
    return field.matches("input, textarea, select") && field.value !== "" && field.form !== null && field.form !== form;
  }
  // One press, one request: a second one while the first is under way would only be refused.
  document.addEventListener("submit", function (event) {
    if (event.target.target) return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "1";
  });
  // A page kept by the browser may belong to somebody who has signed out.
  window.addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });
  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-print]")) window.print();
  });
})();
