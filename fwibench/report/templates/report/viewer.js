// The viewer of samples. The data of a panel set are read when it is first shown.
"use strict";
(() => {
  const viewer = document.getElementById("viewer");
  if (!viewer) return;
  const panelSets = [...document.querySelectorAll("script.panel-set")];
  const setPick = document.getElementById("panel-set");
  const samplePick = document.getElementById("sample");
  const stage = document.getElementById("stage");
  const note = document.getElementById("sample-note");
  const read = new Map();
  let filters = {};

  const make = (tag, properties = {}, ...children) => {
    const { style, ...rest } = properties;
    const one = Object.assign(document.createElement(tag), rest);
    for (const [name, value] of Object.entries(style || {})) one.style.setProperty(name, value);
    one.append(...children);
    return one;
  };
  const vector = (tag, attributes, ...children) => {
    const one = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
    one.append(...children);
    return one;
  };
  const round = (value) => String(Number(value.toPrecision(3)));
  const content = (number) => {
    if (!read.has(number)) read.set(number, JSON.parse(panelSets[number].textContent));
    return read.get(number);
  };
  const matches = (track, name) => (
    (!filters.track || track === filters.track) && (!filters.method || name.toLowerCase().includes(filters.method))
  );
  const title = (data) => `${data.dataset}${data.testDataset ? `, tested on ${data.testDataset}` : ""}, split ${data.split}, ${data.profile}${data.budget ? `, ${data.budget}` : ""}`;

  // pictures
  const map = (data, image, what) => make(
    "div", { className: "map", style: { "--shape": data.columns / data.rows } },
    make("img", { src: image, alt: what, width: data.columns, height: data.rows }),
  );
  const axes = (picture, below, left, shape) => make(
    "div", { className: "axes", style: { "--shape": shape } }, make("span", { className: "left" }, left), picture, make("span", { className: "below" }, below),
  );
  const scale = (colours, low, high, text) => make(
    "div", { className: "scale" },
    make("span", { className: "name" }, text),
    make("span", {}, low),
    make("span", { className: "colours", style: { "--colours": colours.join(",") } }),
    make("span", {}, high),
  );

  const gather = (data, name) => axes(
    make("div", { className: "map gather" }, make("img", { src: data.image, alt: `Gather of ${name}` })),
    `receiver [km], ${round(data.from)} to ${round(data.to)}`, `time [s], 0 to ${round(data.seconds)}`, 1.05,
  );
  // magnitudes over the receivers, a line for each frequency, on a logarithmic axis
  const curves = (data, name) => {
    const [wide, high, left, below] = [340, 250, 60, 34];
    const known = data.values.flat().filter((value) => value !== null);
    const [low, top] = [Math.floor(Math.min(...known)), Math.ceil(Math.max(...known))];
    const x = (place) => left + ((place - data.from) / (data.to - data.from)) * (wide - left - 8);
    const y = (value) => 8 + ((top - value) / (top - low || 1)) * (high - below - 8);
    const svg = vector("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": `Fields of ${name}`, class: "curves" });
    const step = Math.max(1, Math.ceil((top - low) / 5));
    for (let power = low; power <= top; power += step) {
      svg.append(vector("line", { x1: left, x2: wide - 8, y1: y(power), y2: y(power), class: "grid" }));
      svg.append(vector("text", { x: left - 5, y: y(power) + 4, "text-anchor": "end" }, `1e${power}`));
    }
    for (const part of [0, 0.5, 1]) {
      const place = data.from + part * (data.to - data.from);
      svg.append(vector("text", { x: x(place), y: high - below + 16, "text-anchor": ["start", "middle", "end"][2 * part] }, round(place)));
    }
    svg.append(vector("text", { x: (left + wide) / 2, y: high - 3, "text-anchor": "middle" }, "receiver [km]"));
    svg.append(vector("text", { transform: `translate(10 ${(high - below) / 2}) rotate(-90)`, "text-anchor": "middle" }, "|E| [V/m]"));
    data.values.forEach((line, number) => {
      const points = line.map((value, i) => (value === null ? "" : `${x(data.x[i]).toFixed(1)},${y(value).toFixed(1)}`));
      const drawn = vector("polyline", { points: points.filter(Boolean).join(" "), class: "line" });
      drawn.style.setProperty("--hue", 250 - (210 * number) / Math.max(data.values.length - 1, 1));
      drawn.append(vector("title", {}, `${data.frequencies[number]} Hz`));
      svg.append(drawn);
    });
    const legend = make("ul", { className: "legend" }, ...data.frequencies.map((frequency, number) => make(
      "li", { style: { "--hue": 250 - (210 * number) / Math.max(data.values.length - 1, 1) } }, `${frequency} Hz`,
    )));
    return make("div", { className: "fields" }, svg, legend);
  };

  const measured = (data, name) => make(
    "figure", { className: "panel measured" },
    make("figcaption", {}, make("b", {}, "Measurement"), ` source ${data.source} of ${data.sources}`),
    data.kind === "gather" ? gather(data, name) : curves(data, name),
  );

  const method = (data, one, found, best, name) => {
    const details = [];
    if (one.track !== "standard") details.push(`track ${one.track}`);
    if (one.seed !== null) details.push(`seed ${one.seed}`);
    const head = make("h4", {}, one.name, ...(details.length ? [make("small", {}, details.join(", "))] : []));
    if (!found) return make("article", { className: "method" }, head, make("p", { className: "hint" }, "no prediction of this sample"));
    const scores = make("dl", {}, ...found.scores.map(([label, value]) => make(
      "div", {}, make("dt", {}, label), make("dd", { className: label === data.ranking && best ? "best" : "" }, value),
    )));
    return make(
      "article", { className: "method" }, head,
      make(
        "div", { className: "pair" },
        make("figure", {}, map(data, found.image, `Prediction of ${one.name}, ${name}`), make("figcaption", {}, "prediction")),
        make("figure", {}, map(data, found.error, `Error of ${one.name}, ${name}`), make("figcaption", {}, "error")),
        ...(found.deviation ? [make("figure", {}, map(data, found.deviation, `Standard deviation of ${one.name}, ${name}`), make("figcaption", {}, "deviation"))] : []),
      ),
      scores,
    );
  };

  // what is shown
  const show = () => {
    stage.replaceChildren();
    note.textContent = "";
    if (setPick.value === "") {
      note.textContent = "No samples match these filters.";
      return;
    }
    const data = content(Number(setPick.value));
    const sample = (data.samples || [])[samplePick.selectedIndex];
    if (!sample) {
      note.textContent = `${data.missing || "No finished run with predictions."} `
        + (data.missing ? "fwibench data prepare makes them; then make the report again." : "");
      return;
    }
    const told = [];
    if (sample.note) told.push(`This sample has ${sample.note}.`);
    if (data.step > 1) told.push(`Every ${data.step === 2 ? "second" : data.step === 3 ? "third" : `${data.step}th`} node is drawn.`);
    if (data.left_out) told.push(`${data.left_out} methods with worse scores are not shown.`);
    const methods = data.methods.map((one, number) => ({ one, found: sample.predictions[number] }))
      .filter(({ one }) => matches(one.track, one.name));
    if (!methods.length) told.push("No method here matches these filters.");
    note.textContent = told.join(" ");
    // the best of the shown methods of a track, if there are several
    const best = (track) => {
      const rivals = methods.filter(({ one, found }) => one.track === track && found && found.score !== null);
      const scores = rivals.map(({ found }) => found.score);
      return scores.length < 2 ? null : data.better === "low" ? Math.min(...scores) : Math.max(...scores);
    };
    const truth = make(
      "figure", { className: "panel" }, make("figcaption", {}, make("b", {}, "Truth"), ` ${sample.id}`),
      axes(map(data, sample.truth, `Truth, ${sample.id}`), `x [km], 0 to ${round(data.width)}`, `depth [km], 0 to ${round(data.depth)}`, data.columns / data.rows),
    );
    stage.append(
      make("div", { className: "given" }, truth, measured(sample.measurement, sample.id)),
      make(
        "div", { className: "scales" },
        scale(data.colours, data.low, data.high, `${data.name} [${data.unit}]`),
        scale(data.error_colours, `\u2264 \u2212${data.limit}`, `\u2265 ${data.limit}`, `error, prediction less truth [${data.unit}]`),
        ...(data.deviation_limit ? [scale(data.deviation_colours, "0", `\u2265 ${data.deviation_limit}`, `standard deviation of the prediction's samples [${data.unit}]`)] : []),
      ),
      make("div", { className: "methods", style: { "--shape": data.columns / data.rows } }, ...methods.map(({ one, found }) => (
        method(data, one, found, found && found.score !== null && found.score === best(one.track), sample.id)
      ))),
    );
  };
  const listSamples = () => {
    const data = setPick.value === "" ? {} : content(Number(setPick.value));
    samplePick.replaceChildren(...(data.samples || []).map((sample) => (
      make("option", { value: sample.id }, sample.id + (sample.note ? ` (${sample.note})` : ""))
    )));
    for (const one of [samplePick, previous, next]) one.disabled = samplePick.length === 0;
    show();
  };
  const listSets = () => {
    const before = setPick.value;
    const fit = panelSets.map((one, number) => ({ one, number })).filter(({ one }) => (
      (!filters.dataset || one.dataset.dataset === filters.dataset) && (!filters.split || one.dataset.split === filters.split)
      && (!filters.track || JSON.parse(one.dataset.tracks).includes(filters.track))
    ));
    setPick.replaceChildren(...fit.map(({ one, number }) => make("option", { value: String(number) }, title(one.dataset))));
    if (fit.some(({ number }) => String(number) === before)) {
      setPick.value = before;
      show();
    } else {
      listSamples();
    }
  };
  const previous = document.getElementById("previous");
  const next = document.getElementById("next");
  const move = (by) => {
    samplePick.selectedIndex = (samplePick.selectedIndex + by + samplePick.length) % samplePick.length;
    show();
  };
  previous.addEventListener("click", () => move(-1));
  next.addEventListener("click", () => move(1));
  setPick.addEventListener("change", listSamples);
  samplePick.addEventListener("change", show);
  // images are made when the viewer is scrolled near
  let near = false;
  document.addEventListener("filtered", (event) => {
    filters = event.detail;
    if (near) listSets();
  });
  new IntersectionObserver((entries, watch) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    near = true;
    listSets();
  }, { rootMargin: "600px" }).observe(viewer);
  addEventListener("beforeprint", () => {
    if (!near) listSets();
    near = true;
  });
})();
