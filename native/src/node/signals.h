/* signals.h - the signal frames of a node: measured descriptors at the positions of mel frames. */
#pragma once

#include "tagnode.h"

typedef struct tagnode_signals tagnode_signals;

/* For a node with this setup, whose signal_hop is above 0, and its front-end, which must outlive
 * the signals; `burst` is the largest number of samples in a process call. Returns OK or
 * ERROR_MEMORY. */
tagnode_status tagnode_signals_create(const tagnode_setup *setup,
                                      const tagnode_frontend_settings *settings,
                                      const tagnode_frontend *frontend, uint32_t burst,
                                      tagnode_signals **signals, tagnode_message *why);
void tagnode_signals_destroy(tagnode_signals *signals); /* NULL is allowed */
void tagnode_signals_reset(tagnode_signals *signals) TAGNODE_NONBLOCKING;

/* Processes `frames` samples of each channel; then push gets the power spectra of the mel frames
 * that they completed, one by one. */
void tagnode_signals_process(tagnode_signals *signals, const float *const *input, size_t frames)
    TAGNODE_NONBLOCKING;
void tagnode_signals_push(tagnode_signals *signals, const float *power) TAGNODE_NONBLOCKING;

/* See tagnode_read_signals. [reader] */
size_t tagnode_signals_read(tagnode_signals *signals, tagnode_frame *frames, float *values,
                            size_t capacity) TAGNODE_NONBLOCKING;
