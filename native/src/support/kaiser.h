/* kaiser.h - the Kaiser window, for filters that are precomputed. Not for the audio thread. */
#pragma once

/* Returns the unscaled window at `x`, -1 to 1 from edge to edge (Kaiser, 1974). */
double tagnode_kaiser(double x, double beta);
