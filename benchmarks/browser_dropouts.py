"""A minute of playback in real time: the dropouts that Chromium counts."""

from pathlib import Path
from typing import Any

from benchmarks.report import Figure, Row

SECONDS, CONTROL = 60, 3
MODEL, HOP = "musicnn-mtt", 0.25
PLAY = """async ([model, file, seconds, hop]) => {
  const context = new AudioContext({ sampleRate: 48000 });
  await context.suspend(); // while the model is read, in the audio thread
  const { Tagnode } = await import("./tagnode/index.js");
  const samples = new Float32Array(await (await fetch(file)).arrayBuffer());
  const buffer = context.createBuffer(2, samples.length / 2, 48000);
  for (let c = 0; c < 2; ++c)
    buffer.copyToChannel(samples.subarray(c * buffer.length, (c + 1) * buffer.length), c);
  const source = new AudioBufferSourceNode(context, { buffer, loop: true });
  const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
  const node = await Tagnode.create(context, { model: bytes, hop });
  let results = 0;
  node.addEventListener("frame", () => ++results);
  source.connect(node).connect(context.destination);
  source.start();
  await context.resume();
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  const { underrunDuration, underrunEvents } = context.playbackStats;
  await context.close();
  return [1000 * underrunDuration, underrunEvents, results];
}"""
SLOW = """registerProcessor("slow", class extends AudioWorkletProcessor {
  process() {
    for (const end = Date.now() + 6; Date.now() < end;);
    return true;
  }
});"""
PLAY_SLOW = """async ([seconds]) => {
  const context = new AudioContext({ sampleRate: 48000 });
  await context.audioWorklet.addModule("slow.js");
  new AudioWorkletNode(context, "slow").connect(context.destination);
  await context.resume();
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  const { underrunDuration, underrunEvents } = context.playbackStats;
  await context.close();
  return [1000 * underrunDuration, underrunEvents];
}"""


def measure(page: Any, folder: Path, song: Any) -> Figure:
    """Play a song through the node, and what takes too long: a browser counts the latter."""
    title = f"dropouts in {SECONDS} s of playback, in real time"
    if not page.evaluate("'playbackStats' in AudioContext.prototype"):
        note = "left out: this Chromium does not count them"
        return Figure("browser", title, "ms", [], [note])
    (folder / "slow.js").write_text(SLOW, encoding="utf-8")
    slow, times = page.evaluate(PLAY_SLOW, [CONTROL])
    if not times:
        raise RuntimeError("This browser counts no dropouts where there are some.")
    song.tofile(folder / "samples.f32")
    given = [f"models/{MODEL}.tagnode", "samples.f32", SECONDS, HOP]
    lost, events, results = page.evaluate(PLAY, given)
    rows = [
        Row(f"AudioWorklet, {MODEL} every {HOP} s", lost, limit=0, beside=_beside(events, results)),
        Row(
            f"for comparison: {CONTROL} s of a worklet that is too slow",
            slow,
            beside=_beside(times),
        ),
    ]
    return Figure("browser", title, "ms", rows)


def _beside(events: int, results: int | None = None) -> dict[str, float]:
    return {"dropouts": events, **({} if results is None else {"results": results})}
