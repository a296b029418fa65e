// 返回修改 — back to the form that was refused; the browser keeps what was typed.
(function () {
  "use strict";
  var button = document.querySelector("[data-back]");
  if (!button || history.length < 2) return;
  button.hidden = false;
  button.addEventListener("click", function () { history.back(); });
})();
