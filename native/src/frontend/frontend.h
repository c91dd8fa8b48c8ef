/* frontend.h - what the node needs of a front-end beyond tagnode.h: the positions of mel frames,
 * and the power spectrum of each. */
#pragma once

#include "tagnode.h"

/* Checks a rate and a channel count. Returns OK or ERROR_ARGUMENT. */
tagnode_status tagnode_frontend_check_input(uint32_t sample_rate, uint32_t channels,
                                            tagnode_message *why);

/* Returns whether all settings are the same. */
bool tagnode_frontend_equal(const tagnode_frontend_settings *a, const tagnode_frontend_settings *b);

/* Returns the input position at which mel frame `index` has been computed. */
int64_t tagnode_frontend_ready(const tagnode_frontend *frontend, int64_t index) TAGNODE_NONBLOCKING;

/* Returns the input position at which mel frame `index` starts; may be negative. */
int64_t tagnode_frontend_begin(const tagnode_frontend *frontend, int64_t index) TAGNODE_NONBLOCKING;

/* Writes the mel frame of digital silence. Call it before the first process call. [main] */
void tagnode_frontend_silence(const tagnode_frontend *frontend, float *mel);

/* Returns the number of bins in a power spectrum: fft / 2 + 1. */
size_t tagnode_frontend_bins(const tagnode_frontend *frontend) TAGNODE_NONBLOCKING;

/* Like tagnode_frontend_process; also writes the power spectrum of each mel frame to `power`,
 * tagnode_frontend_bins floats each; NULL is allowed. */
size_t tagnode_frontend_process_spectra(tagnode_frontend *frontend, const float *const *input,
                                        size_t frames, float *mel, float *power)
    TAGNODE_NONBLOCKING;
