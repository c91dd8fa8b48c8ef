"""The Wiener filter against its definition, with numpy's own solver."""

import numpy as np

from pyplugin.stems.wiener import wiener_filtered

EPSILON = np.finfo(np.float32).eps


def test_one_iteration_follows_the_definition():
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(70, 5, 2)) + 1j * rng.normal(size=(70, 5, 2))
    shares = rng.dirichlet([1, 1, 1], (70, 5, 2)).transpose(3, 0, 1, 2)
    stems = (shares * mix).astype(np.complex64)
    got = wiener_filtered(stems, mix.astype(np.complex64), 1)
    want = np.zeros_like(stems, dtype=complex)
    for b in range(5):
        power = np.mean(np.abs(stems[:, :, b]) ** 2, axis=-1).astype(float)
        spatial = [
            sum(np.outer(y, y.conj()) for y in stems[s, :, b].astype(complex))
            / (EPSILON + power[s].sum())
            for s in range(3)
        ]
        for m in range(70):
            parts = [power[s, m] * spatial[s] for s in range(3)]
            total = sum(parts) + np.sqrt(EPSILON) * np.eye(2)
            for s in range(3):
                want[s, m, b] = parts[s] @ np.linalg.solve(total, mix[m, b])
    np.testing.assert_allclose(got, want, atol=1e-4)


def test_no_iteration_changes_nothing():
    stems = np.ones((2, 3, 4, 2), np.complex64)
    assert wiener_filtered(stems, stems.sum(axis=0), 0) is stems
