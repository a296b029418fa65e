// 字节与字段 — a field that is pointed at or has the focus marks its bytes, a byte its field.
(function () {
  "use strict";
  var dump = document.getElementById("bytes"), fields = document.getElementById("fields");
  if (!dump || !fields) return;
  function light(number) {
    Array.prototype.forEach.call(document.querySelectorAll("[data-f].lit"), function (one) { one.classList.remove("lit"); });
    if (!number) return;
    Array.prototype.forEach.call(document.querySelectorAll("[data-f='" + number + "']"), function (one) { one.classList.add("lit"); });
  }
  function show(inside, number) {
    var one = inside.querySelector("[data-f='" + number + "']"), box = inside.closest(".scroll") || inside;
    if (one && (one.offsetTop < box.scrollTop || one.offsetTop + one.offsetHeight > box.scrollTop + box.clientHeight)) box.scrollTop = one.offsetTop - box.clientHeight / 2;
  }
  function over(event) {
    var one = event.target.closest("[data-f]");
    if (!one) return;
    light(one.dataset.f);
    show(one.tagName === "TR" ? dump : fields, one.dataset.f);
  }
  document.addEventListener("mouseover", over);
  document.addEventListener("focusin", over);
  document.addEventListener("keydown", function (event) {
    var row = document.activeElement, next = event.key === "ArrowDown" ? "nextElementSibling" : event.key === "ArrowUp" ? "previousElementSibling" : "";
    if (!next || row.tagName !== "TR" || !row.dataset.f || !row[next]) return;
    event.preventDefault();
    row[next].focus();
  });
})();
