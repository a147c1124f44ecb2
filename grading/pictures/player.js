// Draws the walks of one player. Its numbers lie in a JSON element: {times, half, scale, data, tracks}, the points as
// base64 of little-endian int16, in units of half / scale.
(() => {
  const player = document.currentScript.closest(".kata-player");
  const film = JSON.parse(player.querySelector("script[type='application/json']").textContent);
  const canvases = [...player.querySelectorAll("canvas")];
  const button = player.querySelector("button");
  const slider = player.querySelector("input");
  const output = player.querySelector("output");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function points(base64) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float32Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i, true) / film.scale);
  }
  const data = points(film.data);
  const tracks = film.tracks.map((frames) => frames.map(points));

  function dots(context, cloud, colour, radius, side) {
    context.fillStyle = colour;
    context.beginPath();
    for (let i = 0; i < cloud.length; i += 2) {
      const x = (1 + cloud[i]) * side / 2, y = (1 - cloud[i + 1]) * side / 2;
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.fill();
  }

  function draw() {
    const now = Number(slider.value), t = film.times[now], style = getComputedStyle(player);
    output.value = t < 0 ? "x\u2080, done" : `t = ${t}`;
    slider.setAttribute("aria-valuetext", t < 0 ? "finished" : `t = ${t}`);
    canvases.forEach((canvas, k) => {
      const shown = canvas.clientWidth, side = Math.round(shown * devicePixelRatio);
      if (canvas.width !== side) canvas.width = canvas.height = side;
      const context = canvas.getContext("2d"), radius = Math.max(1, shown / 260) * side / shown;
      context.clearRect(0, 0, side, side);
      dots(context, data, style.getPropertyValue("--data"), 1.6 * radius, side);
      dots(context, tracks[k][now], style.getPropertyValue(`--dot-${k}`), radius, side);
    });
  }

  let timer = 0;
  function pause() {
    clearInterval(timer);
    timer = 0;
    button.textContent = "Play";
  }
  function play() {
    if (slider.value === slider.max) slider.value = 0;
    button.textContent = "Pause";
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      draw();
      if (slider.value === slider.max) pause();
    }, calm.matches ? 500 : 90);
    draw();
  }

  button.addEventListener("click", () => (timer ? pause() : play()));
  slider.addEventListener("input", () => { pause(); draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(draw).observe(player);
  draw();
})();
