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
  // Above or below the county's point, wherever fewer stations are covered.
  function label(feature, state, points) {
    var marks = state ? state.marks : [];
    var at = map.latLngToLayerPoint(feature.properties.label), height = 18 + 16 * marks.length;
    function covered(top) {
      return points.filter(function (p) { return Math.abs(p.x - at.x) < 38 && p.y > top - 4 && p.y < top + height + 4; }).length;
    }
    var below = covered(at.y - height - 6) > covered(at.y + 8);
    var place = element("div", below ? "place below" : "place");
    place.appendChild(element("b", "", state ? state.name : feature.properties.name));
    marks.forEach(function (mark) { place.appendChild(element("i", "lv " + mark.css, mark.text)); });
    return L.marker(feature.properties.label, { interactive: false, keyboard: false, icon: L.divIcon({ className: "", iconSize: [0, 0], html: place }) });
  }
  function station(one) {
    if (one.state === "hit") {
      var mark = element("div", "hit", "▲");
      return L.marker(one.at, { title: one.name + "站：达到标准", keyboard: false, zIndexOffset: 1000, icon: L.divIcon({ className: "", iconSize: [14, 14], html: mark }) });
    }
    var dot = L.circleMarker(one.at, { radius: one.state === "off" ? 4 : 2.6, className: one.state === "off" ? "off" : "st" });
    return dot.bindTooltip(one.name + "站：" + (one.state === "off" ? "听不到" : "在报"));
  }
  function paint(counties, state) {
    var text = JSON.stringify(state);
    if (text === drawn) return;
    drawn = text;
    labels.clearLayers();
    stations.clearLayers();
    var points = state.stations.map(function (one) { return map.latLngToLayerPoint(one.at); });
    counties.features.forEach(function (feature) {
      var one = state.counties[feature.id];
      var path = paths[feature.id].getElement();
      if (path) path.setAttribute("class", "county leaflet-interactive " + (one ? one.fill : ""));
      labels.addLayer(label(feature, one, points));
    });
    state.stations.forEach(function (one) { stations.addLayer(station(one)); });
  }
  fetchJson("/map/counties").then(function (counties) {
    var layer = L.geoJSON(counties, {
      style: { className: "county" },
      onEachFeature: function (feature, path) { paths[feature.id] = path; }
    });
    layer.addTo(map);
    if (counties.features.length) map.fitBounds(layer.getBounds(), { padding: [4, 4] });
    function refresh() { return fetchJson("/map/state").then(function (state) { paint(counties, state); box.dataset.ready = "1"; }); }
    document.addEventListener("shouye:changed", refresh);
    return refresh();
  });
})();
