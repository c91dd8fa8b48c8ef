/* kaiser.h - the Kaiser window, for filters that are worked out beforehand. Not for the audio
 * thread. */
#ifndef TAGNODE_SUPPORT_KAISER_H
#define TAGNODE_SUPPORT_KAISER_H

/* The window at `x`, -1 to 1 from edge to edge, but for its scale (Kaiser, 1974). */
double tagnode_kaiser(double x, double beta);

#endif
