/* clap_window.h - the window for CLAP hosts, and its edits on their way to the host. */
#pragma once

#include "clap_abi.h"
#include "face/face.h"
#include "support/ring.h"

typedef struct clap_window clap_window;

/* NULL where there is no memory. The extensions of the host may be NULL. [main] */
clap_window *clap_window_create(tagplug *core, const cl_host *host, const cl_host_params *params);
void clap_window_destroy(clap_window *self); /* [main], NULL is fine */

/* Sends the edits of the window to the host, at the beginning of a block or in a flush. [audio] */
void clap_window_send(clap_window *self, const cl_output_events *out) TAGNODE_NONBLOCKING;

/* The extension with this id, NULL where it is none of the window's or the host has no timers.
 * [any] */
const void *clap_window_extension(const clap_window *self, const char *id);

/* The window of a plugin; in clap_face.c. */
clap_window *clap_window_of(const cl_plugin *plugin);
