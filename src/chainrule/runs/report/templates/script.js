// Reads out the values of a chart at the epoch under the pointer, or under the slider's handle.
"use strict";
(function () {
  const charts = JSON.parse(document.getElementById("chart-data").textContent);
  document.documentElement.classList.add("scripted");

  function text(value, percent) {
    if (value === null) return "–";
    return percent ? Number((100 * value).toPrecision(9)) + " %" : String(value);
  }

  function node(parent, name, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    return parent.appendChild(made);
  }

  // The index of the x nearest to a wanted one; they ascend.
  function nearest(x, wanted) {
    let low = 0, high = x.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (x[middle] < wanted) low = middle; else high = middle;
    }
    return wanted - x[low] < x[high] - wanted ? low : high;
  }

  // What is closed on a screen is open on paper.
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
  });

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const chart = charts[figure.dataset.chart];
    if (!chart.x.length) continue;
    const svg = figure.querySelector("svg"), slider = figure.querySelector("input");
    const {x: across, y: down, area: [top, height]} = chart.plot;
    const at = figure.querySelector(".at"), values = figure.querySelectorAll(".reading b");
    const over = node(svg, "g", {"aria-hidden": "true"});
    const cursor = node(over, "path", {"class": "cursor"});
    const spots = chart.series.map((one, k) => node(over, "circle", {
      "class": "spot " + figure.querySelectorAll(".swatch")[k].getAttribute("class").replace("swatch", ""), r: 4,
    }));
    // From a value to where it is drawn, or back: both are known at the ends of an axis.
    const from = (value, [low, high], [first, last]) =>
      first + (last - first) * (value - low) / (high - low);

    function show(index) {
      const x = from(chart.x[index], chart.ends, across), said = [];
      cursor.setAttribute("d", `M${x} ${top}v${height}`);
      at.textContent = `${chart.counted} ${chart.x[index].toLocaleString("en")}`;
      chart.series.forEach((one, k) => {
        const value = one.y[index], shown = text(value, chart.percent);
        values[k].textContent = shown;
        said.push(`${one.name} ${shown}`);
        const drawn = value === null ? null : chart.log ? Math.log10(value) : Math.max(value, chart.lowest);
        spots[k].style.display = drawn === null || !isFinite(drawn) ? "none" : "";
        spots[k].setAttribute("cx", x);
        spots[k].setAttribute("cy", from(drawn || 0, chart.limits, down));
      });
      slider.setAttribute("aria-valuetext", `${at.textContent}: ${said.join(", ")}`);
      over.style.display = "";
    }

    slider.hidden = false;
    show(Number(slider.value));
    over.style.display = "none";
    slider.addEventListener("input", () => show(Number(slider.value)));
    slider.addEventListener("focus", () => show(Number(slider.value)));
    for (const kind of ["pointermove", "pointerdown"]) {
      svg.addEventListener(kind, (event) => {
        const scale = svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
        const x = (event.clientX - svg.getBoundingClientRect().left) * scale;
        slider.value = nearest(chart.x, from(x, across, chart.ends));
        show(Number(slider.value));
      });
    }
  }
})();
