// Brings the live figures of a page to life, with no kernel and no network. The state of every widget of the
// page, JavaScript and style included, lies in a script beside it (book/_ext/light_pages.py), and a mark stands
// where each one is shown. This file keeps room for each figure and, when the reader comes near the first,
// fetches the state. (A script, because a page at file:// may fetch nothing else.)
(() => {
  const MIME = "application/vnd.jupyter.widget-";
  const room = document.createElement("style");
  room.textContent = `
    .live-slot { container-type: inline-size; margin: 1rem 0; }
    .live-mount { --w: min(100cqw, 760px); min-height: var(--wide); }
    @container (max-width: 659px) { .live-mount { --w: min(100cqw, 440px); min-height: var(--narrow); } }
    /* in the dark the theme puts HTML outputs on a light ground, by a very specific rule */
    .text_html:has(> .live-slot) { background: none !important; padding: 0 !important; }
    .live-print { display: none; }
    .live-broken .live-mount { min-height: 0; }
    .live-broken .live-print { display: block; }
    @media print { .live-mount { display: none; } .live-print { display: block; } }`;
  document.head.append(room);

  /** The part of a widget's model that a figure uses: traits that can be read, set and followed. */
  class Model {
    #state; #listeners = new Map();
    constructor(state) { this.#state = state; }
    get(name) { return this.#state[name]; }
    set(name, value) {
      if (this.#state[name] === value) return;
      this.#state[name] = value;
      for (const listener of this.#listeners.get(`change:${name}`) ?? []) listener();
    }
    on(event, listener) {
      if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
      this.#listeners.get(event).add(listener);
    }
    off(event, listener) { this.#listeners.get(event)?.delete(listener); }
    save_changes() {} // there is no kernel to tell
  }

  /** Binary traits are kept apart from the state, in base64, each with the path to where it belongs. */
  function restore({ state, buffers = [] }) {
    for (const { path, data } of buffers) {
      const owner = path.slice(0, -1).reduce((object, key) => object[key], state);
      owner[path.at(-1)] = new DataView(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer);
    }
    return state;
  }

  const once = (make, made = new Map()) => (key, ...rest) => made.get(key) ?? made.set(key, make(key, ...rest)).get(key);
  const load = once((source) => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" }))));
  const addStyle = once((css) => {
    const style = document.createElement("style");
    style.textContent = css;
    document.head.append(style);
    return style;
  });
  const start = once(async (id, widget) => {
    if (widget?.model_module !== "anywidget") throw new Error("it is a widget that needs a running notebook");
    const state = restore(widget), model = new Model(state);
    if (state._css) addStyle(state._css);
    let { default: figure } = await load(state._esm);
    if (typeof figure === "function") figure = await figure();
    await figure.initialize?.({ model });
    return { figure, model };
  });

  /** The states of all figures of the page; asked for once, when the first figure is wanted. */
  const states = once(() => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    window.liveState = ({ state }) => resolve(state);
    script.onerror = () => reject(new Error("its data could not be loaded"));
    script.src = document.querySelector(`script[type="${MIME}state"]`).dataset.src;
    document.head.append(script);
  }));

  /** The place of a figure, with the still picture that is printed. */
  function slotOf(id, mark) {
    let slot = document.querySelector(`.live-slot[data-live="${id}"]:not([data-filled])`);
    if (!slot) {
      slot = document.createElement("div");
      slot.innerHTML = '<div class="live-mount"></div>';
      mark.after(slot);
    }
    slot.dataset.filled = "";
    const still = document.createElement("template");
    still.innerHTML = slot.querySelector("noscript")?.textContent ?? "";
    for (const picture of still.content.children) {
      picture.classList.add("live-print");
      picture.loading = "lazy";
    }
    slot.append(still.content);
    return slot;
  }

  async function show(id, slot) {
    const el = slot.querySelector(".live-mount");
    try {
      const { figure, model } = await start(id, (await states())[id]);
      await figure.render({ model, el });
    } catch (error) {
      console.error(`live figure ${id}:`, error);
      slot.classList.add("live-broken");
      el.replaceChildren();
      el.textContent = `This figure cannot be moved here (${error.message}).`;
    }
  }

  function boot() {
    const ids = new Map();
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        show(ids.get(target), target);
      }
    }, { rootMargin: "150% 0px" }); // a screen and a half ahead of the reader
    for (const mark of document.querySelectorAll(`script[type="${MIME}view+json"]`)) {
      const id = JSON.parse(mark.textContent).model_id, slot = slotOf(id, mark);
      ids.set(slot, id);
      near.observe(slot);
    }
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", boot);
  else boot();
})();
