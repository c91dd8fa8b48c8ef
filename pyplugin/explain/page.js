"use strict";
for (const unit of document.querySelectorAll("section")) {
  const player = unit.querySelector("audio"), strip = unit.querySelector(".strip");
  if (!player) continue;
  const cursor = unit.querySelector(".cursor"), length = Number(strip.dataset.seconds);
  const place = () => {
    cursor.style.left = `${100 * player.currentTime / length}%`;
    cursor.style.visibility = "visible";
    if (!player.paused) requestAnimationFrame(place);
  };
  const play = seconds => {
    player.currentTime = seconds;
    player.play().catch(() => {});
  };
  player.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== player) other.pause();
    place();
  });
  player.addEventListener("seeked", place);
  strip.addEventListener("click", event => {
    const box = strip.getBoundingClientRect();
    play(length * (event.clientX - box.left) / box.width);
  });
  for (const button of unit.querySelectorAll("button"))
    button.addEventListener("click", () => play(Number(button.dataset.at)));
}
