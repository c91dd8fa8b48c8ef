/* frontend.h - what the node needs of a front-end beyond tagnode.h: when each mel frame comes, and
 * the power spectrum that it was made of. */
#ifndef TAGNODE_FRONTEND_FRONTEND_H
#define TAGNODE_FRONTEND_FRONTEND_H

#include "tagnode.h"

/* Checks a rate and a channel count. Returns OK or ERROR_ARGUMENT. */
tagnode_status tagnode_frontend_check_input(uint32_t sample_rate, uint32_t channels,
                                            tagnode_message *why);

/* The position at which mel frame `index` has been computed. */
int64_t tagnode_frontend_ready(const tagnode_frontend *frontend, int64_t index) TAGNODE_NONBLOCKING;

/* The input position at which mel frame `index` begins to hear; may be negative. */
int64_t tagnode_frontend_begin(const tagnode_frontend *frontend, int64_t index) TAGNODE_NONBLOCKING;

/* Writes the mel frame of digital silence. Comes before the first process call. [main] */
void tagnode_frontend_silence(const tagnode_frontend *frontend, float *mel);

/* Bins of a power spectrum: fft / 2 + 1. */
size_t tagnode_frontend_bins(const tagnode_frontend *frontend) TAGNODE_NONBLOCKING;

/* Like tagnode_frontend_process, and writes the power spectrum of each mel frame to `power`,
 * tagnode_frontend_bins floats each; NULL is fine. */
size_t tagnode_frontend_process_spectra(tagnode_frontend *frontend, const float *const *input,
                                        size_t frames, float *mel, float *power)
    TAGNODE_NONBLOCKING;

#endif
