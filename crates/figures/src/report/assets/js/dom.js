// Elements are made here, and texts enter them as texts only.

const byId = (id) => document.getElementById(id);

/** An element with attributes (null ones left out; functions are listeners) and children: elements, texts or null. */
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
function makeSvg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Says what keeps the page from working, where a reader sees it. */
function trouble(message) {
  const note = byId("trouble");
  note.textContent = message;
  note.hidden = false;
}

/** Runs once when an element comes near the screen. */
function whenNear(element, run) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    run();
  }, { rootMargin: "400px" });
  observer.observe(element);
}

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
