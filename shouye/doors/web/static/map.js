// 地图 — county polygons filled by level with the word on them, stations by shape. No tiles unless the city sets them.
(function () {
  "use strict";
  var box = document.getElementById("map");
  if (!box || !window.L) return;
  var L = window.L;
  var map = L.map(box, { zoomControl: false, attributionControl: false, scrollWheelZoom: false, zoomSnap: 0, boxZoom: false });
  if (box.dataset.tiles) L.tileLayer(box.dataset.tiles).addTo(map);
  var paths = {}, labels = L.layerGroup().addTo(map), stations = L.layerGroup().addTo(map), drawn = "";

  function fetchJson(url) {
    return fetch(url, { credentials: "same-origin" }).then(function (r) { if (!r.ok) throw new Error(r.status); return r.json(); });
  }
  function element(tag, className, text) {
    var e = document.createElement(tag);
    e.className = className;
    if (text) e.textContent = text;
    return e;
  }
  function overlap(a, b) {
    return Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  }
  function around(point, half) { return { left: point.x - half, right: point.x + half, top: point.y - half, bottom: point.y + half }; }

  // A label goes where it hides no station and no other label, and as near to its county's point as that allows.
  function place(at, size, taken, frame) {
    var best = null;
    for (var ring = 0; ring < 6; ring += 1) {
      for (var turn = 0; turn < (ring ? 16 : 1); turn += 1) {
        var angle = turn * Math.PI / 8, reach = ring * 11;
        var x = at.x + Math.sin(angle) * (reach + (ring ? size.x / 4 : 0)), y = at.y + Math.cos(angle) * (reach + (ring ? size.y / 4 : 0));
        var spot = { left: x - size.x / 2, right: x + size.x / 2, top: y - size.y / 2, bottom: y + size.y / 2 };
        var inside = overlap(spot, frame), hidden = taken.reduce(function (sum, one) { return sum + overlap(spot, one); }, 0);
        var cost = 50 * (size.x * size.y - inside) + 50 * hidden + Math.abs(x - at.x) + Math.abs(y - at.y);
        if (!best || cost < best.cost) best = { cost: cost, spot: spot };
      }
    }
    return best.spot;
  }
  function label(feature, state) {
    var found = element("div", "place");
    found.appendChild(element("b", "", state ? state.name : feature.properties.name));
    (state ? state.marks : []).forEach(function (mark) { found.appendChild(element("i", "lv " + mark.css, mark.text)); });
    return found;
  }
  function station(one) {
    var words = one.text || one.name + "站：" + (one.state === "hit" ? "达到标准" : one.state === "off" ? "听不到" : "在报");
    return opened(mark(one, words), one.href);
  }
  function opened(found, href) {
    return href ? found.on("click", function () { location.href = href; }) : found;
  }
  function mark(one, words) {
    if (one.state === "hit") {
      var shape = element("div", "hit", "▲");
      return L.marker(one.at, { title: words, keyboard: Boolean(one.href), zIndexOffset: 1000, icon: L.divIcon({ className: "", iconSize: [14, 14], html: shape }) });
    }
    var dot = L.circleMarker(one.at, { radius: one.state === "off" ? 4 : one.href ? 3.4 : 2.6, className: { off: "off", doubt: "doubt" }[one.state] || "st" });
    return dot.bindTooltip(words);
  }
  function write(counties, state) {
    var size = map.getSize(), corner = map.containerPointToLayerPoint([0, 0]);
    var frame = { left: corner.x + 2, top: corner.y + 2, right: corner.x + size.x - 2, bottom: corner.y + size.y - 2 };
    var taken = state.stations.map(function (one) { return around(map.latLngToLayerPoint(one.at), one.state === "hit" ? 8 : 5); });
    // The longest labels choose first: they have the fewest places to go.
    var order = counties.features.slice().sort(function (a, b) { return marks(b) - marks(a); });
    function marks(feature) { var one = state.counties[feature.id]; return one ? one.marks.length : 0; }
    order.forEach(function (feature) {
      var html = label(feature, state.counties[feature.id]);
      var marker = L.marker(feature.properties.label, { interactive: false, keyboard: false, icon: L.divIcon({ className: "", iconSize: [0, 0], html: html }) });
      labels.addLayer(marker);
      var at = map.latLngToLayerPoint(feature.properties.label), shape = { x: html.offsetWidth, y: html.offsetHeight };
      var spot = place(at, shape, taken, frame);
      taken.push(spot);
      html.style.transform = "translate(" + Math.round(spot.left - at.x) + "px," + Math.round(spot.top - at.y) + "px)";
    });
  }
  function paint(counties, state) {
    var text = JSON.stringify(state);
    if (text === drawn) return;
    drawn = text;
    labels.clearLayers();
    stations.clearLayers();
    counties.features.forEach(function (feature) {
      var one = state.counties[feature.id], path = paths[feature.id].getElement();
      if (path) path.setAttribute("class", "county leaflet-interactive " + (one ? one.fill : ""));
    });
    state.stations.forEach(function (one) { stations.addLayer(station(one)); });
    write(counties, state);
  }
  fetchJson("/map/counties").then(function (counties) {
    var layer = L.geoJSON(counties, {
      style: { className: "county" },
      onEachFeature: function (feature, path) { paths[feature.id] = path; }
    });
    layer.addTo(map);
    if (counties.features.length) map.fitBounds(layer.getBounds(), { padding: [4, 4] });
    function refresh() { return fetchJson(box.dataset.state || "/map/state").then(function (state) { paint(counties, state); box.dataset.ready = "1"; }); }
    document.addEventListener("shouye:changed", refresh);
    return refresh();
  });
})();
