// ElboFigure: one observation x, its posterior p(z|x), and a Gaussian q(z). Three bars in nats stand
// for log p(x) = ELBO + KL(q, p(z|x)) or, at choice, for ELBO = reconstruction − KL(q, p(z)).

const SEEN = 3.5; // z is drawn from −3.5 to 3.5

function render({ model, el }) {
  const z = numbers(model.get("grid_data")), joint = numbers(model.get("joint_data"));
  const n = z.length, step = (z[n - 1] - z[0]) / (n - 1), labels = model.get("labels");
  const [muLow, muHigh] = model.get("mu_range"), [sigmaLow, sigmaHigh] = model.get("sigma_range");
  const logNormal = (value, mu, sigma) => -0.5 * ((value - mu) / sigma) ** 2 - Math.log(sigma * Math.sqrt(2 * Math.PI));
  const normal = (value, mu, sigma) => Math.exp(logNormal(value, mu, sigma));

  // log p(x) and the posterior of each observation. The largest term is taken out of the sum.
  const observations = labels.map((_, k) => {
    const logJoint = joint.subarray(k * n, (k + 1) * n), most = Math.max(...logJoint);
    const logP = most + Math.log(step * logJoint.reduce((sum, value) => sum + Math.exp(value - most), 0));
    const posterior = logJoint.map((value) => Math.exp(value - logP));
    return { logJoint, logP, posterior, top: 1.5 * Math.max(...posterior) };
  });

  /** All numbers of one q, by sums over the grid; and the slopes of the ELBO in μ and in log σ. */
  function compute({ logJoint, logP }, mu, sigma) {
    const sums = { elbo: 0, kl: 0, reconstruction: 0, slopeMu: 0, slopeSigma: 1 };
    for (let i = 0; i < n; i++) {
      const logQ = logNormal(z[i], mu, sigma), weight = step * Math.exp(logQ), away = (z[i] - mu) / sigma;
      sums.elbo += weight * (logJoint[i] - logQ);
      sums.kl += weight * (logQ - (logJoint[i] - logP));
      sums.reconstruction += weight * (logJoint[i] - logNormal(z[i], 0, 1));
      sums.slopeMu += weight * logJoint[i] * (away / sigma);
      sums.slopeSigma += weight * logJoint[i] * (away * away - 1);
    }
    return { ...sums, prior: (mu * mu + sigma * sigma - 1) / 2 - Math.log(sigma) };
  }

  const place = layout(el, '"main side" "controls side" "readout readout"');
  const densities = drawing(place("main"), 240);
  const controls = place("controls");
  const bars = drawing(place("side"), 470);
  const say = readout(place("readout"));

  // The densities over z. What is taller than the frame is cut off.
  const across = scale([-SEEN, SEEN], [42, 332]);
  let up; // the scale of densities, one for each observation
  const frame = svg(densities, "g");
  const cut = `live-window-${Math.random().toString(36).slice(2)}`;
  svg(svg(svg(densities, "defs"), "clipPath", { id: cut }), "rect", { x: 42, y: 26, width: 290, height: 176 });
  const inside = svg(densities, "g", { "clip-path": `url(#${cut})` });
  const area = svg(inside, "path", { class: "live-fill live-blue live-shade" });
  const outline = svg(inside, "path", { class: "live-line live-blue" });
  const priorCurve = svg(inside, "path", { class: "live-line-muted live-dashed" });
  const qCurve = svg(inside, "path", { class: "live-line live-orange" });
  for (const [k, [name, look]] of [["q(z)", "live-line live-orange"], ["p(z|x)", "live-line live-blue"], ["p(z)", "live-line-muted live-dashed"]].entries()) {
    const entry = svg(densities, "g", { transform: `translate(${[118, 182, 263][k]}, 13)` });
    svg(entry, "path", { d: "M0,0H18", class: look });
    svg(entry, "text", { x: 23, y: 4 }, name);
  }
  const reach = svg(densities, "path", { class: "live-line live-orange" });
  const side = handle(16, 6, "σ"), top = handle(20, 8, "μ");
  function handle(touch, r, name) {
    const group = svg(densities, "g");
    svg(group, "circle", { r: touch, class: "live-touch" });
    svg(group, "circle", { r, class: "live-ring live-orange" });
    return { group, name: svg(group, "text", { y: 4, class: "live-halo" }, name) };
  }

  // The bars: they hang from 0, and the third one lies between the ends of the two others.
  const [low, high] = model.get("window"), floor = 372;
  const level = scale([low, high], [floor, 26]);
  const clip = (nats) => level(Math.min(Math.max(nats, low), high));
  const levels = ticks([low, high], 6);
  axes(bars, Object.assign(() => 0, { range: [42, 332], domain: [0, 1] }), level, { xName: "", yName: "nats", xTicks: [], yTicks: levels });
  svg(bars, "path", { d: path([[42, level(0)], [332, level(0)]]), class: "live-line-muted" });
  const columns = [0, 1, 2].map((k) => {
    const middle = [88, 187, 286][k];
    return {
      middle,
      bar: svg(bars, "rect", { x: middle - 30, width: 60, class: "live-fill" }),
      more: svg(bars, "path", { d: `M${middle - 30},${floor - 12}l30,12l30,-12v-7l-30,12l-30,-12z`, class: "live-more" }),
      name: svg(bars, "text", { x: middle, y: floor + 46, "text-anchor": "middle" }),
      number: svg(bars, "text", { x: middle, y: floor + 25, "text-anchor": "middle", class: "live-number" }),
    };
  });
  const signs = [137, 236].map((x) => svg(bars, "text", { x, y: floor + 25, "text-anchor": "middle", class: "live-number" }));
  const ends = svg(bars, "path", { class: "live-line-muted live-dashed" }); // joins the ends of bars that meet
  const ceiling = svg(bars, "path", { class: "live-line live-ink live-dashed" });
  const below = svg(bars, "text", { x: 187, y: floor + 76, "text-anchor": "middle", class: "live-tick" });

  const observation = choice(controls, model, "index", { label: "Seen", entries: labels });
  const reading = choice(controls, model, "reading", { label: "Bars", entries: ["log p(x) = ELBO + KL", "ELBO = reconstruction − KL"] });
  const mean = slider(controls, model, "mu", {
    label: "Mean μ of q", min: muLow, max: muHigh, step: 0.05,
    show: shown, words: (mu) => `mean ${mu.toFixed(2)}`,
  });
  const width = slider(controls, model, "sigma", {
    label: "Standard deviation σ of q", min: sigmaLow, max: sigmaHigh, step: 0.02,
    show: (sigma) => sigma.toFixed(2), words: (sigma) => `standard deviation ${sigma.toFixed(2)}`,
  });
  const hundredths = (value) => Math.round(100 * value) / 100;
  drag(top.group, (px) => change(model, "mu", hundredths(across.inverse(px)), muLow, muHigh), mean.input);
  drag(side.group, (px) => change(model, "sigma", hundredths(Math.abs(across.inverse(px) - model.get("mu"))), sigmaLow, sigmaHigh), width.input);

  // "Climb": steps uphill on the ELBO, as long as they gain. Whoever else moves q takes over.
  const button = html(controls, "button", { type: "button", class: "live-button" }, "Climb to the best q");
  let timer = null, climbing = false;
  const stop = () => { clearInterval(timer); timer = null; };
  function climb() {
    const seen = observations[model.get("index")], mu = model.get("mu"), sigma = model.get("sigma");
    const here = compute(seen, mu, sigma);
    for (let size = 1; size > 1e-4; size /= 2) {
      // the natural gradient: slopes over the curvature of the Gaussian, 1/σ² and 2
      const shift = Math.min(Math.max(size * sigma * sigma * here.slopeMu, -0.15), 0.15);
      const growth = Math.min(Math.max((size * here.slopeSigma) / 2, -0.15), 0.15);
      const [a, b] = [Math.min(Math.max(mu + shift, muLow), muHigh), Math.min(Math.max(sigma * Math.exp(growth), sigmaLow), sigmaHigh)];
      if (compute(seen, a, b).elbo > here.elbo + 1e-9) {
        climbing = true;
        model.set("mu", a);
        change(model, "sigma", b);
        climbing = false;
        return true;
      }
    }
    return false;
  }
  button.addEventListener("click", () => {
    stop();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) while (climb());
    else timer = setInterval(() => { if (!climb()) stop(); }, 40);
  });

  watch(model, ["index"], () => {
    const { posterior, top: highest } = observations[model.get("index")];
    up = scale([0, highest], [202, 26]);
    frame.replaceChildren();
    axes(frame, across, up, { xName: "latent z", yName: "density", yTicks: ticks([0, highest], 4) });
    const drawn = Array.from(z.keys()).filter((i) => Math.abs(z[i]) <= SEEN + step);
    const curve = path(drawn.map((i) => [across(z[i]), up(posterior[i])]));
    put(outline, { d: curve });
    put(area, { d: `${curve}V202H42Z` });
    put(priorCurve, { d: path(drawn.map((i) => [across(z[i]), up(normal(z[i], 0, 1))])) });
  });

  watch(model, ["index", "mu", "sigma", "reading"], () => {
    const seen = observations[model.get("index")], logP = seen.logP, second = model.get("reading") === 1;
    const mu = model.get("mu"), sigma = model.get("sigma");
    if (!climbing) stop();
    const { elbo, kl, reconstruction, prior } = compute(seen, mu, sigma);

    const steps = Array.from({ length: 281 }, (_, k) => -SEEN + (2 * SEEN * k) / 280);
    put(qCurve, { d: path(steps.map((value) => [across(value), up(Math.min(normal(value, mu, sigma), 2 * seen.top))])) });
    const peak = normal(mu, mu, sigma), right = mu + sigma < SEEN - 0.2;
    const tip = Math.max(up(peak), 32), flank = Math.max(up(peak * Math.exp(-0.5)), 62), end = across(mu + (right ? sigma : -sigma));
    put(top.group, { transform: `translate(${across(mu)}, ${tip})` });
    put(top.name, { x: right ? -13 : 13, "text-anchor": right ? "end" : "start" });
    put(side.group, { transform: `translate(${end}, ${flank})` });
    put(side.name, { x: right ? 11 : -11, "text-anchor": right ? "start" : "end" });
    put(reach, { d: path([[across(mu), flank], [end, flank]]) });

    const parts = second
      ? [["ELBO", elbo, 0, elbo, "teal"], ["reconstruction", reconstruction, 0, reconstruction, "blue"], ["KL(q, p(z))", prior, elbo, reconstruction, "orange"]]
      : [["log p(x)", logP, 0, logP, "ink"], ["ELBO", elbo, 0, elbo, "teal"], ["KL(q, p(z|x))", kl, elbo, logP, "orange"]];
    parts.forEach(([name, value, from, to, tone], k) => {
      const { bar, more, name: label, number } = columns[k], [a, b] = [clip(from), clip(to)].sort((p, q) => p - q);
      put(bar, { y: a, height: b - a, class: `live-fill live-${tone}` });
      put(more, { visibility: Math.min(from, to) < low ? "visible" : "hidden" });
      put(label, {}, name);
      put(number, {}, shown(value));
    });
    put(signs[0], {}, "=");
    put(signs[1], {}, second ? "−" : "+");
    const inFrame = (nats) => nats >= low;
    put(ends, { d: (second ? [[elbo, 88, 286], [reconstruction, 187, 286]] : [[elbo, 187, 286]]).filter(([nats]) => inFrame(nats)).map(([nats, a, b]) => path([[a, clip(nats)], [b, clip(nats)]])).join("") });
    put(ceiling, { d: path([[42, level(logP)], [332, level(logP)]]) });
    put(below, {}, second ? `dashed: log p(x) = ${shown(logP)}, which is ${shown(kl)} higher` : "ELBO and KL add up to log p(x), for every q");
    for (const control of [observation, reading, mean, width]) control.follow();

    const q = `q has mean ${shown(mu)} and standard deviation ${sigma.toFixed(2)}`;
    const sum = second
      ? `ELBO ${shown(elbo)} = reconstruction ${shown(reconstruction)} − KL ${shown(prior)} nats`
      : `log p(x) ${shown(logP)} = ELBO ${shown(elbo)} + KL ${shown(kl)} nats`;
    put(densities, { "aria-label": `Over z, the posterior for ${labels[model.get("index")]}, the standard normal prior, and a Gaussian q. ${q}.` });
    put(bars, { "aria-label": `Three bars in nats and a line at log p(x). ${sum}.` });
    say(`${q}. ${sum}.`);
    Object.assign(el.dataset, { index: model.get("index"), mu, sigma, reading: model.get("reading"), logp: logP, elbo, kl, reconstruction, prior });
  });
  return stop;
}

/** Two digits after the point, one from 100 on; with a true minus sign, which a rounded nothing has not. */
function shown(value) {
  return (Math.abs(value) < 0.005 ? 0 : value).toFixed(Math.abs(value) < 100 ? 2 : 1).replace("-", "−");
}

export default { render };
