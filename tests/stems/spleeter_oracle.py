"""Spleeter's graph written with TensorFlow, from the variables of a checkpoint: the oracle.

After deezer/spleeter 2.4 (Hennequin et al., JOSS 2020), as its documentation and paper describe it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FRAME, HOP, PATCH, BINS = 4096, 1024, 512, 1024


class Oracle:
    """The networks and what is around them."""

    def __init__(
        self, variables: Mapping[str, Any], stems: Sequence[str], *, elu: bool, softmax: bool
    ) -> None:
        import tensorflow as tf

        self.tf, self.stems, self.elu, self.softmax = tf, stems, elu, softmax
        self.variables = {name: tf.constant(value) for name, value in variables.items()}
        self.networks = tf.function(self.outputs, reduce_retracing=True)
        self.separate = tf.function(
            self._separate, input_signature=[tf.TensorSpec([None, 2], tf.float32)]
        )

    def _named(self, name: str, number: int, part: str) -> Any:
        return self.variables[f"{name}_{number}/{part}" if number else f"{name}/{part}"]

    def _norm(self, x: Any, number: int) -> Any:
        parts = ("moving_mean", "moving_variance", "beta", "gamma")
        mean, variance, beta, gamma = (
            self._named("batch_normalization", number, part) for part in parts
        )
        return self.tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-3)

    def network(self, x: Any, index: int) -> Any:
        """One stem's: magnitudes (b, T, F, 2) to logits, and the bottleneck."""
        tf = self.tf

        def down(x: Any, level: int) -> Any:
            number = 7 * index + level
            kernel, bias = (self._named("conv2d", number, part) for part in ("kernel", "bias"))
            return tf.nn.conv2d(x, kernel, 2, "SAME") + bias

        def up(x: Any, level: int) -> Any:
            number, shape = 6 * index + level, tf.shape(x)
            kernel, bias = (
                self._named("conv2d_transpose", number, part) for part in ("kernel", "bias")
            )
            size = [shape[0], 2 * shape[1], 2 * shape[2], kernel.shape[2]]
            x = tf.nn.conv2d_transpose(x, kernel, size, 2, "SAME") + bias
            return self._norm(tf.nn.elu(x) if self.elu else tf.nn.relu(x), 12 * index + 6 + level)

        skips = []
        for level in range(6):
            x = down(x, level)
            skips.append(x)
            if level < 5:
                x = self._norm(x, 12 * index + level)
                x = tf.nn.elu(x) if self.elu else tf.nn.leaky_relu(x, 0.2)
        bottom, x = x, up(x, 0)
        for level in range(1, 6):
            x = up(tf.concat([skips[5 - level], x], axis=-1), level)
        kernel, bias = (self._named("conv2d", 7 * index + 6, part) for part in ("kernel", "bias"))
        return tf.nn.conv2d(x, kernel, 1, "SAME", dilations=2) + bias, bottom

    def outputs(self, magnitudes: Any) -> tuple[Any, Any]:
        """Masks (stems, b, T, F, 2) and bottlenecks (stems, b, t, f, 512)."""
        found = [self.network(magnitudes, index) for index in range(len(self.stems))]
        logits = self.tf.stack([each[0] for each in found])
        masks = self.tf.nn.softmax(logits, 0) if self.softmax else self.tf.sigmoid(logits)
        return masks, self.tf.stack([each[1] for each in found])

    def _separate(self, waveform: Any) -> Any:
        """(n, 2) at 44.1 kHz to (stems, n, 2)."""
        tf = self.tf
        padded = tf.concat([tf.zeros((FRAME, 2)), waveform], 0)
        stft = tf.signal.stft(
            tf.transpose(padded), FRAME, HOP, window_fn=tf.signal.hann_window, pad_end=True
        )
        stft = tf.transpose(stft, [1, 2, 0])
        count = tf.shape(stft)[0]
        parts = tf.pad(stft, [[0, (-count) % PATCH], [0, 0], [0, 0]])
        parts = tf.reshape(parts, [-1, PATCH, FRAME // 2 + 1, 2])
        magnitudes = tf.abs(parts)[:, :, :BINS]
        powers = tf.square(self.outputs(magnitudes)[0] * magnitudes)
        shares = (powers + 1e-10 / len(self.stems)) / (tf.reduce_sum(powers, 0) + 1e-10)
        shares = tf.pad(shares, [[0, 0]] * 3 + [[0, FRAME // 2 + 1 - BINS], [0, 0]])
        shares = tf.reshape(shares, [len(self.stems), -1, FRAME // 2 + 1, 2])[:, :count]
        spectra = tf.transpose(tf.cast(shares, tf.complex64) * stft, [0, 3, 1, 2])
        samples = tf.signal.inverse_stft(spectra, FRAME, HOP, window_fn=tf.signal.hann_window)
        samples = tf.transpose(samples, [0, 2, 1]) * (2 / 3)
        return samples[:, FRAME : FRAME + tf.shape(waveform)[0]]


def decibels(difference: Any, reference: Any) -> float:
    """Return the level of a difference relative to what it is of."""
    power = [float(np.mean(np.square(np.asarray(x, np.float64)))) for x in (difference, reference)]
    return 10 * np.log10(max(power[0], 1e-30) / max(power[1], 1e-30))


def write_folder(folder: Path, variables: Mapping[str, Any]) -> None:
    """Write a folder as Spleeter's archives have it, by TensorFlow: 4 files, one of them our input.

    `checkpoint`, `model.meta`, `model.index` and `model.data-00000-of-00001`: the variables of a
    graph in float, and the estimator's `global_step`, which is none of the networks'.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    folder.mkdir(parents=True)
    with tf.Graph().as_default(), v1.Session() as session:
        held = [v1.get_variable(name, initializer=value) for name, value in variables.items()]
        held.append(v1.get_variable("global_step", initializer=np.int64(1_000_000)))
        session.run(v1.global_variables_initializer())
        v1.train.Saver(held).save(session, str(folder / "model"))
    (folder / ".probe").write_text("OK")


def read_folder(folder: Path) -> dict[str, Any]:
    """Return the variables of a folder, read by TensorFlow."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(folder / "model"))
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name) for name in names if name != "global_step"}


def si_sdr(estimate: Any, reference: Any) -> float:
    """Return the scale-invariant signal-to-distortion ratio in dB (Le Roux et al., 2019)."""
    want, got = (np.asarray(x, np.float64).ravel() for x in (reference, estimate))
    target = want * (got @ want) / (want @ want)
    return -decibels(got - target, target)
