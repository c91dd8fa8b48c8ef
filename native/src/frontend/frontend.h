/* frontend.h - what the node needs of a front-end beyond tagnode.h: when each mel frame comes. */
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

#endif
