// From arena to arena: a slider, and a button that moves it.

const DWELL_MS = 1100;
const FADE_MS = 900;

function setUpArenaSlider() {
  const [slider, play, label] = [byId("arena"), byId("play"), byId("arena-label")];
  const last = data.arenas.length - 1;
  let frame = null;

  const show = () => {
    const name = data.arenas[chosenArena()].label;
    label.textContent = name;
    slider.setAttribute("aria-valuetext", name);
    slider.value = state.position;
  };
  const stop = () => {
    if (frame !== null) cancelAnimationFrame(frame);
    frame = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  };
  /** Where the slider is after some time: it rests at each arena, fades to the next, and starts again after the last. */
  const positionAt = (elapsed, from) => {
    const turns = elapsed / (DWELL_MS + FADE_MS);
    const resting = Math.floor(turns);
    const faded = Math.max(0, ((turns - resting) * (DWELL_MS + FADE_MS) - DWELL_MS) / FADE_MS);
    const at = (from + resting) % (last + 1);
    if (at === last) return last;
    return at + (reducedMotion.matches ? 0 : faded);
  };
  play.addEventListener("click", () => {
    if (frame !== null) {
      stop();
      update({ position: chosenArena() });
      return;
    }
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    const from = chosenArena();
    let start = null;
    const move = (now) => {
      start ??= now;
      const position = positionAt(now - start, from);
      if (position !== state.position) update({ position });
      frame = requestAnimationFrame(move);
    };
    frame = requestAnimationFrame(move);
  });
  slider.addEventListener("input", () => {
    stop();
    update({ position: Number(slider.value) });
  });
  slider.addEventListener("change", () => update({ position: chosenArena() }));
  slider.addEventListener("keydown", (event) => {
    // By key it goes a whole arena at a time; the slider's own step is for fading by hand.
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    stop();
    update({ position: Math.min(Math.max(chosenArena() + by, 0), last) });
  });
  listeners.push((changed) => {
    if (changed.has("position")) show();
  });
  if (last === 0) slider.parentElement.hidden = true;
  show();
}
